#include "core/growth.h"

#include <stdbool.h>
#include <stdlib.h>

/* A full track of them: near 15 s to 80 s at the usual ticks, far 30 minutes. */
#define NEAR_SPACING MSEC_SECOND
#define FAR_SPACING  (2 * MSEC_MINUTE)
#define FEWEST       3

static unsigned kept(const struct growth_track *t) {
	return t->seen < GROWTH_READINGS ? t->seen : GROWTH_READINGS;
}

/* The i-th kept reading, the oldest first. */
static const struct growth_reading *reading(const struct growth_track *t, unsigned i) {
	return &t->readings[(t->seen - kept(t) + i) % GROWTH_READINGS];
}

static void track_note(struct growth_track *t, uint64_t bytes, msec_t now) {
	bool same = t->seen > 0 && reading(t, kept(t) - 1)->bytes == bytes;
	t->same = same ? t->same + 1 : 1;
	t->readings[t->seen % GROWTH_READINGS] = (struct growth_reading){ now, bytes };
	t->seen++; /* at one a second it wraps in 136 years */
}

void growth_note(struct growth *g, uint64_t bytes, msec_t now) {
	struct growth_mean *mean = &g->mean;
	if (g->near.seen == 0)
		mean->since = now;
	else if (now - reading(&g->near, kept(&g->near) - 1)->at < NEAR_SPACING)
		return;
	track_note(&g->near, bytes, now);
	mean->sum += bytes;
	mean->n++;
	if (now - mean->since < FAR_SPACING)
		return;
	track_note(&g->far, mean->sum / mean->n, now);
	*mean = (struct growth_mean){ .since = now };
}

static int ascending(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* Bytes per millisecond. */
static double slope(const struct growth_track *t) {
	double slopes[GROWTH_READINGS];
	unsigned n = kept(t), half = n / 2, count = 0;
	if (n < FEWEST || t->same >= n)
		return 0;
	for (unsigned i = 0; i + half < n; i++) {
		const struct growth_reading *a = reading(t, i), *b = reading(t, i + half);
		slopes[count++] = ((double)b->bytes - (double)a->bytes) / (double)(b->at - a->at);
	}
	qsort(slopes, count, sizeof slopes[0], ascending);
	return (slopes[(count - 1) / 2] + slopes[count / 2]) / 2;
}

int64_t growth_bytes_per_second(const struct growth *g) {
	return (int64_t)(slope(&g->near) * (double)MSEC_SECOND);
}

int64_t growth_bytes_per_hour(const struct growth *g) {
	const struct growth_track *t = kept(&g->far) < FEWEST ? &g->near : &g->far;
	return (int64_t)(slope(t) * (double)MSEC_HOUR);
}

static msec_t time_at(double bytes_per_msec, uint64_t value, uint64_t limit) {
	if (value >= limit)
		return 0;
	if (bytes_per_msec <= 0)
		return MSEC_NEVER;
	double t = (double)(limit - value) / bytes_per_msec;
	return t < (double)(INT64_MAX / 2) ? (msec_t)t : MSEC_NEVER;
}

msec_t growth_time_to(const struct growth *g, uint64_t value, uint64_t limit) {
	return msec_min(time_at(slope(&g->near), value, limit),
			time_at(slope(&g->far), value, limit));
}

msec_t growth_time_at(int64_t bytes_per_second, uint64_t value, uint64_t limit) {
	return time_at((double)bytes_per_second / (double)MSEC_SECOND, value, limit);
}
