/*
 * A herd with a world around it: processes that boot, serve, drain and end in their own time, and
 * a daemon that performs orders, one after the other, until it dies in the middle of them. What
 * the processes are is known here for certain, whatever the herd believes.
 */
#pragma once

#include "core/state.h"
#include "herd_play.h"

#define BOOT_TAKES   (3 * MSEC_SECOND)
#define ANSWER_TAKES (200 * (msec_t)1)
#define DRAIN_TAKES  (4 * MSEC_SECOND)
#define PROCESSES    64
#define NEWS         256

struct process {
	int pid; /* 0: a free place */
	unsigned worker, slot, release;
	bool sick, stuck; /* ends instead of an answer; drains only when half-closed */
	uint64_t uss;
	msec_t serves_at, answers_at, ends_at; /* MSEC_NEVER: it doesn't */
	bool lives, termed, killed;
	bool asked, watched; /* by the daemon that lives now */
};

struct world {
	struct stage stage;
	struct process processes[PROCESSES];
	struct herd_event news[NEWS]; /* what the daemon has heard and not yet fed */
	size_t first_news, n_news;
	struct reading readings[PROCESSES];
	struct allocator allocator;
	struct strings texts; /* that the herd points to */
	bool sick_from_now, stuck, refuses_room;
	unsigned steps, die_in, die_before; /* dies in that step, before that order; 0: never */
	bool dead;
	unsigned least; /* who served at the worst moment of a TERM or KILL */
	unsigned lost;  /* who served and ended while there was no daemon */
	unsigned kills, strays_found;
};

static void hear(struct world *w, struct herd_event event) {
	MUST(w->n_news < NEWS);
	w->news[(w->first_news + w->n_news++) % NEWS] = event;
}

static struct process *process_of(struct world *w, unsigned worker) {
	for (size_t i = 0; i < PROCESSES; i++) {
		struct process *p = &w->processes[i];
		if (p->lives && p->worker == worker && p->watched)
			return p;
	}
	return NULL;
}

static bool process_serves(const struct world *w, const struct process *p) {
	return p->lives && !p->termed && p->serves_at <= w->stage.now;
}

static unsigned world_serves(const struct world *w) {
	unsigned n = 0;
	for (size_t i = 0; i < PROCESSES; i++)
		n += process_serves(w, &w->processes[i]);
	return n;
}

UNUSED static unsigned world_lives(const struct world *w) {
	unsigned n = 0;
	for (size_t i = 0; i < PROCESSES; i++)
		n += w->processes[i].lives;
	return n;
}

static void spawn(struct world *w, unsigned worker) {
	struct stage *t = &w->stage;
	struct process *p = w->processes;
	while (p->lives)
		p++;
	MUST(p < w->processes + PROCESSES);
	const struct worker *of = herd_worker(t->herd, worker);
	*p = (struct process){ .pid = t->next_pid++,
			       .worker = worker,
			       .slot = of->slot,
			       .release = of->release,
			       .sick = w->sick_from_now,
			       .stuck = w->stuck,
			       .uss = 50 * MIB,
			       .serves_at = t->now + BOOT_TAKES,
			       .answers_at = t->now + BOOT_TAKES,
			       .ends_at = MSEC_NEVER,
			       .lives = true,
			       .asked = true,
			       .watched = true };
	if (p->sick) { /* it ends instead */
		p->ends_at = p->answers_at;
		p->serves_at = p->answers_at = MSEC_NEVER;
	}
	hear(w, (struct herd_event){ .kind = HERD_LAUNCHED,
				     .worker = worker,
				     .number = p->pid,
				     .start_ticks = (uint64_t)p->pid * 10 });
}

static void be_signalled(struct world *w, struct process *p, int signal) {
	if (signal != SIGTERM && signal != SIGKILL)
		return;
	bool served = process_serves(w, p);
	p->termed = true;
	p->killed = p->killed || signal == SIGKILL;
	w->kills += signal == SIGKILL;
	if (served && world_serves(w) < w->least)
		w->least = world_serves(w);
	msec_t end = w->stage.now + (signal == SIGKILL ? 1 : DRAIN_TAKES);
	if (!p->stuck || signal == SIGKILL)
		p->ends_at = msec_min(p->ends_at, end);
}

static void count(struct world *w, unsigned worker, const struct process *p) {
	struct herd_event event = { .kind = HERD_COUNTED, .worker = worker };
	event.counted.open = 1;
	event.counted.busy = p->stuck;
	hear(w, event);
}

