#include "core/futility.h"

#define RECROSSINGS 3
#define LONGEST     (6 * MSEC_HOUR)
#define ROUND_TO    (UINT64_C(16) << 20)

/* What of a worker that still warms up, or leaks slowly for days, is not its plateau. */
#define SETTLES_WITHIN(f)   (2 * (f)->min_useful_life)
#define FLAT_PER_HOUR(size) ((size) / 20)

static uint64_t max_bytes(uint64_t a, uint64_t b) {
	return a > b ? a : b;
}

/* Of a few megabytes half as much again is nothing: the first pages that are written after a fork. */
static uint64_t leak_bytes(const struct futility *f) {
	return f->plateau_bytes + max_bytes(f->plateau_bytes / 2, ROUND_TO);
}

static struct futility_worker *find(struct futility *f, uint64_t id) {
	for (size_t i = 0; i < FUTILITY_WORKERS; i++) {
		if (f->workers[i].id == id)
			return &f->workers[i];
	}
	return NULL;
}

/* Found, or in a free place, or in that of the one that became ready first. */
static struct futility_worker *remember(struct futility *f, uint64_t id, msec_t now) {
	struct futility_worker *w = find(f, id);
	if (w != NULL)
		return w;
	w = find(f, 0);
	if (w == NULL) {
		w = &f->workers[0];
		for (size_t i = 1; i < FUTILITY_WORKERS; i++) {
			if (f->workers[i].ready_at < w->ready_at)
				w = &f->workers[i];
		}
	}
	*w = (struct futility_worker){ .id = id, .ready_at = now };
	return w;
}

static enum futility_change begin(struct futility *f, const char *reason, uint64_t limit_bytes,
				  msec_t now) {
	f->limit_bytes = limit_bytes;
	if (f->futile)
		return FUTILITY_SAME;
	f->futile = true;
	f->reason = reason;
	f->leaked = 0;
	f->interval = f->min_useful_life;
	f->next_try_at = now + f->interval;
	return FUTILITY_BEGAN;
}

static enum futility_change end(struct futility *f) {
	f->recrossed = 0;
	if (!f->futile)
		return FUTILITY_SAME;
	f->futile = false;
	f->reason = NULL;
	f->limit_bytes = f->plateau_bytes = 0;
	f->leaked = 0;
	f->interval = f->next_try_at = 0;
	return FUTILITY_ENDED;
}

void futility_replaced(struct futility *f, uint64_t id, msec_t now) {
	remember(f, id, now)->replaced = true;
}

enum futility_change futility_fresh(struct futility *f, uint64_t id, uint64_t figure_bytes,
				    uint64_t limit_bytes, msec_t now) {
	remember(f, id, now);
	if (figure_bytes <= limit_bytes)
		return FUTILITY_SAME;
	f->plateau_bytes = max_bytes(f->plateau_bytes, figure_bytes);
	return begin(f, "a fresh worker is over it already", limit_bytes, now);
}

enum futility_change futility_crossed(struct futility *f, uint64_t id, uint64_t figure_bytes,
				      uint64_t limit_bytes, msec_t age, msec_t now) {
	struct futility_worker *w = find(f, id);
	/* Whoever was there before says nothing about what a replacement is good for. */
	if (w == NULL || !w->replaced || w->crossed)
		return FUTILITY_SAME;
	w->crossed = true;
	if (age >= f->min_useful_life)
		return end(f);
	if (f->recrossed == 0 && !f->futile)
		f->plateau_bytes = 0;
	f->plateau_bytes = max_bytes(f->plateau_bytes, figure_bytes);
	if (f->recrossed < RECROSSINGS)
		f->recrossed++;
	if (f->recrossed < RECROSSINGS)
		return FUTILITY_SAME;
	return begin(f, "replaced workers come back over it within restart.min_useful_life",
		     limit_bytes, now);
}

/*
 * The plateau may be far too low: a worker that crosses is still on its way up. Then "1.5 × the
 * plateau" is no leak either, and three young workers beyond it in a row say so.
 */
static void see_leak(struct futility *f, struct futility_worker *w, uint64_t figure_bytes) {
	if (!w->replaced || w->leaked)
		return;
	w->leaked = true;
	if (++f->leaked < RECROSSINGS)
		return;
	f->plateau_bytes = figure_bytes;
	f->leaked = 0;
}

static void learn_plateau(struct futility *f, struct futility_worker *w, uint64_t figure_bytes,
			  int64_t growth_bytes_per_hour, msec_t age) {
	if (figure_bytes > leak_bytes(f)) {
		if (age < f->min_useful_life)
			see_leak(f, w, figure_bytes);
		else
			f->leaked = 0;
	} else if (age < SETTLES_WITHIN(f) &&
		   growth_bytes_per_hour <= (int64_t)FLAT_PER_HOUR(figure_bytes)) {
		f->plateau_bytes = max_bytes(f->plateau_bytes, figure_bytes);
	}
}

enum futility_change futility_seen(struct futility *f, uint64_t id, uint64_t figure_bytes,
				   int64_t growth_bytes_per_hour, msec_t now) {
	struct futility_worker *w = find(f, id);
	if (w == NULL)
		return FUTILITY_SAME;
	msec_t age = now - w->ready_at;
	if (w->replaced && !w->crossed && age >= f->min_useful_life) {
		w->replaced = false; /* it has been heard */
		return end(f);
	}
	if (f->futile)
		learn_plateau(f, w, figure_bytes, growth_bytes_per_hour, age);
	return FUTILITY_SAME;
}

enum futility_change futility_clear(struct futility *f) {
	enum futility_change change = end(f);
	*f = (struct futility){ .min_useful_life = f->min_useful_life };
	return change;
}

enum futile_answer futility_ask(const struct futility *f, uint64_t figure_bytes, msec_t now) {
	if (!f->futile)
		return FUTILE_NO;
	if (figure_bytes > leak_bytes(f))
		return FUTILE_LEAK;
	return now >= f->next_try_at ? FUTILE_TRY : FUTILE_HOLD;
}

void futility_tried(struct futility *f, msec_t now) {
	f->interval = msec_min(2 * f->interval, LONGEST);
	f->next_try_at = now + f->interval;
}

uint64_t futility_suggest(const struct futility *f) {
	uint64_t enough = f->plateau_bytes + f->plateau_bytes / 4;
	return (enough + ROUND_TO - 1) / ROUND_TO * ROUND_TO;
}

bool futility_total_must_act(uint64_t used_bytes, uint64_t effective_bytes) {
	return effective_bytes > 0 && used_bytes >= effective_bytes / 100 * 95;
}
