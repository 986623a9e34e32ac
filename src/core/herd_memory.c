/* Readings, verdicts, and which dear reading is next. See herd.h. */
#include <errno.h>

#include "core/cadence.h"
#include "core/herd_parts.h"

/* How long a dear reading may take before it is told: a forking target blocks it for 0.9 s. */
#define READING_LATE (10 * MSEC_SECOND)

/* kernel.md: 9–15 ms for a GB, almost regardless of how many mappings there are. */
#define USEC_PER_MIB 15

enum memory_figure herd_figure(const struct herd *h) {
	return h->only_rss ? FIGURE_RSS : h->config->memory.figure;
}

struct watch_rules watch_rules_of(const struct herd *h) {
	return (struct watch_rules){
		.figure = herd_figure(h),
		.soft_bytes = h->limits.soft_bytes,
		.hard_bytes = h->limits.hard_bytes,
		.strikes = h->config->memory.strikes,
		.slack_bytes = h->statm_slack_bytes,
	};
}

uint64_t worker_limit_of(const struct herd *h, enum cause cause) {
	switch (cause) {
	case CAUSE_HARD: return h->limits.hard_bytes;
	case CAUSE_TOTAL: return h->limits.total_bytes;
	case CAUSE_SOFT:
	case CAUSE_NONE:
	case CAUSE_PERSON: break;
	}
	return h->limits.soft_bytes;
}

struct herd_memory herd_memory(const struct herd *h) {
	struct herd_memory sum = { .pss_known = true };
	for (unsigned i = 0; i < h->cells; i++) {
		const struct worker *w = &h->workers[i];
		bool known = w->watch.dear_at != 0;
		if (w->life.state == WORKER_GONE || (!known && w->watch.cheap_at == 0))
			continue;
		sum.rss_bytes += w->watch.rss_bytes;
		sum.uss_bytes += watch_figure(&w->watch, FIGURE_USS);
		sum.pss_bytes += watch_figure(&w->watch, FIGURE_PSS);
		sum.pss_known = sum.pss_known && known;
	}
	parents_sum(h, &sum);
	return sum;
}

void tell_futility(struct step *s, enum futility_change change, enum cause cause) {
	const struct futility *f = &s->h->futile[cause];
	struct event *e;
	if (change == FUTILITY_SAME)
		return;
	if (change == FUTILITY_ENDED) {
		e = tell(s, EVENT_REPLACEMENT_USEFUL);
		event_text(e, "cause", "%s", cause_name(cause));
		return;
	}
	s->h->counters.futile++;
	e = tell(s, EVENT_REPLACEMENT_FUTILE);
	event_text(e, "cause", "%s", cause_name(cause));
	event_bytes(e, "plateau", f->plateau_bytes);
	event_bytes(e, "limit", f->limit_bytes);
	event_bytes(e, "suggested", futility_suggest(f));
	event_time(e, "retry", f->interval);
	event_text(e, "reason", "%s", f->reason);
}

static void tell_over(struct step *s, const struct worker *w, uint64_t value, uint64_t limit) {
	struct event *e = tell_of(s, EVENT_MEMORY_OVER, w);
	event_text(e, "figure", "%s", figure_name(herd_figure(s->h)));
	event_bytes(e, "value", value);
	event_bytes(e, "limit", limit);
	event_text(e, "strikes", "%u of %u",
		   strike_count(&w->watch.strikes, &s->h->config->memory.strikes),
		   s->h->config->memory.strikes.window);
}

static uint64_t shared_bytes(const struct worker *w) {
	uint64_t own = w->watch.memory.uss_bytes;
	return w->watch.rss_bytes > own ? w->watch.rss_bytes - own : 0;
}

/*
 * A herd of such workers, with what they were forked from: it counts in the total as well. The first
 * to be forked shares with that alone, and its PSS is half of what is there once, for however many.
 */
