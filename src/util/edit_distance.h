/* How far apart two words are: what a typing error is measured by. */
#pragma once

#include "util/base.h"

#define EDIT_DISTANCE_FAR 99 /* for words too long to be compared */

/* Insertions, deletions, changed letters and swapped neighbours; letter case is not one. */
unsigned edit_distance(const char *a, const char *b);

/* Is `b` near enough to `a` to be what was meant? */
static inline int edit_near(unsigned distance, size_t length) {
	return distance <= (length < 4 ? 1 : length / 3);
}
