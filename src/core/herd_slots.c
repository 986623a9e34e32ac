/* Slots: launching what is missing, and what a death means. See herd.h. */
#include <signal.h>
#include <string.h>

#include "core/herd_parts.h"

/* A worker that dies younger than this counts as one that could not be brought up. */
#define CRASH_LOOP_AGE MSEC_MINUTE

unsigned herd_booting(const struct herd *h) {
	unsigned n = 0;
	for (unsigned i = 0; i < h->cells; i++)
		n += h->workers[i].life.state == WORKER_BOOTING;
	return n;
}

/* One at a time until the app has proved that it boots at all. */
bool slot_may_boot(const struct herd *h) {
	return herd_booting(h) < (h->ever_ready ? h->limits.boot_concurrency : 1);
}

static struct worker *free_cell(struct herd *h) {
	for (unsigned i = 0; i < h->cells; i++) {
		if (h->workers[i].life.state == WORKER_GONE)
			return &h->workers[i];
	}
	return h->cells < HERD_WORKERS_MAX ? &h->workers[h->cells++] : NULL;
}

/* NULL when every cell is taken by workers that don't go: then it is tried again later. */
struct worker *slot_launch(struct step *s, unsigned slot, enum worker_role role) {
	struct worker *w = free_cell(s->h);
	if (w == NULL)
		return NULL;
	*w = (struct worker){
		.id = ++s->h->last_id,
		.slot = slot,
		.role = role,
		.release = s->h->release,
		.open = -1,
		.busy = -1,
		.life = { .deadline = MSEC_NEVER, .drain_end = MSEC_NEVER },
	};
	drive(s, w, WORKER_LAUNCH);
	return w;
}

static void remember(struct slot *slot, const char *why) {
	struct text out = TEXT_IN(slot->last_reason); /* cut, if need be */
	text_puts(&out, why);
}

static void launch_missing(struct step *s) {
	struct herd *h = s->h;
	bool taken[HERD_SLOTS_MAX] = { false }; /* each step comes here: one look at the herd */
	FOR_EACH_WORKER(h, w) {
		if (w->role == ROLE_RESIDENT)
			taken[w->slot] = true;
	}
	for (unsigned i = 0; i < h->n_slots; i++) {
		const struct slot *slot = &h->slots[i];
		if (i > 0 && !h->ever_ready)
			break; /* the first one's back-off is everybody's */
		if (taken[i])
			continue;
		ask_again_at(s, slot->retry_at);
		if (slot->retry_at > s->now)
			continue;
		if (slot->replacement.phase == REPLACEMENT_STOPPING_FIRST)
			continue;     /* there is no room until the old one is gone */
		if (slot_may_boot(h)) /* a boot that ends is an event */
			slot_launch(s, i, ROLE_RESIDENT);
	}
}

/* After a reload with fewer workers. */
static void let_go_surplus(struct step *s) {
	for (unsigned i = s->h->n_slots; i < HERD_SLOTS_MAX; i++)
		s->h->slots[i].replacement = (struct replacement){ 0 };
	FOR_EACH_WORKER(s->h, w) {
		if (w->slot < s->h->n_slots)
			continue;
		w->role = ROLE_LEAVER;
		if (worker_goes(w->life.state))
			continue;
		drive(s, w, WORKER_RETIRE);
	}
}

void slots_settle(struct step *s) {
	let_go_surplus(s);
	launch_missing(s);
}

static void tell_ready(struct step *s, struct worker *w, msec_t took) {
	struct event *e = tell_of(s, EVENT_WORKER_READY, w);
	event_time(e, "took", took);
	if (s->h->ever_ready)
		return;
	e = tell(s, EVENT_DAEMON_READY);
	event_number(e, "ready", 1);
	event_number(e, "workers", s->h->n_slots);
}

static void become_ready(struct step *s, struct worker *w) {
	msec_t took = s->now - w->life.since;
	drive(s, w, WORKER_PROVED);
	if (w->life.state != WORKER_READY)
		return;
	w->ready_at = w->alive_at = s->now;
	tell_ready(s, w, took);
	s->h->ever_ready = true;
	memory_fresh(s, w);
	if (w->role == ROLE_SUCCESSOR)
		replacement_proved(s, w);
	else if (w->role == ROLE_RESIDENT)
		replacement_refilled(s, w);
}