static uint64_t herd_of(const struct herd *h, const struct worker *w) {
	uint64_t pss = watch_figure(&w->watch, FIGURE_PSS);
	uint64_t uss = watch_figure(&w->watch, FIGURE_USS);
	const struct parent *p = parent_of(h, w->generation);
	if (w->generation == 0)
		return pss * h->n_slots;
	bool known = p != NULL && p->rss_bytes > 0; /* else it is much like its child */
	uint64_t all = pss * h->n_slots + (known ? p->pss_bytes : pss);
	uint64_t once = uss * h->n_slots + (known ? p->rss_bytes : w->watch.rss_bytes);
	return once < all ? once : all;
}

/* The first figure of its life: is a fresh worker over the limit already? */
static void judge_fresh(struct step *s, struct worker *w, uint64_t value) {
	struct herd *h = s->h;
	uint64_t shared = shared_bytes(w);
	uint64_t peak = w->watch.peak_rss_bytes > shared ? w->watch.peak_rss_bytes - shared : 0;
	room_learn(&h->room, peak);
	struct futility *f = h->futile;
	const struct limits *l = &h->limits;
	uint64_t herd = herd_of(h, w);
	tell_futility(s, futility_fresh(&f[CAUSE_SOFT], w->id, value, l->soft_bytes, s->now),
		      CAUSE_SOFT);
	tell_futility(s, futility_fresh(&f[CAUSE_HARD], w->id, value, l->hard_bytes, s->now),
		      CAUSE_HARD);
	tell_futility(s, futility_fresh(&f[CAUSE_TOTAL], w->id, herd, l->total_bytes, s->now),
		      CAUSE_TOTAL);
}

/* Once in a worker's life for each limit; else a later figure of it. */
static void judge_futility(struct step *s, struct worker *w, enum cause cause, uint64_t value) {
	struct futility *f = &s->h->futile[cause];
	enum futility_change change;
	bool over = w->watch.verdict >= cause;
	if (over && (w->crossed & (1u << cause)) == 0) {
		w->crossed |= 1u << cause;
		change = futility_crossed(f, w->id, value, worker_limit_of(s->h, cause),
					  s->now - w->ready_at, s->now);
	} else {
		/* Only a guard that holds back wants to know: a slope is no bargain. */
		change = futility_seen(f, w->id, value,
				       f->futile ? growth_bytes_per_hour(&w->watch.growth) : 0,
				       s->now);
	}
	tell_futility(s, change, cause);
}

/* After each judgement of a worker that serves. */
static void judged(struct step *s, struct worker *w, bool fresh) {
	uint64_t value = watch_figure(&w->watch, herd_figure(s->h));
	if (w->ready_at == 0)
		return;
	if (fresh)
		judge_fresh(s, w, value);
	if (w->watch.verdict != CAUSE_NONE && w->crossed == 0)
		tell_over(s, w, value, worker_limit_of(s->h, w->watch.verdict));
	judge_futility(s, w, CAUSE_SOFT, value);
	judge_futility(s, w, CAUSE_HARD, value);
}

static msec_t shortest_time(struct step *s) {
	struct herd *h = s->h;
	struct watch_rules rules = watch_rules_of(h);
	int64_t growth = 0;
	msec_t shortest = MSEC_NEVER;
	FOR_EACH_WORKER(h, w) {
		if (!worker_serves(w->life.state))
			continue;
		msec_t time = watch_time_to_limit(&w->watch, &rules);
		shortest = time > 0 ? msec_min(shortest, time) : shortest;
		growth += growth_bytes_per_second(&w->watch.growth);
	}
	struct herd_memory sum = herd_memory(h);
	if (!sum.pss_known)
		return shortest;
	msec_t time = growth_time_at(growth, sum.pss_bytes, h->limits.total_bytes);
	return time > 0 ? msec_min(shortest, time) : shortest;
}

static void cheap(struct step *s, struct worker *w, const struct reading *reading) {
	struct watch_rules rules = watch_rules_of(s->h);
	if (!worker_serves(w->life.state)) {
		watch_note(&w->watch, reading->rss_bytes, reading->swap_bytes, s->now);
		return;
	}
	bool fresh = s->h->only_rss && w->watch.history.len == 0;
	if (watch_cheap(&w->watch, reading->rss_bytes, reading->swap_bytes, s->now, &rules,
			s->h->only_rss))
		judged(s, w, fresh);
}

