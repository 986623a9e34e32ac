/*
 * Whether the memory that we may use has really changed while we run: `docker update --memory`,
 * `systemctl set-property`, an operator's echo into memory.max.
 *
 * Pure. A limit that is lower than before was read, and holds at once. One that is higher, or
 * gone, may be a file that could not be opened this time (out of descriptors): it has to be seen
 * twice in a row.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "util/msec.h"

#define LIMIT_WATCH_EVERY (10 * MSEC_SECOND) /* a look costs some 20 to 40 µs */

struct limit_watch {
	msec_t next;        /* the time of the next look */
	uint64_t candidate; /* seen once; 0: none */
};

/* Is it time for a look? Then the next one is due LIMIT_WATCH_EVERY later. */
bool limit_watch_due(struct limit_watch *watch, msec_t now);

/* What a look has found, 0 if nothing, against what holds: shall it hold from now on? */
bool limit_watch_believe(struct limit_watch *watch, uint64_t holds_bytes, uint64_t seen_bytes);
