/* Who shall go, and why: the wishes, in the order in which they are heard. See herd.h. */
#include <stdlib.h>

#include "core/herd_parts.h"

/* A worker in state T this long is not just being looked at. */
#define STOPPED_PATIENCE (10 * MSEC_SECOND)

static bool is_candidate(const struct herd *h, const struct worker *w) {
	return w->role == ROLE_RESIDENT && w->life.state == WORKER_READY && w->slot < h->n_slots &&
	       h->slots[w->slot].replacement.phase == REPLACEMENT_NONE;
}

void ask_again_at(struct step *s, msec_t at) {
	if (at > s->now)
		s->h->ask_again = msec_min(s->h->ask_again, at);
}

/* What is true only after a while is asked again then. */
static bool has_lasted(struct step *s, msec_t since, msec_t patience) {
	ask_again_at(s, since + patience);
	return s->now - since >= patience;
}

static bool is_hung(struct step *s, const struct worker *w) {
	msec_t every = s->h->config->app.probe.liveness;
	if (every > 0)
		ask_again_at(s, w->alive_at + HUNG_PATIENCE + every);
	return worker_is_silent(s->h, w, s->now);
}

static void tell_hung(struct step *s, struct worker *w) {
	if (w->hung_told)
		return;
	w->hung_told = true;
	event_text(tell_of(s, EVENT_WORKER_HUNG, w), "reason",
		   "no answer for %lld s, and neither its processor time nor its traffic moved",
		   (long long)((s->now - w->alive_at) / MSEC_SECOND));
}

/* What is wrong with this one worker; the herd's total and a person are asked elsewhere. */
static struct wish wish_of(struct step *s, struct worker *w) {
	const struct herd *h = s->h;
	struct wish wish = { .worker = w,
			     .cause = w->watch.verdict,
			     .why = cause_name(w->watch.verdict),
			     .value = watch_figure(&w->watch, watch_rules_of(h).figure),
			     .limit = worker_limit_of(h, w->watch.verdict) };
	if (w->stopped && has_lasted(s, w->stopped_at, STOPPED_PATIENCE)) {
		wish.cause = CAUSE_HARD;
		wish.why = "stopped";
		wish.sick = true;
	} else if (is_hung(s, w)) {
		tell_hung(s, w);
		wish.cause = CAUSE_HARD;
		wish.why = "hung";
		wish.sick = true;
	}
	return wish;
}

bool wish_is_memorys(const struct wish *wish) {
	return !wish->sick && !wish->promotes && wish->cause != CAUSE_PERSON;
}

/* Sick and hard first, then the herd's total, a person, soft; among equals the largest. */
static int rank(const struct wish *w) {
	switch (w->cause) {
	case CAUSE_HARD: return w->sick ? 5 : 4;
	case CAUSE_TOTAL: return 3;
	case CAUSE_PERSON: return 2;
	case CAUSE_SOFT: return 1;
	case CAUSE_NONE: break;
	}
	return 0;
}

static int by_rank(const void *a, const void *b) {
	const struct wish *x = a, *y = b;
	int rx = rank(x), ry = rank(y);
	if (rx != ry)
		return ry - rx;
	/* A person's come in the order of their slots. */
	if (x->cause == CAUSE_PERSON)
		return (int)x->worker->slot - (int)y->worker->slot;
	return x->value < y->value ? 1 : x->value > y->value ? -1 : 0;
}

static struct worker *largest(struct herd *h) {
	struct worker *found = NULL;
	FOR_EACH_WORKER(h, w) {
		if (!is_candidate(h, w) ||
		    (h->only_rss ? w->watch.cheap_at : w->watch.dear_at) == 0)
			continue;
		if (found == NULL ||
		    watch_figure(&w->watch, FIGURE_USS) > watch_figure(&found->watch, FIGURE_USS))
			found = w;
	}
	return found;
}

/* Each cause has a wish of its own: one that is held back must not hold back the others. */
size_t wishes_collect(struct step *s, struct wish wishes[WISHES_MAX]) {
	struct herd *h = s->h;
	size_t n = 0;
	uint64_t total;
	bool over = herd_total_over(h, &total) && total_speaks(h, total);
	struct worker *fattest = over ? largest(h) : NULL;
	FOR_EACH_WORKER(h, w) {
		if (!is_candidate(h, w))
			continue;
		wishes[n] = wish_of(s, w);
		n += wishes[n].cause != CAUSE_NONE;
		if (h->slots[w->slot].asked)
			wishes[n++] = (struct wish){ .worker = w,
						     .cause = CAUSE_PERSON,
						     .why = cause_name(CAUSE_PERSON) };
	}
	if (fattest != NULL)
		wishes[n++] = (struct wish){ .worker = fattest,
					     .cause = CAUSE_TOTAL,
					     .why = cause_name(CAUSE_TOTAL),
					     .value = total,
					     .limit = h->limits.total_bytes };
	struct worker *warm = refork_choose(s);
	if (warm != NULL && is_candidate(h, warm)) /* somebody has asked for it, in the file */
		wishes[n++] = (struct wish){
			.worker = warm, .cause = CAUSE_PERSON, .why = "refork", .promotes = true
		};
	qsort(wishes, n, sizeof wishes[0], by_rank);
	return n;
}
