/* The herd among everything that can happen, in any order: what has to hold always, does. */
#include "core/herd.h"

#include "herd_play.h"

#define STEPS 1500
#define SEEDS 40

struct walk {
	struct stage stage;
	struct config configs[2]; /* by turns; their strings are the stage's */
	unsigned turn;
	uint32_t random;
	bool reloads, adopts;
	int at_once; /* deadlines at this very moment */
	enum worker_state before[HERD_WORKERS_MAX];
	unsigned ids[HERD_WORKERS_MAX];
	bool residents[HERD_WORKERS_MAX], stopped[HERD_WORKERS_MAX];
};

static unsigned dice(struct walk *w, unsigned sides) {
	w->random = w->random * 1664525 + 1013904223;
	return (w->random >> 8) % sides;
}

static struct worker *somebody(struct walk *w) {
	struct herd *h = w->stage.herd;
	unsigned from = h->cells > 0 ? dice(w, h->cells) : 0;
	for (unsigned i = 0; i < h->cells; i++) {
		struct worker *one = &h->workers[(from + i) % h->cells];
		if (one->life.state != WORKER_GONE && one->pid > 0)
			return one;
	}
	return NULL;
}

static void look(struct walk *w) {
	const struct herd *h = w->stage.herd;
	for (unsigned i = 0; i < HERD_WORKERS_MAX; i++) {
		const struct worker *one = &h->workers[i];
		w->before[i] = one->life.state;
		w->ids[i] = one->id;
		w->residents[i] = one->role == ROLE_RESIDENT;
		w->stopped[i] = one->stopped;
	}
}

static void check_orders(struct walk *w) {
	struct stage *t = &w->stage;
	for (size_t i = 0; i < t->orders->len; i++) {
		const struct order *o = &t->orders->list[i];
		if (o->worker != 0 && o->kind != ORDER_FORGET)
			MUST_SAY(herd_worker(t->herd, o->worker) != NULL,
				 "order %d names worker %u, who is gone", (int)o->kind, o->worker);
	}
}

static bool is_replaced_rightly(struct herd *h, const struct worker *one) {
	const struct worker *resident = herd_resident(h, one->slot);
	enum replacement_phase phase = h->slots[one->slot].replacement.phase;
	return h->state == HERD_LEAVING || one->slot >= h->n_slots ||
	       phase == REPLACEMENT_STOPPING_FIRST ||
	       (resident != NULL && resident != one && resident->life.state == WORKER_READY);
}

/* Of those who were healthy before this step. */
static void check_healthy(struct walk *w) {
	struct herd *h = w->stage.herd;
	for (unsigned i = 0; i < h->cells; i++) {
		const struct worker *one = &h->workers[i];
		bool was_fine = w->before[i] == WORKER_READY && w->ids[i] == one->id &&
				w->residents[i] && !w->stopped[i];
		if (was_fine && (stage_signalled(&w->stage, one->id, SIGTERM) ||
				 stage_signalled(&w->stage, one->id, SIGKILL)))
			MUST_SAY(is_replaced_rightly(h, one),
				 "slot %u: a healthy resident was told to go", one->slot);
	}
}

static void check_slots(struct walk *w) {
	struct herd *h = w->stage.herd;
	unsigned residents[HERD_SLOTS_MAX] = { 0 }, successors[HERD_SLOTS_MAX] = { 0 };
	unsigned all[HERD_SLOTS_MAX] = { 0 };
	for (unsigned i = 0; i < h->cells; i++) {
		const struct worker *one = &h->workers[i];
		if (one->life.state == WORKER_GONE)
			continue;
		all[one->slot]++;
		residents[one->slot] += one->role == ROLE_RESIDENT;
		successors[one->slot] += one->role == ROLE_SUCCESSOR;
		if (one->life.state != WORKER_READY)
			MUST(one->life.deadline != MSEC_NEVER);
	}
	for (unsigned i = 0; i < HERD_SLOTS_MAX; i++) {
		enum replacement_phase phase = h->slots[i].replacement.phase;
		MUST(residents[i] <= 1);
		MUST(successors[i] <= 1);
		if (h->state < HERD_LEAVING)
			MUST(successors[i] == (phase == REPLACEMENT_BRINGING_UP));
		if (!w->reloads && h->state < HERD_LEAVING)
			MUST(all[i] <= 1 + (phase != REPLACEMENT_NONE));
	}
}

