/* Time is one type: milliseconds on the monotonic clock. */
#pragma once

#include <stdint.h>

typedef int64_t msec_t;

#define MSEC_NEVER  INT64_MAX
#define MSEC_SECOND ((msec_t)1000)
#define MSEC_MINUTE (60 * MSEC_SECOND)
#define MSEC_HOUR   (60 * MSEC_MINUTE)

static inline msec_t msec_min(msec_t a, msec_t b) {
	return a < b ? a : b;
}

static inline msec_t msec_max(msec_t a, msec_t b) {
	return a > b ? a : b;
}
