/*
 * A daemon dies at every single moment of what it does, and the next one adopts the herd: what was
 * under way is finished or undone, and nobody is lost or doubled.
 */
#include "core/herd.h"

#include "herd_world.h"

/* Whose process ends while there is no daemon. */
#define OLD      1u /* who is being replaced */
#define NEW      2u /* who takes a place */
#define EVERYONE 4u

#define LONG_TIME (15 * MSEC_MINUTE)

struct play {
	const char *name;
	void (*begin)(struct world *w); /* when all serve; NULL: dies before that, too */
	unsigned workers_then;          /* as the next daemon is configured; 0: as before */
	unsigned may_lack;              /* so many serve less, for a while */
	unsigned replaced;              /* whose processes are others at the end */
	bool stalls;                    /* clients hold on to their connections */
	bool stops;
	bool hooks; /* that never end */
};

/* A moment of death, and what comes after it. */
struct death {
	unsigned step, order;
	unsigned gone; /* OLD, NEW, EVERYONE */
	msec_t absence;
	bool finds_strays;
	bool reads_state; /* as it is written, and not as it is */
	unsigned again;   /* the next one dies in that step as well; 0: it doesn't */
	unsigned release; /* renewed; 0: as before */
};

#define WORKERS 2

static void restart_all(struct world *w) {
	world_feed(w, (struct herd_event){ .kind = HERD_RESTART, .text = "a test" });
}

static void restart_one(struct world *w) {
	static const unsigned slot = 1;
	struct herd_event event = { .kind = HERD_RESTART, .text = "a test" };
	event.restart.slots = &slot;
	event.restart.n = 1;
	world_feed(w, event);
}

static void deploy(struct world *w) {
	struct herd_event event = { .kind = HERD_RESTART, .number = 2, .text = "a test" };
	event.restart.deploy = true;
	world_feed(w, event);
}

static void restart_without_room(struct world *w) {
	struct herd_event event = { .kind = HERD_RESTART, .text = "a test" };
	event.restart.force = true;
	w->refuses_room = true;
	w->stage.herd->room.boot_peak_bytes = w->stage.herd->limits.effective_bytes;
	world_feed(w, event);
}

static void restart_without_surge(struct world *w) {
	w->stage.held[0].restart.surge = false;
	restart_all(w);
}

static void restart_in_vain(struct world *w) {
	w->sick_from_now = true;
	restart_one(w);
}

static void grow_over_hard(struct world *w) {
	w->processes[1].uss = 700 * MIB;
}

static void grow_over_soft(struct world *w) {
	w->processes[1].uss = 400 * MIB;
}

static void crash(struct world *w) {
	w->processes[1].ends_at = w->stage.now + 1;
}

static void stop(struct world *w) {
	world_feed(w, (struct herd_event){ .kind = HERD_STOP, .text = "SIGTERM" });
}

static void stop_in_a_restart(struct world *w) {
	restart_all(w);
	w->processes[1].ends_at = w->stage.now + 1;
	for (int i = 0; i < 12 && !w->dead; i++)
		world_go_on(w, w->stage.now + LONG_TIME);
	if (!w->dead)
		stop(w);
}

static void stop_twice(struct world *w) {
	stop(w);
	if (!w->dead)
		stop(w);
}

static const struct play plays[] = {
	{ .name = "first start" },
	{ .name = "first start of more", .workers_then = 4 },
	{ .name = "restart", .begin = restart_all, .replaced = WORKERS },
	{ .name = "restart with stalls",
	  .begin = restart_all,
	  .replaced = WORKERS,
	  .stalls = true },
	{ .name = "restart of one", .begin = restart_one, .replaced = 1 },
	{ .name = "deploy", .begin = deploy, .replaced = WORKERS },
	{ .name = "without room",
	  .begin = restart_without_room,
	  .may_lack = 1,
	  .replaced = WORKERS },
	{ .name = "in vain", .begin = restart_in_vain },
	{ .name = "hard", .begin = grow_over_hard, .replaced = 1 },
	{ .name = "soft", .begin = grow_over_soft, .replaced = 1 },
	{ .name = "soft with stalls", .begin = grow_over_soft, .replaced = 1, .stalls = true },
	{ .name = "restart with hooks", .begin = restart_all, .replaced = WORKERS, .hooks = true },
	{ .name = "without surge, with hooks",
	  .begin = restart_without_surge,
	  .may_lack = 1,
	  .replaced = WORKERS,
	  .hooks = true },
	{ .name = "crash", .begin = crash, .may_lack = 1 },
	{ .name = "fewer then", .begin = restart_all, .workers_then = 1 },
	{ .name = "more then", .begin = restart_all, .workers_then = 3, .replaced = WORKERS },
	{ .name = "stop", .begin = stop, .stops = true },
	{ .name = "stop with stalls", .begin = stop, .stops = true, .stalls = true },
	{ .name = "stop in a restart", .begin = stop_in_a_restart, .stops = true },
	{ .name = "stop twice", .begin = stop_twice, .stops = true, .stalls = true },
};