static void read_process(struct world *w, unsigned worker, const struct process *p) {
	struct herd_event event = { .kind = HERD_READ, .worker = worker };
	event.read.memory = (struct memory){ .rss_bytes = p->uss + 20 * MIB,
					     .pss_bytes = p->uss + 5 * MIB,
					     .uss_bytes = p->uss };
	event.read.took_usec = 1000;
	hear(w, event);
}

static void read_all(struct world *w) {
	struct herd_event event = { .kind = HERD_READINGS };
	for (size_t i = 0; i < PROCESSES; i++) {
		const struct process *p = &w->processes[i];
		if (p->lives && p->watched)
			w->readings[event.readings.n++] =
				(struct reading){ .worker = p->worker,
						  .rss_bytes = p->uss + 20 * MIB };
	}
	event.readings.readings = w->readings;
	hear(w, event);
}

static void answer(struct world *w, unsigned worker, enum herd_event_kind kind) {
	struct herd_event event = { .kind = kind, .worker = worker };
	if (kind == HERD_ALLOCATOR)
		event.allocator = &w->allocator;
	hear(w, event);
}

static void half_close(struct world *w, struct process *p, bool busy) {
	if (busy && p->termed && p->stuck) /* else it goes on, with one client less */
		p->ends_at = msec_min(p->ends_at, w->stage.now + 1);
	hear(w,
	     (struct herd_event){ .kind = HERD_HALF_CLOSED, .worker = p->worker, .number = busy });
}

static void perform_on(struct world *w, struct process *p, struct order o) {
	switch (o.kind) {
	case ORDER_PROBE:
		p->asked = true;
		p->answers_at = msec_max(p->answers_at, w->stage.now + ANSWER_TAKES);
		break;
	case ORDER_SIGNAL: be_signalled(w, p, o.number); break;
	case ORDER_COUNT: count(w, o.worker, p); break;
	case ORDER_READ: read_process(w, o.worker, p); break;
	case ORDER_CLOSE_IDLE:
	case ORDER_CLOSE_BUSY: half_close(w, p, o.kind == ORDER_CLOSE_BUSY); break;
	case ORDER_PROVE: answer(w, o.worker, HERD_ALLOCATOR); break;
	case ORDER_LIVENESS: answer(w, o.worker, HERD_ALIVE); break;
	case ORDER_LAUNCH:
	case ORDER_PROMOTE:
	case ORDER_READ_ALL:
	case ORDER_MAKE_PARENT:
	case ORDER_READ_PARENT:
	case ORDER_QUEUE:
	case ORDER_HOOK: /* it never ends */
	case ORDER_END_HOOK:
	case ORDER_RENEW:
	case ORDER_FORGET:
	case ORDER_LEAVE: break;
	}
}

static void perform(struct world *w, struct order o) {
	struct process *p = process_of(w, o.worker);
	if (o.kind == ORDER_LAUNCH)
		spawn(w, o.worker);
	else if (o.kind == ORDER_READ_ALL)
		read_all(w);
	else if (o.kind == ORDER_QUEUE)
		answer(w, 0, HERD_QUEUE);
	else if (p != NULL)
		perform_on(w, p, o);
}

/* One step of the herd, and what it ordered; the daemon may die on the way. */
static void world_feed(struct world *w, struct herd_event event) {
	struct stage *t = &w->stage;
	w->steps++;
	stage_feed(t, event);
	if (w->refuses_room)
		t->herd->room.boot_peak_bytes = t->herd->limits.effective_bytes;
	for (unsigned i = 0; i < t->orders->len; i++) {
		w->dead = w->dead || (w->steps == w->die_in && i == w->die_before);
		if (!w->dead)
			perform(w, t->orders->list[i]);
	}
	w->dead = w->dead || w->steps == w->die_in;
}

/* The next thing that happens by itself, and when; NULL: nothing but what the herd waits for. */
static struct process *next_of(struct world *w, msec_t *at) {
	struct process *found = NULL;
	for (size_t i = 0; i < PROCESSES; i++) {
		struct process *p = &w->processes[i];
		msec_t answers = p->asked && p->watched ? p->answers_at : MSEC_NEVER;
		msec_t next = msec_min(answers, p->ends_at);
		if (p->lives && next < *at) {
			*at = next;
			found = p;
		}
	}
	return found;
}

static void happen_to(struct world *w, struct process *p) {
	struct herd_event event = { .worker = p->worker };
	if (p->ends_at <= w->stage.now) {
		p->lives = false;
		event.kind = HERD_EXITED;
		event.text = "exit status 0";
		event.number = p->killed ? SIGKILL : 0;
	} else {
		p->asked = false;
		event.kind = HERD_ANSWERED;
	}
	if (p->watched)
		hear(w, event);
}