/* Proved is "another than the C library's"; the wanted one is known by its name. */
static bool is_wanted_allocator(const struct herd *h, const struct allocator *a) {
	bool jemalloc = strcmp(h->config->allocator.preload, "jemalloc") == 0;
	return a->proof == PROOF_PROVED && (!jemalloc || strcmp(a->name, "jemalloc") == 0);
}

/*
 * It has answered. The allocator is proved meanwhile, or, where the configuration requires it,
 * before it counts as ready.
 */
void worker_answered(struct step *s, struct worker *w) {
	bool required = s->h->config->allocator.require;
	if (w->life.state != WORKER_BOOTING)
		return;
	if (!w->proof_asked) {
		w->proof_asked = true;
		give_order(s, ORDER_PROVE, w->id, 0);
	}
	if (!required || is_wanted_allocator(s->h, &w->allocator))
		become_ready(s, w);
	else if (w->proof_known)
		worker_abandon(s, w,
			       "the allocator is not proved in it, and allocator.require is true");
}

void worker_abandon(struct step *s, struct worker *w, const char *why) {
	if (w->failing == NULL)
		w->failing = why;
	drive(s, w, WORKER_DEADLINE);
}

static msec_t back_off(struct step *s, struct slot *slot, unsigned failures) {
	msec_t wait = backoff_delay(failures, (uint32_t)(slot - s->h->slots));
	slot->retry_at = s->now + wait;
	return wait;
}

static void boot_reason(const struct herd *h, const struct worker *w, const char *how, char *text,
			size_t size) {
	bool timed_out = w->life.state == WORKER_ABANDONED || w->life.state == WORKER_KILLING;
	if (w->told[0] != '\0')
		snprintf(text, size, "%s", w->told);
	else if (w->failing != NULL)
		snprintf(text, size, "%s", w->failing);
	else if (timed_out)
		snprintf(text, size, "not ready within %lld s (app.boot_timeout)%s%s",
			 (long long)(h->config->app.boot_timeout / MSEC_SECOND),
			 w->refusal[0] != '\0' ? "; " : "", w->refusal);
	else
		snprintf(text, size, "it ended while booting: %s; what it printed is %s%.80s%s%s",
			 how, h->config->app.output != NULL ? "in " : "above",
			 h->config->app.output != NULL ? h->config->app.output : "",
			 w->refusal[0] != '\0' ? "; " : "", w->refusal);
}

static void boot_failed(struct step *s, struct worker *w, const char *how) {
	struct herd *h = s->h;
	struct slot *slot = &h->slots[w->slot];
	char reason[320];
	boot_reason(h, w, how, reason, sizeof reason);
	h->counters.boots_failed++;
	remember(slot, reason);
	if (w->role == ROLE_SUCCESSOR) {
		replacement_failed(s, w, reason);
		return;
	}
	slot->failures++;
	restart_boot_failed(s, w);
	replacement_unfilled(s, w->slot);
	struct event *e = tell_of(s, EVENT_WORKER_FAILED, w);
	event_text(e, "reason", "%s", reason);
	event_number(e, "attempt", slot->failures);
	event_time(e, "retry", back_off(s, slot, slot->failures));
	if (!h->ever_ready && ++h->failed_boots >= HERD_ATTEMPTS)
		leave_give_up(s, reason);
}

void slot_lasted(struct step *s, const struct worker *w) {
	if (s->now - w->ready_at >= CRASH_LOOP_AGE)
		s->h->slots[w->slot].failures = 0;
}

static void died(struct step *s, struct worker *w, const char *how) {
	struct slot *slot = &s->h->slots[w->slot];
	msec_t age = s->now - w->ready_at;
	char reason[96];
	snprintf(reason, sizeof reason, "died: %s", how);
	s->h->counters.died++;
	struct event *e = tell_of(s, EVENT_WORKER_DIED, w);
	event_text(e, "reason", "%s", how);
	event_time(e, "age", age);
	if (w->role == ROLE_SUCCESSOR && !herd_leaves(s->h))
		replacement_failed(s, w, reason); /* the old one is there still, for its hook */
	if (w->role != ROLE_RESIDENT || herd_leaves(s->h))
		return; /* it was about to go; nobody is brought up for it */
	slot->failures = age < CRASH_LOOP_AGE ? slot->failures + 1 : 0;
	remember(slot, reason);
	/* The first one to die young may be an accident; it served, so it is replaced at once. */
	event_time(e, "retry", back_off(s, slot, slot->failures > 0 ? slot->failures - 1 : 0));
}

