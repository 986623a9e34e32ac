/* memory.total: the herd's own limit, and when it says something. See herd.h. */
#include "core/herd_parts.h"

/*
 * What is known for certain: who boots has no PSS yet, and RSS would be too much under
 * copy-on-write; a figure from before the last one went for the total is about another herd; and
 * who leaves is no reason to send somebody else.
 */
bool counts_for_total(const struct herd *h, const struct worker *w) {
	msec_t at = h->only_rss ? w->watch.cheap_at : w->watch.dear_at;
	return w->life.state == WORKER_READY && at != 0 && at >= h->total_since;
}

static uint64_t known_total(const struct herd *h) {
	uint64_t sum = 0;
	for (unsigned i = 0; i < h->cells; i++) {
		const struct worker *w = &h->workers[i];
		if (counts_for_total(h, w))
			sum += watch_figure(&w->watch, h->only_rss ? FIGURE_RSS : FIGURE_PSS);
	}
	parents_total(h, &sum);
	return sum;
}

bool herd_total_over(const struct herd *h, uint64_t *value) {
	*value = known_total(h);
	return *value > h->limits.total_bytes;
}

/* E.g. one went for it: whether another has to, only fresh figures can tell. */
void total_anew(struct step *s) {
	struct herd *h = s->h;
	h->total_since = s->now + 1;
	h->total_over = false;
	FOR_EACH_WORKER(h, w) {
		if (worker_serves(w->life.state))
			w->watch.wants_dear = !h->only_rss;
	}
}

static struct worker *fattest(struct herd *h) {
	struct worker *found = NULL;
	FOR_EACH_WORKER(h, w) {
		if (w->life.state == WORKER_READY &&
		    (found == NULL ||
		     watch_figure(&w->watch, FIGURE_USS) > watch_figure(&found->watch, FIGURE_USS)))
			found = w;
	}
	return found;
}

/*
 * A surge is over the total by design, and so is a deploy with two molds: the sum says something
 * only between them, unless the kernel's limit is near.
 */
bool total_speaks(const struct herd *h, uint64_t total) {
	return herd_in_flight(h) == 0 &&
	       (!parents_change(h) || futility_total_must_act(total, h->limits.effective_bytes));
}

void total_judge(struct step *s) {
	struct herd *h = s->h;
	uint64_t value;
	bool over = herd_total_over(h, &value);
	struct worker *w = fattest(h);
	if (w == NULL || !total_speaks(h, value))
		return;
	enum futility_change change;
	if (over && !h->total_over)
		change = futility_crossed(&h->futile[CAUSE_TOTAL], w->id, value,
					  h->limits.total_bytes, s->now - w->ready_at, s->now);
	else
		change = futility_seen(&h->futile[CAUSE_TOTAL], w->id, value,
				       growth_bytes_per_hour(&w->watch.growth), s->now);
	h->total_over = over;
	tell_futility(s, change, CAUSE_TOTAL);
}

/* Might ΣPSS be over the total? Then every one of them has to be read. */
bool total_may_be_over(const struct herd *h, msec_t now) {
	uint64_t bound = 0;
	for (unsigned i = 0; i < h->cells; i++) {
		const struct worker *w = &h->workers[i];
		if (w->life.state != WORKER_GONE && w->watch.cheap_at != 0)
			bound += gate_bound(&w->watch.gate, FIGURE_PSS, w->watch.rss_bytes,
					    w->watch.swap_bytes, now);
	}
	struct herd_memory molds = { .pss_known = true };
	parents_sum(h, &molds);
	return bound + molds.pss_bytes > h->limits.total_bytes;
}