void memory_readings(struct step *s, const struct herd_event *event) {
	struct herd *h = s->h;
	for (size_t i = 0; i < event->readings.n; i++) {
		const struct reading *reading = &event->readings.readings[i];
		struct worker *w = herd_worker(h, reading->worker);
		if (w != NULL)
			cheap(s, w, reading);
	}
	bool open = !h->only_rss && total_may_be_over(h, s->now);
	FOR_EACH_WORKER(h, w) {
		if (open && worker_serves(w->life.state))
			w->watch.wants_dear = true;
	}
	parents_settle(s, open);
	total_judge(s);
	h->next_tick = s->now + cadence_next(h->config->memory.interval, shortest_time(s));
	if (event->readings.n > 0)
		hook_after_sample(s);
}

static void degrade(struct step *s, int error) {
	struct event *e;
	if (s->h->only_rss || (error != EACCES && error != EPERM))
		return;
	s->h->only_rss = true;
	s->h->read_at = MSEC_NEVER; /* nobody chooses the next one any more */
	e = tell(s, EVENT_MEMORY_DEGRADED);
	event_text(e, "reason",
		   "smaps_rollup of a worker may not be read: limits hold for RSS, which counts "
		   "shared memory too (same user and a dumpable process, or CAP_SYS_PTRACE)");
}

/* A dear reading came back, or could not be had. */
void memory_read(struct step *s, struct worker *w, const struct herd_event *event) {
	struct herd *h = s->h;
	struct watch_rules rules = watch_rules_of(h);
	h->reading = h->reading == w->id ? 0 : h->reading;
	if (event->error != 0) {
		w->watch.wants_dear = false;
		degrade(s, event->error);
		return;
	}
	bool fresh = w->watch.dear_at == 0 && w->life.state == WORKER_READY;
	h->counters.readings++;
	budget_spent(&h->budget, event->read.took_usec, s->now);
	watch_dear(&w->watch, &event->read.memory, s->now, &rules);
	w->reading_usec = event->read.took_usec;
	struct event *e = tell_of(s, EVENT_MEMORY_SAMPLE, w);
	event_bytes(e, "rss", event->read.memory.rss_bytes);
	event_bytes(e, "pss", event->read.memory.pss_bytes);
	event_bytes(e, "uss", event->read.memory.uss_bytes);
	if (worker_serves(w->life.state))
		judged(s, w, fresh);
	total_judge(s);
}

void memory_fresh(struct step *s, struct worker *w) {
	w->watch = (struct watch){ .peak_rss_bytes = w->watch.peak_rss_bytes,
				   .rss_bytes = w->watch.rss_bytes,
				   .swap_bytes = w->watch.swap_bytes,
				   .cheap_at = w->watch.cheap_at,
				   .forked = w->generation != 0 };
	w->crossed = 0;
	w->watch.wants_dear = w->watch.urgent = !s->h->only_rss;
	parents_moved(s);
}

void memory_sibling_left(struct step *s) {
	FOR_EACH_WORKER(s->h, w)
	gate_shock(&w->watch.gate);
	parents_moved(s);
}

void memory_new_limits(struct step *s) {
	struct herd *h = s->h;
	for (unsigned cause = CAUSE_SOFT; cause < ARRAY_LEN(h->futile); cause++)
		tell_futility(s, futility_clear(&h->futile[cause]), (enum cause)cause);
	FOR_EACH_WORKER(h, w) {
		watch_forget_verdict(&w->watch);
		w->crossed = 0;
		w->rehearsed = w->waits_told = false;
	}
	h->total_over = false;
	h->next_tick = msec_min(h->next_tick, s->now + h->config->memory.interval);
}

/* Soon after a daemon's start: nobody has looked for as long as there was none. */
#define RESUME_TICK (1 * MSEC_SECOND)

/* The guard is about a limit that isn't that any more. */
static bool guards_another(const struct herd *h, enum cause cause) {
	return h->futile[cause].futile && h->futile[cause].limit_bytes != worker_limit_of(h, cause);
}

