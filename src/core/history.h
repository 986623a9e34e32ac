/* The last samples of one worker, so that a person can be told how it came to this. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/base.h"
#include "util/msec.h"

#define HISTORY_MAX 64

struct sample {
	msec_t at;
	uint64_t rss_bytes;
	uint64_t pss_bytes, uss_bytes; /* as last known, unless `dear` */
	bool dear;                     /* read from smaps_rollup at that moment */
};

/* A ring; zeroed is empty. */
struct history {
	struct sample ring[HISTORY_MAX];
	size_t next; /* where the next one goes */
	size_t len;
};

/* The oldest makes room. */
void history_push(struct history *h, const struct sample *s);

/* The n-th newest: 0 is the last pushed. NULL when there are not that many. */
const struct sample *history_nth(const struct history *h, size_t n);

size_t history_len(const struct history *h);
