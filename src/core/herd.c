/* The herd: events in, orders out. The map of its parts is in herd.h. */
#include "core/herd.h"

#include <signal.h>
#include <stdio.h>

#include "core/herd_parts.h"

void give_order(struct step *s, enum order_kind kind, unsigned worker, int number) {
	struct orders *o = s->orders;
	assert(o->len < ORDERS_MAX);
	o->list[o->len++] = (struct order){ .kind = kind, .worker = worker, .number = number };
}

struct event *tell(struct step *s, enum event_id id) {
	struct orders *o = s->orders;
	size_t at = o->n_told < TOLD_MAX ? o->n_told++ : TOLD_MAX - 1;
	o->told[at] = event_make(id);
	return &o->told[at];
}

struct event *tell_of(struct step *s, enum event_id id, const struct worker *w) {
	struct event *e = tell(s, id);
	event_number(e, "slot", w->slot);
	if (w->pid > 0)
		event_number(e, "pid", w->pid);
	return e;
}

struct worker_patience patience_of(const struct config *config) {
	return (struct worker_patience){
		.boot = config->app.boot_timeout,
		.quiet = config->restart.quiet_wait,
		.drain = config->restart.drain_timeout,
		.half_close = config->restart.half_close_after,
	};
}

static void tell_connections(struct event *e, const struct worker *w) {
	if (w->open >= 0) {
		event_number(e, "open", w->open);
		event_number(e, "busy", w->busy);
	}
}

static void send_term(struct step *s, struct worker *w, bool drains, bool quiet) {
	if (w->promoted && drains && !herd_leaves(s->h))
		give_order(s, ORDER_PROMOTE, w->id, 0);
	else
		give_order(s, ORDER_SIGNAL, w->id, SIGTERM);
	if (w->stopped) /* or it could not even read the TERM */
		give_order(s, ORDER_SIGNAL, w->id, SIGCONT);
	w->term_at = s->now;
	if (!drains)
		return;
	struct event *e = tell_of(s, EVENT_DRAIN_STARTED, w);
	tell_connections(e, w);
	event_text(e, "quiet", "%s", quiet ? "yes" : "no");
}

static void send_kill(struct step *s, struct worker *w) {
	give_order(s, ORDER_SIGNAL, w->id, SIGKILL);
	if (w->killed || w->ready_at == 0)
		return;
	w->killed = true;
	count_lost(s, w);
	tell_connections(tell_of(s, EVENT_DRAIN_KILLED, w), w);
}

/* Nothing that was known of the old image holds for this one. */
static void begin_anew(struct step *s, struct worker *w) {
	slot_lasted(s, w);
	w->answered = w->proof_asked = w->proof_known = false;
	w->refused_told = 0;
	w->allocator = (struct allocator){ 0 };
	w->refusal[0] = '\0';
	w->ready_at = 0;
	give_order(s, ORDER_PROBE, w->id, 0);
	tell_of(s, EVENT_WORKER_REBOOTED, w);
}

void drive(struct step *s, struct worker *w, enum worker_event event) {
	struct worker_patience patience = patience_of(s->h->config);
	enum worker_state before = w->life.state;
	switch (worker_step(&w->life, event, s->now, &patience)) {
	case WORKER_NOTHING: break;
	case WORKER_START: give_order(s, ORDER_LAUNCH, w->id, 0); break;
	case WORKER_PROBE: begin_anew(s, w); break;
	case WORKER_TERM: send_term(s, w, before != WORKER_BOOTING, event == WORKER_QUIET); break;
	case WORKER_CLOSE_IDLE: give_order(s, ORDER_CLOSE_IDLE, w->id, 0); break;
	case WORKER_CLOSE_BUSY: give_order(s, ORDER_CLOSE_BUSY, w->id, 0); break;
	case WORKER_KILL: send_kill(s, w); break;
	}
}

struct worker *herd_worker(struct herd *h, unsigned id) {
	FOR_EACH_WORKER(h, w) {
		if (w->id == id)
			return w;
	}
	return NULL;
}