static void check(struct walk *w) {
	const struct herd *h = w->stage.herd;
	check_orders(w);
	check_healthy(w);
	check_slots(w);
	if (!w->reloads)
		MUST(herd_in_flight(h) <= h->config->restart.max_surge);
	if (h->state < HERD_LEAVING)
		MUST(herd_deadline(h) != MSEC_NEVER);
}

/* Feeds it, looks at what came of it, and launches whom it ordered, as the daemon does. */
static void happen(struct walk *w, struct herd_event event) {
	struct stage *t = &w->stage;
	unsigned launches[HERD_WORKERS_MAX];
	size_t n = 0;
	look(w);
	stage_feed(t, event);
	check(w);
	for (size_t i = 0; i < t->orders->len; i++) {
		if (t->orders->list[i].kind == ORDER_LAUNCH)
			launches[n++] = t->orders->list[i].worker;
	}
	for (size_t i = 0; i < n; i++) {
		struct herd_event launched = { .kind = HERD_LAUNCHED,
					       .worker = launches[i],
					       .number = t->next_pid++ };
		if (dice(w, 30) == 0)
			launched = (struct herd_event){ .kind = HERD_LAUNCH_FAILED,
							.worker = launches[i],
							.text = "no such file" };
		happen(w, launched);
	}
}

static void pass_to_deadline(struct walk *w) {
	struct stage *t = &w->stage;
	msec_t next = herd_deadline(t->herd);
	if (next == MSEC_NEVER)
		return;
	w->at_once = next > t->now ? 0 : w->at_once + 1;
	MUST_SAY(w->at_once < 5, "it spins");
	t->now = msec_max(t->now, next);
	happen(w, (struct herd_event){ .kind = HERD_DEADLINE });
}

static void read_one(struct walk *w, unsigned id, uint64_t uss) {
	struct herd_event event = { .kind = HERD_READ, .worker = id };
	if (id == 0)
		return;
	event.read.memory = (struct memory){ .rss_bytes = uss + 20 * MIB,
					     .pss_bytes = uss + 5 * MIB,
					     .uss_bytes = uss };
	event.read.took_usec = 1000;
	event.error = dice(w, 50) == 0 ? 3 : 0;
	happen(w, event);
}

static void read_all(struct walk *w, unsigned most) {
	struct reading readings[HERD_WORKERS_MAX];
	struct herd_event event = { .kind = HERD_READINGS };
	const struct herd *h = w->stage.herd;
	for (unsigned i = 0; i < h->cells; i++) {
		if (h->workers[i].life.state != WORKER_GONE && h->workers[i].pid > 0)
			readings[event.readings.n++] =
				(struct reading){ .worker = h->workers[i].id,
						  .rss_bytes = (20 + dice(w, most)) * MIB };
	}
	event.readings.readings = readings;
	happen(w, event);
}

static void restart(struct walk *w) {
	unsigned slots[3];
	struct herd_event event = { .kind = HERD_RESTART, .text = "somebody" };
	event.restart.n = dice(w, 4);
	event.restart.slots = slots;
	event.restart.force = dice(w, 2) == 0;
	event.restart.deploy = event.restart.n == 0 && dice(w, 2) == 0;
	event.number = 1 + dice(w, 5);
	for (unsigned i = 0; i < event.restart.n; i++)
		slots[i] = dice(w, w->stage.herd->n_slots + 1);
	happen(w, event);
}

