/* What time it is. */
#pragma once

#include <stdint.h>

#include "util/msec.h"

/* CLOCK_MONOTONIC: every patience is measured on it; setting the clock can't move it. */
msec_t clock_now(void);

/* CLOCK_BOOTTIME: what start times of processes are measured on (proc(5)); suspends count. */
msec_t clock_since_boot(void);

/* The same in microseconds, as sd_notify(3) wants it. */
uint64_t clock_now_usec(void);

/* Milliseconds since 1970: for people only. */
int64_t clock_wall(void);