/* Another one comes at once, as it would for one of ours; it is nobody's failure. */
static void restarted(struct step *s, struct worker *w, const char *how) {
	struct slot *slot = &s->h->slots[w->slot];
	struct event *e = tell_of(s, EVENT_WORKER_RESTARTED, w);
	event_text(e, "reason", "%s", how);
	event_time(e, "age", s->now - w->ready_at);
	if (w->role == ROLE_SUCCESSOR)
		replacement_failed(s, w, "Puma's master has ended it");
	if (w->role != ROLE_RESIDENT)
		return;
	remember(slot, "restarted by Puma");
	slot->retry_at = s->now;
}

/* A phased or hot restart ends them by TERM; the kernel doesn't always tell how somebody ended. */
static bool was_restarted(const struct step *s, const struct worker *w) {
	return w->generation != 0 && parent_restarts(s->h, w->generation) &&
	       (w->ended_by == 0 || w->ended_by == SIGTERM || w->ended_by == SIGINT);
}

/* By somebody else's signal (the kernel's, out of memory) a drain ends as badly as by ours. */
static bool was_killed(const struct worker *w) {
	return w->killed || (w->ended_by != 0 && w->ended_by != SIGTERM && w->ended_by != SIGINT);
}

/*
 * Those that can't be judged count as well. By the time of a SIGKILL the idle ones among them have
 * been half-closed, and Puma has let go of them; what is left is very likely at work.
 */
static int lost_of(const struct worker *w) {
	return w->busy >= 0 ? w->busy + w->silent : 0;
}

void count_lost(struct step *s, const struct worker *w) {
	s->h->counters.connections_lost += (uint64_t)lost_of(w);
}

static void drained(struct step *s, const struct worker *w, const char *how) {
	struct herd_counters *c = &s->h->counters;
	bool killed = was_killed(w);
	const char *word = killed ? "killed" : w->half_closed > 0 ? "half_closed" : "clean";
	if (killed && !w->killed) /* else SIGKILL counted them */
		count_lost(s, w);
	if (killed)
		c->killed++;
	else if (w->half_closed > 0)
		c->half_closed++;
	else
		c->drained_clean++;
	struct event *e = tell_of(s, EVENT_DRAIN_DONE, w);
	event_time(e, "took", s->now - w->term_at);
	event_text(e, "how", "%s", word);
	if (!killed || w->busy >= 0) /* else nobody knows */
		event_number(e, "lost", killed ? lost_of(w) : 0);
	event_text(e, "status", "%s", how);
}

/* A worker that was READY once and was then sent TERM; one that still served has simply died. */
static bool was_drained(const struct worker *w) {
	return w->ready_at != 0 && worker_goes(w->life.state) && w->term_at != 0;
}

static void tell_end(struct step *s, struct worker *w, const char *how) {
	if (was_drained(w))
		drained(s, w, how);
	else if (w->ready_at != 0 && !herd_leaves(s->h) && was_restarted(s, w))
		restarted(s, w, how);
	else if (w->ready_at != 0)
		died(s, w, how);
	else if (herd_leaves(s->h) || w->role == ROLE_LEAVER)
		return; /* it was told to go before it served: nothing to say */
	else
		boot_failed(s, w, how);
}

/* The process is gone, or never came to be. `how`: its status, for a person. */
void worker_exited(struct step *s, struct worker *w, const char *how) {
	struct worker last = *w;
	tell_end(s, w, how);
	drive(s, w, WORKER_EXIT);
	give_order(s, ORDER_FORGET, last.id, 0);
	if (last.pid != 0)
		memory_sibling_left(s);
	if (s->h->reading == last.id)
		s->h->reading = 0;
	if (last.role != ROLE_SUCCESSOR)
		replacement_old_gone(s, &last);
}