static void reload(struct walk *w) {
	struct stage *t = &w->stage;
	struct config *fresh = &w->configs[w->turn++ % 2];
	struct herd_event event = { .kind = HERD_RELOAD };
	*fresh = t->config;
	fresh->restart.max_surge = 1 + dice(w, 3);
	fresh->app.probe.liveness = dice(w, 2) * 10 * MSEC_SECOND;
	fresh->restart.rehearse = dice(w, 4) == 0;
	t->limits.workers = 1 + dice(w, 6);
	t->limits.soft_bytes = (200 + dice(w, 200)) * MIB;
	event.reload.config = fresh;
	event.reload.limits = &t->limits;
	happen(w, event);
}

/* The daemon has died, and somebody with it, perhaps; another one is there at once. */
static void adopt(struct walk *w) {
	const struct herd *h = w->stage.herd;
	unsigned gone[HERD_WORKERS_MAX];
	struct herd_event event = { .kind = HERD_ADOPT };
	for (unsigned i = 0; i < h->cells; i++) {
		if (h->workers[i].life.state != WORKER_GONE && dice(w, 6) == 0)
			gone[event.adopt.n++] = h->workers[i].id;
	}
	event.adopt.gone = gone;
	event.adopt.release = dice(w, 3) == 0 ? 6 + dice(w, 100) : 0;
	happen(w, event);
}

/* One of them, or one that is over. */
static void end_hook(struct walk *w) {
	struct herd_event event = { .kind = HERD_HOOK_ENDED };
	event.number = w->stage.herd->last_hook - dice(w, 3);
	event.text = dice(w, 3) == 0 ? "exit status 1" : NULL;
	happen(w, event);
}

static void happen_to(struct walk *w, struct worker *one, enum herd_event_kind kind) {
	struct herd_event event = { .kind = kind, .worker = one->id, .text = "exit status 1" };
	if (kind == HERD_COUNTED) {
		event.counted.open = (int)dice(w, 4);
		event.counted.busy = (int)dice(w, 2);
		event.error = dice(w, 10) == 0 ? 13 : 0;
	}
	if (kind == HERD_HALF_CLOSED)
		event.number = dice(w, 3);
	happen(w, event);
}

static void step(struct walk *w) {
	static const enum herd_event_kind kinds[] = {
		HERD_ANSWERED,  HERD_ANSWERED, HERD_ANSWERED, HERD_ANSWERED,    HERD_EXITED,
		HERD_COUNTED,   HERD_COUNTED,  HERD_COUNTED,  HERD_STOPPED,     HERD_CONTINUED,
		HERD_CONTINUED, HERD_REBOOTED, HERD_ALIVE,    HERD_HALF_CLOSED,
	};
	struct worker *one = somebody(w);
	switch (dice(w, 12)) {
	case 0: read_all(w, 800); break;
	case 1: read_one(w, w->stage.herd->reading, (20 + dice(w, 800)) * MIB); break;
	case 2:
	case 3: pass_to_deadline(w); break;
	case 4:
		w->stage.now += dice(w, 3000);
		w->at_once = 0;
		break;
	case 5:
		if (dice(w, 10) == 0)
			restart(w);
		break;
	case 6:
		if (w->reloads && dice(w, 20) == 0)
			reload(w);
		if (w->adopts && dice(w, 20) == 0)
			adopt(w);
		if (dice(w, 3) == 0)
			end_hook(w);
		break;
	default:
		if (one != NULL)
			happen_to(w, one, kinds[dice(w, ARRAY_LEN(kinds))]);
	}
}