struct worker *herd_resident(struct herd *h, unsigned slot) {
	FOR_EACH_WORKER(h, w) {
		if (w->slot == slot && w->role == ROLE_RESIDENT)
			return w;
	}
	return NULL;
}

unsigned herd_serving(const struct herd *h) {
	unsigned n = 0;
	for (unsigned i = 0; i < h->cells; i++)
		n += worker_serves(h->workers[i].life.state);
	return n;
}

unsigned herd_in_flight(const struct herd *h) {
	unsigned n = 0;
	for (unsigned i = 0; i < HERD_SLOTS_MAX; i++)
		n += h->slots[i].replacement.phase != REPLACEMENT_NONE;
	return n;
}

void herd_follow(struct herd *h, const struct config *config, const struct limits *limits) {
	h->config = config;
	h->limits = *limits;
	h->n_slots = limits->workers < HERD_SLOTS_MAX ? limits->workers : HERD_SLOTS_MAX;
	h->budget.share = config->memory.rollup_budget;
	for (size_t i = 0; i < ARRAY_LEN(h->futile); i++)
		h->futile[i].min_useful_life = config->restart.min_useful_life;
}

void herd_init(struct herd *h, const struct config *config, const struct limits *limits) {
	herd_follow(h, config, limits);
	h->release = 1;
	h->queue = -1;
	h->ask_again = MSEC_NEVER;
}

static void on_refused(struct step *s, struct worker *w, const struct herd_event *event) {
	const char *hint = event->hint != NULL ? event->hint : "";
	int said = event->number != 0 ? (int)event->number : -1;
	if (said > 0)
		snprintf(w->refusal, sizeof w->refusal, "the probe was answered with %d%s%s", said,
			 *hint != '\0' ? ": " : "", hint);
	else
		snprintf(w->refusal, sizeof w->refusal, "the probe: %s", hint);
	w->alive_at = s->now; /* whatever it says, it says something */
	if (w->refused_told == said || w->life.state != WORKER_BOOTING)
		return;
	w->refused_told = said;
	struct event *e = tell_of(s, EVENT_WORKER_PROBE_REFUSED, w);
	if (said > 0)
		event_number(e, "status", said);
	if (event->text != NULL && *event->text != '\0')
		event_text(e, "location", "%s", event->text);
	if (event->hint != NULL && *event->hint != '\0')
		event_text(e, "reason", "%s", event->hint);
}

static void on_launched(struct step *s, struct worker *w, const struct herd_event *event) {
	w->pid = (int)event->number;
	w->start_ticks = event->start_ticks;
	w->launched = s->now;
	w->generation = event->generation;
	w->stem = event->stem;
	struct event *e = tell_of(s, EVENT_WORKER_BOOTING, w);
	event_number(e, "release", w->release);
	const struct slot *slot = &s->h->slots[w->slot];
	bool surge = w->role == ROLE_SUCCESSOR;
	event_number(e, "attempt", (surge ? slot->surge_failures : slot->failures) + 1);
	s->h->counters.boots++;
}

static void on_allocator(struct step *s, struct worker *w, const struct herd_event *event) {
	w->allocator = *event->allocator;
	w->proof_known = true;
	struct event *e = tell_of(s, EVENT_ALLOCATOR_PROOF, w);
	event_text(e, "name", "%s", w->allocator.name);
	event_text(e, "version", "%s", w->allocator.version);
	event_text(e, "proof", "%s", allocator_proof_name(w->allocator.proof));
	if (w->life.state == WORKER_BOOTING && w->answered)
		worker_answered(s, w);
}

static void on_stopped(struct step *s, struct worker *w) {
	if (w->stopped)
		return;
	tell_of(s, EVENT_WORKER_STOPPED, w);
	w->stopped = true;
	w->stopped_at = s->now;
}

/* Nobody asked it meanwhile; its silence begins anew. */
static void on_continued(struct step *s, struct worker *w) {
	w->stopped = false;
	w->alive_at = s->now;
}