/*
 * Figures stay for display. Verdicts don't: they are by limits of then, which may be others, and
 * who is over them now is seen by the first reading.
 */
void memory_resume(struct step *s) {
	struct herd *h = s->h;
	for (unsigned cause = CAUSE_SOFT; cause < ARRAY_LEN(h->futile); cause++) {
		if (guards_another(h, (enum cause)cause))
			tell_futility(s, futility_clear(&h->futile[cause]), (enum cause)cause);
	}
	FOR_EACH_WORKER(h, w)
	watch_forget_verdict(&w->watch);
	h->only_rss = false; /* may be permitted now; the first one that isn't tells it */
	total_anew(s);
	h->reading = 0;
	h->read_at = MSEC_NEVER;
	h->overdue_told = false;
	h->next_tick = h->next_liveness = s->now + RESUME_TICK;
}

static uint64_t expected_usec(const struct worker *w) {
	uint64_t guess = (w->watch.rss_bytes >> 20) * USEC_PER_MIB;
	return w->reading_usec > 0 ? w->reading_usec : guess > 100 ? guess : 100;
}

/* One dear reading at a time: the next is the one that has waited most, if the budget allows. */
static void choose_reading(struct step *s) {
	static _Thread_local struct budget_candidate candidates[HERD_WORKERS_MAX];
	struct herd *h = s->h;
	size_t n = 0;
	h->read_at = MSEC_NEVER;
	FOR_EACH_WORKER(h, w) {
		if (!w->watch.wants_dear || !worker_serves(w->life.state))
			continue;
		candidates[n++] = (struct budget_candidate){
			.id = w->id,
			.last_dear_at = w->watch.dear_at,
			.open = w->watch.urgent,
			.urgent = w->watch.dear_at == 0 ||
				  w->watch.rss_bytes > h->limits.hard_bytes,
			.expected_usec = expected_usec(w),
		};
	}
	struct budget_pick pick = budget_pick(&h->budget, candidates, n, s->now);
	if (pick.index < 0)
		return;
	if (pick.at > s->now) {
		h->read_at = pick.at;
		return;
	}
	h->reading = (unsigned)candidates[pick.index].id;
	h->reading_since = s->now;
	h->overdue_told = false;
	give_order(s, ORDER_READ, h->reading, 0);
}

void memory_settle(struct step *s) {
	if (s->h->reading == 0 && !s->h->only_rss)
		choose_reading(s);
}

static void ask_liveness(struct step *s) {
	struct herd *h = s->h;
	msec_t every = h->config->app.probe.liveness;
	if (every == 0 || s->now < h->next_liveness)
		return;
	h->next_liveness = s->now + every;
	FOR_EACH_WORKER(h, w) {
		if (w->life.state == WORKER_READY && !w->stopped)
			give_order(s, ORDER_LIVENESS, w->id, 0);
	}
}

static void note_overdue(struct step *s) {
	struct herd *h = s->h;
	struct worker *w = h->reading != 0 ? herd_worker(h, h->reading) : NULL;
	if (w == NULL || h->overdue_told || s->now - h->reading_since < READING_LATE)
		return;
	h->overdue_told = true;
	h->counters.readings_late++;
	event_time(tell_of(s, EVENT_MEMORY_OVERDUE, w), "late", s->now - h->reading_since);
}

void memory_deadline(struct step *s) {
	struct herd *h = s->h;
	if (herd_leaves(h))
		return;
	if (s->now >= h->next_tick) {
		h->next_tick = s->now + h->config->memory.interval;
		give_order(s, ORDER_READ_ALL, 0, 0);
	}
	ask_liveness(s);
	note_overdue(s);
}

msec_t memory_next(const struct herd *h) {
	if (herd_leaves(h) || h->started == 0)
		return MSEC_NEVER;
	msec_t next = h->next_tick;
	if (h->config->app.probe.liveness > 0)
		next = msec_min(next, h->next_liveness);
	if (h->reading != 0 && !h->overdue_told)
		next = msec_min(next, h->reading_since + READING_LATE);
	return msec_min(next, h->reading == 0 ? h->read_at : MSEC_NEVER);
}
