/* app.refork: when a worker becomes the next mold, and which one. See herd.h. */
#include "core/herd_parts.h"

/* A worker that could not become a mold, and the next one that is tried. */
#define REFORK_AGAIN (10 * MSEC_MINUTE)

void refork_note_try(struct step *s, const struct worker *w) {
	s->h->refork_tried = s->now;
	s->h->refork_of = w->generation;
}

/* When one has failed to become a mold the others, as warm as it, would fail as well. */
static bool has_just_failed(struct step *s, const struct parent *p) {
	if (s->h->refork_of != p->generation)
		return false;
	ask_again_at(s, s->h->refork_tried + REFORK_AGAIN);
	return s->now - s->h->refork_tried < REFORK_AGAIN;
}

static bool is_warm(const struct herd *h, const struct worker *w) {
	return h->config->app.refork.requests > 0 && w->warm_at > 0;
}

/* The time that app.refork.after gives the mold in force is over. */
static bool refork_is_due(struct step *s, const struct parent *p) {
	msec_t after = s->h->config->app.refork.after;
	msec_t since = p->since > s->h->refork_tried ? p->since : s->h->refork_tried;
	if (after == 0)
		return false;
	ask_again_at(s, since + after);
	return s->now >= since + after;
}

/* What it has too much of would be in all who come after it. */
static bool is_fit(const struct worker *w) {
	return w->watch.verdict == CAUSE_NONE && !w->stopped;
}

/* Of those who were forked from the mold in force: who is warm, or has lived longest. */
struct worker *refork_choose(struct step *s) {
	struct herd *h = s->h;
	const struct parent *p = herd_parent(h);
	struct worker *found = NULL;
	bool forks = p != NULL && p->state == MOLD_READY && p->release == h->release;
	if (!forks || h->restart.active || h->state != HERD_SERVING || herd_in_flight(h) > 0)
		return NULL;
	if (has_just_failed(s, p))
		return NULL;
	bool due = refork_is_due(s, p);
	FOR_EACH_WORKER(h, w) {
		if (w->life.state != WORKER_READY || w->role != ROLE_RESIDENT || w->adopted ||
		    w->generation != p->generation || !(due || is_warm(h, w)) || !is_fit(w))
			continue;
		if (found == NULL || w->ready_at < found->ready_at)
			found = w;
	}
	return found;
}