/* From now on every process and every reading is what it should be. */
static bool answer_honestly(struct walk *w) {
	struct herd *h = w->stage.herd;
	read_one(w, h->reading, 30 * MIB);
	for (unsigned i = 0; i < h->cells; i++) {
		struct worker *one = &h->workers[i];
		if (one->life.state == WORKER_GONE || one->pid == 0)
			continue;
		if (one->stopped)
			happen_to(w, one, HERD_CONTINUED);
		else if (one->life.state == WORKER_BOOTING && !one->answered)
			happen_to(w, one, HERD_ANSWERED);
		else if (one->life.state >= WORKER_DRAINING)
			happen_to(w, one, HERD_EXITED);
		else if (h->config->app.probe.liveness > 0 && one->alive_at < w->stage.now)
			happen_to(w, one, HERD_ALIVE);
		else
			continue;
		return true;
	}
	return false;
}

static void come_to_rest(struct walk *w, msec_t duration) {
	struct stage *t = &w->stage;
	msec_t end = t->now + duration, next_readings = 0;
	while (t->now < end && t->herd->state != HERD_LEFT) {
		if (answer_honestly(w))
			continue;
		if (t->now >= next_readings) {
			read_all(w, 20);
			next_readings = t->now + 5 * MSEC_SECOND;
		}
		pass_to_deadline(w);
	}
}

static void check_rest(struct walk *w) {
	struct herd *h = w->stage.herd;
	MUST(h->state == HERD_SERVING);
	MUST(herd_serving(h) == h->n_slots);
	MUST(herd_in_flight(h) == 0);
	MUST(!h->restart.active);
	for (unsigned i = 0; i < h->cells; i++) {
		const struct worker *one = &h->workers[i];
		if (one->life.state != WORKER_GONE)
			MUST(one->life.state == WORKER_READY);
	}
}

static void walk_begin(struct walk *w, uint32_t seed, bool reloads, bool adopts) {
	struct stage *t = &w->stage;
	stage_open(t, 1 + seed % 5);
	w->random = seed * 2654435761u + 1;
	w->reloads = reloads;
	w->adopts = adopts;
	t->config.restart.max_surge = 1 + seed % 3;
	t->limits.boot_concurrency = 1 + seed % 2;
	t->limits.effective_bytes = seed % 4 == 0 ? 500 * MIB : 8192 * MIB;
	t->limits.total_bytes = seed % 4 == 0 ? 400 * MIB : 4096 * MIB;
	if (seed % 3 != 0)
		MUST(strings_add(&t->config.hooks.before_restart, "a") == 0);
	if (seed % 3 == 1)
		MUST(strings_add(&t->config.hooks.after_sample, "b") == 0);
	stage_begin(t);
}

static void walk(bool reloads, bool adopts, bool stops) {
	struct walk *w = calloc(1, sizeof *w);
	for (uint32_t seed = 1; seed <= SEEDS; seed++) {
		memset(w, 0, sizeof *w);
		walk_begin(w, seed, reloads, adopts);
		for (int i = 0; i < STEPS; i++)
			step(w);
		if (stops)
			stage_stop(&w->stage);
		come_to_rest(w, 20 * MSEC_MINUTE);
		if (stops)
			MUST_SAY(w->stage.left, "seed %u: it never ends", seed);
		else
			check_rest(w);
		stage_close(&w->stage);
	}
	free(w);
}

START_TEST(whatever_happens_nobody_healthy_goes_and_it_comes_to_rest)
{ walk(false, false, false); }
END_TEST

START_TEST(nor_does_a_reload_at_any_moment_leave_anything_behind)
{ walk(true, false, false); }
END_TEST

START_TEST(nor_does_the_death_of_a_daemon)
{
	walk(false, true, false);
	walk(true, true, false);
}
END_TEST

START_TEST(from_every_state_a_stop_comes_to_its_end)
{ walk(true, true, true); }
END_TEST

SUITE("herd_walk", whatever_happens_nobody_healthy_goes_and_it_comes_to_rest,
      nor_does_a_reload_at_any_moment_leave_anything_behind, nor_does_the_death_of_a_daemon,
      from_every_state_a_stop_comes_to_its_end)
