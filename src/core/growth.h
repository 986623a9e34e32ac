/*
 * How fast does a worker grow? Measured from cheap readings, on two horizons: the last minute
 * for what is about to happen, the last half hour for what kind of growth it is.
 *
 * Pure. The slope is the median of the slopes between each reading and the one half a window
 * later (Theil's incomplete method): a garbage collection, or one request that held 100 MB for
 * a moment, doesn't turn it.
 */
#pragma once

#include <stdint.h>

#include "util/base.h"
#include "util/msec.h"

#define GROWTH_READINGS 16

/* Readings at least a second apart, in a ring. */
struct growth_track {
	struct growth_reading {
		msec_t at;
		uint64_t bytes;
	} readings[GROWTH_READINGS];
	unsigned seen; /* ever noted here; the next one goes to seen % GROWTH_READINGS */
	unsigned same; /* the latest so many are one and the same: most workers sleep */
};

/* Zeroed: nothing was seen. Zero it when the process is another one. */
struct growth {
	struct growth_track near, far;
	struct growth_mean {
		msec_t since;
		uint64_t sum; /* of the readings since then */
		unsigned n;
	} mean; /* the next of `far`: a saw-tooth sampled now and then shows slopes it hasn't */
};

/* A reading; of several within a second the first counts. */
void growth_note(struct growth *g, uint64_t bytes, msec_t now);

/* Negative when it shrinks; 0 while fewer than three readings are known. */
int64_t growth_bytes_per_second(const struct growth *g);

/* Over the longest horizon there is; what futility_seen() wants. */
int64_t growth_bytes_per_hour(const struct growth *g);

/*
 * From `value` to `limit` at the faster of the two slopes; 0 if it is there already,
 * MSEC_NEVER if it doesn't grow. For the herd, the sums of its workers' are good enough.
 */
msec_t growth_time_to(const struct growth *g, uint64_t value, uint64_t limit);

/* The same for a growth that is known as a number. */
msec_t growth_time_at(int64_t bytes_per_second, uint64_t value, uint64_t limit);
