#include "core/rollup_budget.h"

/* The bucket holds what a minute brings: a herd can be read in one go after a quiet time. */
#define BUCKET(b)     ((int64_t)(b)->share * MSEC_MINUTE)
#define COST(usec)    ((int64_t)(usec)*10)
#define MAX_USEC      ((uint64_t)MSEC_HOUR * 1000)
#define OPEN_WEIGHT   4
#define URGENT_WEIGHT 16
#define NEVER_READ    (1000 * MSEC_HOUR)

static void fill(struct rollup_budget *b, msec_t now) {
	if (!b->begun) {
		b->begun = true;
		b->credit = BUCKET(b);
	} else {
		/* Longer than the longest debt lasts: no overflow, whatever the clock says. */
		msec_t elapsed = msec_min(msec_max(now - b->at, 0), 1000 * MSEC_HOUR);
		b->credit += elapsed * (int64_t)b->share;
	}
	if (b->credit > BUCKET(b))
		b->credit = BUCKET(b);
	b->at = now;
}

/* What must be there for it: no more than can ever be there. */
static int64_t threshold(const struct rollup_budget *b, uint64_t expected_usec) {
	if (expected_usec > MAX_USEC || COST(expected_usec) > BUCKET(b))
		return BUCKET(b);
	return COST(expected_usec);
}

static msec_t ready_at(const struct rollup_budget *b, int64_t needed) {
	if (b->share == 0 || b->credit >= needed)
		return b->at;
	int64_t share = (int64_t)b->share;
	return b->at + (needed - b->credit + share - 1) / share;
}

bool budget_may(struct rollup_budget *b, msec_t now, uint64_t expected_usec) {
	fill(b, now);
	return b->share == 0 || b->credit >= threshold(b, expected_usec);
}

void budget_spent(struct rollup_budget *b, uint64_t usec, msec_t now) {
	fill(b, now);
	b->credit -= COST(usec < MAX_USEC ? usec : MAX_USEC);
}

/* How pressing it is: the time since it was read, weighed. Weights, not ranks: nobody starves. */
static msec_t pressure(const struct budget_candidate *c, msec_t now) {
	msec_t stale = c->last_dear_at > 0 ? msec_max(now - c->last_dear_at, 0) : NEVER_READ;
	if (c->urgent)
		return URGENT_WEIGHT * stale;
	return c->open ? OPEN_WEIGHT * stale : stale;
}

struct budget_pick budget_pick(struct rollup_budget *b, const struct budget_candidate *candidates,
			       size_t n, msec_t now) {
	size_t best = 0;
	bool urgent = false;
	if (n == 0)
		return (struct budget_pick){ -1, MSEC_NEVER };
	for (size_t i = 0; i < n; i++) {
		urgent = urgent || candidates[i].urgent;
		if (pressure(&candidates[i], now) > pressure(&candidates[best], now))
			best = i;
	}
	fill(b, now);
	/* While one is urgent the debt is for all: else whoever may not borrow would block it. */
	int64_t needed = urgent ? -BUCKET(b) : threshold(b, candidates[best].expected_usec);
	return (struct budget_pick){ (int)best, ready_at(b, needed) };
}