static bool is_at_rest(const struct world *w, const struct play *play) {
	const struct herd *h = w->stage.herd;
	if (play->stops)
		return w->stage.left;
	if (w->n_news > 0 || h->state != HERD_SERVING || herd_in_flight(h) > 0 ||
	    h->restart.active || herd_serving(h) != h->n_slots || world_lives(w) != h->n_slots)
		return false;
	for (size_t i = 0; i < PROCESSES; i++) {
		const struct process *p = &w->processes[i];
		if (p->lives && (p->uss > h->limits.soft_bytes || p->ends_at != MSEC_NEVER))
			return false;
	}
	return true;
}

static void come_to_rest(struct world *w, const struct play *play) {
	msec_t end = w->stage.now + LONG_TIME;
	while (!w->dead && !is_at_rest(w, play))
		MUST_SAY(world_go_on(w, end), "%s: it doesn't come to rest", play->name);
}

static void open_play(struct world *w, const struct play *play) {
	struct stage *t = &w->stage;
	world_open(w, WORKERS);
	t->config.restart.min_age = t->config.restart.cooldown = 0;
	t->config.restart.stop_delay = play->stops ? MSEC_SECOND : 0;
	t->config.restart.quiet_wait = t->config.restart.half_close_after = 2 * MSEC_SECOND;
	if (play->hooks)
		MUST(strings_add(&t->config.hooks.before_restart, "a") == 0);
	t->held[0] = t->config;
	herd_init(t->herd, &t->held[0], &t->limits);
}

/* Until the daemon dies. False: it doesn't, the play ends before. */
static bool play_on(struct world *w, const struct play *play, const struct death *death) {
	static const struct play start = { .name = "start" };
	if (play->begin != NULL) {
		world_feed(w, (struct herd_event){ .kind = HERD_START });
		come_to_rest(w, &start);
	}
	w->least = UINT32_MAX;
	w->steps = 0;
	w->die_in = death->step;
	w->die_before = death->order;
	for (size_t i = 0; i < WORKERS; i++)
		w->processes[i].stuck = play->stalls;
	if (play->begin != NULL)
		play->begin(w);
	else
		world_feed(w, (struct herd_event){ .kind = HERD_START });
	come_to_rest(w, play);
	return w->dead;
}

static void end_process(struct world *w, unsigned worker) {
	for (size_t i = 0; i < PROCESSES; i++) {
		if (w->processes[i].lives && w->processes[i].worker == worker)
			w->processes[i].ends_at = w->stage.now;
	}
}

/* False: nobody of them was there. */
static bool end_some(struct world *w, unsigned gone) {
	struct herd *h = w->stage.herd;
	bool found = gone == 0 || gone == EVERYONE;
	for (unsigned i = 0; i < HERD_SLOTS_MAX; i++) {
		const struct replacement *r = &h->slots[i].replacement;
		const struct worker *resident = herd_resident(h, i);
		if (r->phase == REPLACEMENT_NONE)
			continue;
		found = true;
		if ((gone & OLD) != 0)
			end_process(w, r->old_id);
		if ((gone & NEW) != 0)
			end_process(w,
				    r->new_id != 0 || resident == NULL ? r->new_id : resident->id);
	}
	for (size_t i = 0; i < PROCESSES && gone == EVERYONE; i++)
		w->processes[i].ends_at = w->stage.now;
	return found;
}

static void adopt_on(struct world *w, const struct play *play, const struct death *death,
		     unsigned release) {
	world_adopt(w, death->reads_state, death->finds_strays, release);
	if (play->stops && w->stage.herd->state < HERD_WAITING_TO_STOP && !w->dead)
		stop(w); /* it had not been heard of */
	come_to_rest(w, play);
}

static void be_adopted(struct world *w, const struct play *play, const struct death *death) {
	struct stage *t = &w->stage;
	world_pass(w, death->absence);
	w->sick_from_now = false;
	if (play->workers_then != 0)
		t->limits.workers = play->workers_then;
	herd_init(t->herd, &t->held[0], &t->limits); /* as before a state is read */
	w->steps = 0;
	w->die_in = death->again;
	w->die_before = 1;
	adopt_on(w, play, death, death->release);
	if (w->dead) {
		w->die_in = 0;
		world_pass(w, death->absence);
		adopt_on(w, play, death, 0);
	}
	if (play->stops)
		return;
	for (msec_t end = t->now + 12 * MSEC_SECOND; world_go_on(w, end);)
		;
	come_to_rest(w, play);
}