/* What comes next: what was heard, what happens, or a deadline. False: not before `until`. */
static bool world_go_on(struct world *w, msec_t until) {
	struct stage *t = &w->stage;
	if (w->n_news > 0) {
		struct herd_event event = w->news[w->first_news];
		w->first_news = (w->first_news + 1) % NEWS;
		w->n_news--;
		world_feed(w, event);
		return true;
	}
	msec_t at = MSEC_NEVER;
	struct process *p = next_of(w, &at);
	msec_t deadline = herd_deadline(t->herd);
	if (msec_min(at, deadline) > until)
		return false;
	t->now = msec_max(t->now, msec_min(at, deadline));
	if (p != NULL && at <= t->now)
		happen_to(w, p);
	else
		world_feed(w, (struct herd_event){ .kind = HERD_DEADLINE });
	return true;
}

/* Nobody watches for so long: who has to end ends, and nobody hears of it. */
UNUSED static void world_pass(struct world *w, msec_t duration) {
	struct stage *t = &w->stage;
	w->n_news = 0;
	t->now += duration;
	for (size_t i = 0; i < PROCESSES; i++) {
		struct process *p = &w->processes[i];
		p->asked = p->watched = false;
		if (p->lives && p->ends_at <= t->now) {
			w->lost += process_serves(w, p);
			p->lives = false;
		}
	}
}

#define BOOT_ID "5f1b4e2c-0000-4000-8000-0123456789ab"

/* The herd is left in a state, and read from it by another daemon. */
static void hand_over(struct world *w) {
	struct stage *t = &w->stage;
	char buffer[1000];
	struct text said = TEXT_IN(buffer);
	struct buffer json = { 0 };
	const struct state left = { .boot_id = BOOT_ID,
				    .pid = 77,
				    .herd = t->herd,
				    .releases.last = 2 + t->herd->release };
	struct state taken = { .herd = calloc(1, sizeof *taken.herd) };
	MUST(state_print(&left, &json) == 0);
	herd_init(taken.herd, t->herd->config, &t->limits);
	MUST_SAY(state_read(json.data, json.len, BOOT_ID, &taken, &w->texts, &said) == STATE_WHOLE,
		 "%s", buffer);
	buffer_finish(&json);
	free(t->herd);
	t->herd = taken.herd;
}

/* What a state doesn't hold, where it is left out to save time. */
static void forget_transients(struct herd *h) {
	h->reading = 0;
	h->next_tick = h->next_liveness = h->queue_next = h->read_at = 0;
	h->queue = -1;
	h->ask_again = MSEC_NEVER;
	h->budget = (struct rollup_budget){ 0 };
	for (unsigned i = 0; i < h->cells; i++) {
		struct worker *w = &h->workers[i];
		w->counting = w->proof_asked = w->stopped = false;
		w->watch.wants_dear = w->watch.urgent = false;
		w->watch.gate = (struct gate){ 0 };
		w->watch.growth = (struct growth){ 0 };
	}
}

static bool is_known(struct world *w, struct process *p, bool finds_strays) {
	struct worker *of = herd_worker(w->stage.herd, p->worker);
	if (of != NULL && of->pid == 0 && finds_strays) {
		of->pid = p->pid;
		w->strays_found++;
	}
	return of != NULL && of->pid == p->pid;
}

/*
 * Another daemon finds the herd as the last one left it, and who of it lives. Who isn't known by
 * its pid is known by its name if `finds_strays`, else ended.
 */
static void world_adopt(struct world *w, bool reads_state, bool finds_strays, unsigned release) {
	unsigned gone[HERD_WORKERS_MAX];
	struct herd_event event = { .kind = HERD_ADOPT };
	if (reads_state)
		hand_over(w);
	else
		forget_transients(w->stage.herd);
	struct herd *h = w->stage.herd;
	for (size_t i = 0; i < PROCESSES; i++) {
		struct process *p = &w->processes[i];
		if (p->lives)
			p->watched = p->lives = is_known(w, p, finds_strays);
	}
	for (unsigned i = 0; i < h->cells; i++) {
		const struct worker *one = &h->workers[i];
		if (one->life.state != WORKER_GONE && one->pid != 0 &&
		    process_of(w, one->id) == NULL)
			gone[event.adopt.n++] = one->id;
	}
	event.adopt.gone = gone;
	event.adopt.release = release;
	w->dead = w->stage.left = false;
	world_feed(w, event);
}

static void world_close(struct world *w) {
	stage_close(&w->stage);
	strings_finish(&w->texts);
}

static void world_open(struct world *w, unsigned workers) {
	memset(w, 0, sizeof *w);
	stage_open(&w->stage, workers);
	w->least = UINT32_MAX;
	w->allocator = (struct allocator){ .proof = PROOF_PROVED, .name = "jemalloc" };
}