static bool same_limits(const struct herd *h, const struct herd_event *event) {
	const struct limits *a = &h->limits, *b = event->reload.limits;
	return a->soft_bytes == b->soft_bytes && a->hard_bytes == b->hard_bytes &&
	       a->total_bytes == b->total_bytes &&
	       h->config->memory.figure == event->reload.config->memory.figure;
}

static void on_reload(struct step *s, const struct herd_event *event) {
	struct herd *h = s->h;
	bool same = same_limits(h, event);
	bool unasked = h->config->app.probe.liveness == 0;
	herd_follow(h, event->reload.config, event->reload.limits);
	FOR_EACH_WORKER(h, w) {
		if (unasked) /* until now: silence said nothing */
			w->alive_at = s->now;
	}
	if (!same)
		memory_new_limits(s);
	h->sample_hook_failing = false; /* what is told again may be mended now */
}

static void deadline(struct step *s) {
	FOR_EACH_WORKER(s->h, w) {
		if (w->life.state == WORKER_BOOTING && w->life.deadline <= s->now)
			worker_abandon(s, w, NULL);
		else if (w->life.deadline <= s->now)
			drive(s, w, WORKER_DEADLINE);
	}
	hooks_deadline(s);
	memory_deadline(s);
	leave_deadline_passed(s);
}

/* Events of one worker that may already be gone. */
static void step_worker(struct step *s, const struct herd_event *event) {
	struct worker *w = herd_worker(s->h, event->worker);
	if (w == NULL)
		return;
	switch (event->kind) {
	case HERD_LAUNCHED: on_launched(s, w, event); break;
	case HERD_LAUNCH_FAILED:
		w->failing = event->text;
		worker_exited(s, w, event->text);
		break;
	case HERD_ANSWERED:
		w->answered = true;
		w->alive_at = s->now;
		worker_answered(s, w);
		break;
	case HERD_REFUSED: on_refused(s, w, event); break;
	case HERD_WARM:
		if (w->warm_at == 0)
			w->warm_at = s->now;
		break;
	case HERD_PROMOTED: worker_exited(s, w, "it is a mold now"); break;
	case HERD_TOLD: snprintf(w->told, sizeof w->told, "%s", event->text); break;
	case HERD_EXITED:
		w->ended_by = (int)event->number;
		worker_exited(s, w, event->text);
		break;
	case HERD_STOPPED: on_stopped(s, w); break;
	case HERD_CONTINUED: on_continued(s, w); break;
	case HERD_REBOOTED: drive(s, w, WORKER_REBOOT); break;
	case HERD_ALIVE: w->alive_at = s->now; break;
	case HERD_READ: memory_read(s, w, event); break;
	case HERD_COUNTED: drain_counted(s, w, event); break;
	case HERD_HALF_CLOSED: drain_half_closed(s, w, event); break;
	case HERD_ALLOCATOR: on_allocator(s, w, event); break;
	case HERD_START:
	case HERD_ADOPT:
	case HERD_READINGS:
	case HERD_PARENT:
	case HERD_PARENT_READ:
	case HERD_PARENT_HEARD:
	case HERD_QUEUE:
	case HERD_HOOK_ENDED:
	case HERD_RESTART:
	case HERD_RELEASE:
	case HERD_RELOAD:
	case HERD_STOP:
	case HERD_DEADLINE: break;
	}
}

/* Molds are made from there, and whoever isn't a process yet comes from there. */
static void release_gone(struct herd *h, unsigned release) {
	for (size_t i = 0; i < HERD_PARENTS_MAX; i++) {
		if (h->parents[i].release == h->release)
			h->parents[i].release = release;
	}
	FOR_EACH_WORKER(h, w) {
		if (w->pid == 0 && w->release == h->release)
			w->release = release;
	}
	h->release = release;
}