#define HERE(condition)                                                                           \
	MUST_SAY(condition, "%s, step %u, %u performed, gone %u, absent %lld ms: %s", play->name, \
		 death->step, death->order, death->gone, (long long)death->absence, #condition)

static void check_slots(struct world *w, const struct play *play, const struct death *death) {
	struct herd *h = w->stage.herd;
	for (unsigned i = 0; i < h->n_slots; i++) {
		const struct worker *resident = herd_resident(h, i);
		HERE(resident != NULL && resident->life.state == WORKER_READY);
		const struct process *p = process_of(w, resident->id);
		HERE(p != NULL && p->pid == resident->pid && p->slot == i && !p->termed);
	}
}

/* Each process that was known and is no more has ended in one of the ways that are counted. */
static void check_counters(struct world *w, const struct play *play, const struct death *death) {
	const struct herd *h = w->stage.herd;
	const struct herd_counters *c = &h->counters;
	uint64_t drained = c->drained_clean + c->half_closed + c->killed;
	uint64_t ended = c->boots + w->strays_found - h->n_slots;
	if (play->workers_then == 0 || play->workers_then > WORKERS)
		HERE(c->died + c->boots_failed + drained == ended);
	if (death->gone != 0)
		return;
	HERE(c->killed == 0 && c->connections_lost == 0);
	HERE(c->died == (play->begin == crash));
	HERE(c->boots_failed <= (play->begin == restart_in_vain));
	if (play->replaced > 0)
		HERE(c->replacements == play->replaced);
}

static void check(struct world *w, const struct play *play, const struct death *death) {
	unsigned workers = w->stage.herd->n_slots;
	if (play->stops) {
		HERE(world_lives(w) == 0 && w->stage.exit_code == 0);
		HERE(w->kills == 0 || play->begin == stop_twice || death->gone != 0);
		return;
	}
	HERE(death->release == 0 || w->stage.herd->release == death->release);
	check_slots(w, play, death);
	check_counters(w, play, death);
	unsigned at_best = workers < WORKERS ? workers : WORKERS;
	unsigned missing = w->lost + play->may_lack;
	HERE(missing >= at_best || w->least >= at_best - missing);
	if (death->gone != 0)
		return;
	HERE(w->kills == 0);
	unsigned renewed = 0;
	for (unsigned i = 0; i < workers; i++)
		renewed += herd_resident(w->stage.herd, i)->id > WORKERS;
	HERE(play->replaced == 0 || renewed >= play->replaced);
}

/* 0: it died before an order of that step; 1: after the last one; 2: not at all. */
static int die(struct world *w, const struct play *play, const struct death *death) {
	open_play(w, play);
	int when = 2;
	if (play_on(w, play, death)) {
		when = death->order >= w->stage.orders->len;
		if (end_some(w, death->gone)) {
			be_adopted(w, play, death);
			check(w, play, death);
		}
	}
	world_close(w);
	return when;
}

static void die_at_every_moment(const struct play *play, struct death death) {
	struct world *w = calloc(1, sizeof *w);
	int when = 0;
	for (death.step = 1; when != 2; death.step++) {
		when = 0;
		for (death.order = 0; when == 0; death.order++) {
			when = die(w, play, &death);
			if (death.reads_state)
				break; /* it is the same before each order */
		}
	}
	ck_assert_uint_gt(death.step, 4); /* it did die, here and there */
	free(w);
}

static void play_all(struct death death) {
	for (size_t i = 0; i < ARRAY_LEN(plays); i++)
		die_at_every_moment(&plays[i], death);
}

START_TEST(nobody_is_lost_or_doubled_when_all_live_on)
{ play_all((struct death){ .absence = 100 }); }
END_TEST

START_TEST(nor_when_the_state_is_read_as_it_was_written)
{ play_all((struct death){ .absence = 100, .reads_state = true }); }
END_TEST

START_TEST(nor_when_nobody_watched_for_long)
{ play_all((struct death){ .absence = 10 * MSEC_MINUTE }); }
END_TEST

START_TEST(nor_when_one_is_found_whose_launch_was_not_told)
{ play_all((struct death){ .absence = 100, .finds_strays = true }); }
END_TEST

START_TEST(nor_when_the_old_one_is_gone)
{ play_all((struct death){ .absence = 100, .gone = OLD }); }
END_TEST

START_TEST(nor_when_the_new_one_is_gone)
{ play_all((struct death){ .absence = 100, .gone = NEW }); }
END_TEST

START_TEST(nor_when_both_are_gone)
{ play_all((struct death){ .absence = 100, .gone = OLD | NEW }); }
END_TEST

START_TEST(nor_when_everybody_is_gone)
{ play_all((struct death){ .absence = 100, .gone = EVERYONE }); }
END_TEST

START_TEST(nor_when_the_next_one_dies_soon_as_well)
{
	for (unsigned step = 1; step <= 2; step++)
		play_all((struct death){ .absence = 100, .again = step });
}
END_TEST

START_TEST(nor_when_the_release_has_a_new_number)
{ play_all((struct death){ .absence = 100, .release = 9 }); }
END_TEST

SUITE("herd_death", nobody_is_lost_or_doubled_when_all_live_on,
      nor_when_the_state_is_read_as_it_was_written, nor_when_nobody_watched_for_long,
      nor_when_one_is_found_whose_launch_was_not_told, nor_when_the_old_one_is_gone,
      nor_when_the_new_one_is_gone, nor_when_both_are_gone, nor_when_everybody_is_gone,
      nor_when_the_next_one_dies_soon_as_well, nor_when_the_release_has_a_new_number)