static void step_herd(struct step *s, const struct herd_event *event) {
	struct herd *h = s->h;
	if (event->kind == HERD_START) {
		h->started = s->now;
		h->next_tick = s->now + h->config->memory.interval;
	} else if (event->kind == HERD_ADOPT) {
		adopt_herd(s, event);
	} else if (event->kind == HERD_READINGS) {
		memory_readings(s, event);
	} else if (event->kind == HERD_PARENT) {
		parent_changed(s, event);
	} else if (event->kind == HERD_PARENT_READ) {
		parent_read(s, event);
	} else if (event->kind == HERD_PARENT_HEARD) {
		parent_heard(s, event);
	} else if (event->kind == HERD_QUEUE) {
		h->queue = (int)event->number;
	} else if (event->kind == HERD_HOOK_ENDED) {
		hook_ended(s, event);
	} else if (event->kind == HERD_RESTART) {
		restart_ask(s, event);
	} else if (event->kind == HERD_RELEASE) {
		release_gone(h, (unsigned)event->number);
	} else if (event->kind == HERD_RELOAD) {
		on_reload(s, event);
	} else if (event->kind == HERD_STOP) {
		leave_ask(s, event);
	} else if (event->kind == HERD_DEADLINE) {
		deadline(s);
	} else {
		step_worker(s, event);
	}
}

/* Every slot serves, or was tried: one that doesn't come up doesn't hold the start up for ever. */
static bool has_started(struct herd *h) {
	for (unsigned i = 0; i < h->n_slots; i++) {
		const struct worker *w = herd_resident(h, i);
		if ((w == NULL || !worker_serves(w->life.state)) && h->slots[i].failures == 0)
			return false;
	}
	return h->ever_ready;
}

static bool one_stops_first(const struct herd *h) {
	for (unsigned i = 0; i < h->n_slots; i++) {
		if (h->slots[i].replacement.phase == REPLACEMENT_STOPPING_FIRST ||
		    h->slots[i].replacement.phase == REPLACEMENT_REFILLING)
			return true;
	}
	return false;
}

/* What the herd as a whole has to say, when it changes. */
static void health_settle(struct step *s) {
	struct herd *h = s->h;
	unsigned serving = herd_serving(h);
	if (h->state == HERD_STARTING && has_started(h))
		h->state = HERD_SERVING;
	if (h->state != HERD_SERVING || !h->ever_ready)
		return;
	bool degraded = serving < h->n_slots;
	if (degraded == h->degraded_told)
		return;
	h->degraded_told = degraded;
	struct event *e = tell(s, degraded ? EVENT_HERD_DEGRADED : EVENT_HERD_OK);
	event_number(e, "ready", serving);
	event_number(e, "workers", h->n_slots);
	if (degraded && one_stops_first(h))
		event_text(e, "reason",
			   h->config->restart.surge ? "no room for one more worker: one stops first"
						    : "one stops first (restart.surge is false)");
}

/* Level-triggered: whatever happened, the whole is looked at afresh; there is nothing to miss. */
void herd_step(struct herd *h, const struct herd_event *event, msec_t now, struct orders *orders) {
	struct step s = { .h = h, .now = now, .orders = orders };
	h->ask_again = MSEC_NEVER;
	step_herd(&s, event);
	if (herd_leaves(h)) {
		leave_settle(&s);
	} else {
		replacements_settle(&s);
		slots_settle(&s);
		every_settle(&s);
		/* Before: who is new already isn't replaced. After: the last refusal ends it. */
		restart_settle(&s);
		do
			replace_settle(&s);
		while (restart_settle(&s));
		memory_settle(&s);
	}
	drain_settle(&s);
	health_settle(&s);
}

msec_t herd_deadline(const struct herd *h) {
	msec_t next = msec_min(memory_next(h), msec_min(h->ask_again, leave_deadline(h)));
	next = msec_min(next, hooks_next(h));
	for (unsigned i = 0; i < h->cells; i++) {
		if (h->workers[i].life.state == WORKER_GONE)
			continue;
		next = msec_min(next, h->workers[i].life.deadline);
		next = msec_min(next, drain_deadline(&h->workers[i]));
	}
	return next;
}
