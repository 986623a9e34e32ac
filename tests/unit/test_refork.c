/* app.refork as the herd decides it: when, who, and what becomes of it. Scripts of events. */
#include "herd_play.h"

/* A herd of two, forked from the mold 1, pid 50, long ago. */
static void start(struct stage *t, msec_t after, unsigned requests) {
	stage_open(t, 2);
	t->held[0].app.preload = true;
	t->held[0].app.refork.after = after;
	t->held[0].app.refork.requests = requests;
	t->held[0].restart.quiet_wait = 0;
	stage_feed(t, (struct herd_event){ .kind = HERD_START });
	for (unsigned state = MOLD_LOADING; state <= MOLD_READY; state++) {
		struct herd_event event = { .kind = HERD_PARENT, .generation = 1 };
		event.parent.release = 1;
		event.parent.pid = 50;
		event.parent.state = state;
		stage_feed(t, event);
	}
	for (bool booted = true; booted;) {
		booted = false;
		for (unsigned i = 0; i < t->herd->cells; i++) {
			struct worker *w = &t->herd->workers[i];
			if (w->life.state != WORKER_BOOTING)
				continue;
			unsigned id = w->id;
			stage_feed(t, (struct herd_event){ .kind = HERD_LAUNCHED,
							   .worker = id,
							   .generation = 1,
							   .number = t->next_pid++ });
			stage_answered(t, id);
			t->now += 10;
			booted = true;
		}
	}
}

static void is_warm(struct stage *t, unsigned worker) {
	stage_feed(t, (struct herd_event){ .kind = HERD_WARM, .worker = worker });
}

/* The successor of the one that shall become a mold, brought up. */
static void bring_up(struct stage *t) {
	const struct order *launch = stage_order(t, ORDER_LAUNCH);
	ck_assert_ptr_nonnull(launch);
	unsigned id = launch->worker;
	stage_feed(t,
		   (struct herd_event){
			   .kind = HERD_LAUNCHED, .worker = id, .generation = 1, .number = 300 });
	stage_answered(t, id);
}

START_TEST(when_its_time_is_over_the_oldest_worker_becomes_the_next_mold)
{
	struct stage t;
	start(&t, 30 * MSEC_MINUTE, 0);
	unsigned oldest = herd_resident(t.herd, 0)->id;
	stage_wait(&t, t.now + 29 * MSEC_MINUTE);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], 0);
	stage_wait(&t, herd_parent(t.herd)->since + 30 * MSEC_MINUTE);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], 1);
	bring_up(&t);
	stage_wait(&t, t.now + 1);
	const struct worker *w = herd_worker(t.herd, oldest);
	ck_assert_int_eq(w->life.state, WORKER_DRAINING);
	ck_assert(w->promoted);
	ck_assert(!stage_signalled(&t, oldest, SIGTERM));
	stage_close(&t);
}
END_TEST

START_TEST(it_is_told_to_become_one_where_others_get_their_term)
{
	struct stage t;
	start(&t, 0, 100);
	unsigned warm = herd_resident(t.herd, 1)->id;
	is_warm(&t, warm);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], 1);
	bring_up(&t);
	/* No quiet moment is waited for here: it is told with the step that let it go, or the next. */
	bool promoted = stage_order(&t, ORDER_PROMOTE) != NULL;
	if (!promoted)
		stage_feed(&t, (struct herd_event){ .kind = HERD_DEADLINE });
	ck_assert(promoted || stage_order(&t, ORDER_PROMOTE) != NULL);
	ck_assert(!stage_signalled(&t, warm, SIGTERM));
	stage_feed(&t, (struct herd_event){ .kind = HERD_PROMOTED, .worker = warm });
	ck_assert_ptr_null(herd_worker(t.herd, warm));
	ck_assert_uint_eq(t.herd->counters.drained_clean, 1);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_DONE], 1);
	ck_assert_uint_eq(t.told[EVENT_WORKER_DIED], 0);
	stage_close(&t);
}
END_TEST

START_TEST(without_the_option_no_warmth_and_no_time_do_anything)
{
	struct stage t;
	start(&t, 0, 0);
	is_warm(&t, herd_resident(t.herd, 0)->id);
	stage_wait(&t, t.now + 3 * MSEC_HOUR);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], 0);
	stage_close(&t);
}
END_TEST

START_TEST(when_one_has_failed_the_others_are_not_tried_for_a_while)
{
	struct stage t;
	start(&t, 0, 100);
	unsigned first = herd_resident(t.herd, 0)->id, second = herd_resident(t.herd, 1)->id;
	is_warm(&t, first);
	bring_up(&t);
	is_warm(&t, second);
	stage_wait(&t, t.now + 1);
	stage_exited(&t, first); /* in the middle of it */
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_DONE], 1);
	stage_wait(&t, t.now + 9 * MSEC_MINUTE);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], 1);
	stage_wait(&t, t.now + 2 * MSEC_MINUTE);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], 2);
	stage_close(&t);
}
END_TEST

START_TEST(a_worker_of_an_older_mold_is_not_warm_enough)
{
	struct stage t;
	start(&t, 0, 100);
	struct herd_event event = { .kind = HERD_PARENT, .generation = 2 };
	event.parent.release = 1;
	event.parent.pid = 51;
	event.parent.state = MOLD_READY;
	stage_feed(&t, event);
	is_warm(&t, herd_resident(t.herd, 0)->id);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], 0);
	stage_close(&t);
}
END_TEST

START_TEST(while_a_person_restarts_nobody_is_promoted)
{
	struct stage t;
	start(&t, 0, 100);
	struct herd_event restart = { .kind = HERD_RESTART, .number = 1, .text = "a person" };
	stage_feed(&t, restart);
	is_warm(&t, herd_resident(t.herd, 1)->id);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], 1);
	for (unsigned i = 0; i < t.herd->n_slots; i++)
		ck_assert(!t.herd->slots[i].replacement.promotes);
	stage_close(&t);
}
END_TEST

START_TEST(who_was_to_become_a_mold_ends_as_the_others_when_the_herd_leaves)
{
	struct stage t;
	start(&t, 0, 100);
	unsigned warm = herd_resident(t.herd, 0)->id;
	t.held[0].restart.quiet_wait = MSEC_MINUTE;
	is_warm(&t, warm);
	bring_up(&t);
	ck_assert_int_eq(herd_worker(t.herd, warm)->life.state, WORKER_LEAVING);
	stage_feed(&t, (struct herd_event){ .kind = HERD_STOP, .number = SIGTERM, .text = "x" });
	ck_assert(stage_signalled(&t, warm, SIGTERM));
	ck_assert_ptr_null(stage_order(&t, ORDER_PROMOTE));
	stage_close(&t);
}
END_TEST

START_TEST(who_is_over_a_limit_is_replaced_and_the_next_one_becomes_the_mold)
{
	struct stage t;
	start(&t, 30 * MSEC_MINUTE, 0);
	unsigned fat = herd_resident(t.herd, 0)->id;
	herd_worker(t.herd, fat)->watch.verdict = CAUSE_SOFT;
	t.held[0].restart.min_age = 24 * MSEC_HOUR; /* and held back */
	stage_wait(&t, herd_parent(t.herd)->since + 30 * MSEC_MINUTE);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], 1);
	ck_assert(!t.herd->slots[0].replacement.promotes);
	ck_assert(t.herd->slots[1].replacement.promotes);
	stage_close(&t);
}
END_TEST

START_TEST(while_a_worker_becomes_a_mold_its_memory_is_summed_once)
{
	struct stage t;
	start(&t, 0, 100);
	unsigned warm = herd_resident(t.herd, 0)->id;
	int pid = herd_worker(t.herd, warm)->pid;
	stage_read(&t, warm, 50 * MIB);
	uint64_t before = herd_memory(t.herd).rss_bytes;
	struct herd_event event = { .kind = HERD_PARENT, .generation = 2 };
	event.parent.release = 2;
	event.parent.pid = pid;
	event.parent.state = MOLD_LOADING;
	stage_feed(&t, event);
	event = (struct herd_event){ .kind = HERD_PARENT_READ, .generation = 2 };
	event.read.memory = herd_worker(t.herd, warm)->watch.memory;
	stage_feed(&t, event);
	ck_assert_uint_eq(herd_memory(t.herd).rss_bytes, before);
	stage_feed(&t, (struct herd_event){ .kind = HERD_PROMOTED, .worker = warm });
	ck_assert_uint_eq(herd_memory(t.herd).rss_bytes, before);
	stage_close(&t);
}
END_TEST

/* What was promoted meanwhile is not lost: the others follow when the person's restart is over. */
START_TEST(a_mold_that_was_made_during_a_restart_has_its_turn_after_it)
{
	struct stage t;
	start(&t, 0, 100);
	const unsigned slots[] = { 0 };
	struct herd_event one = { .kind = HERD_RESTART, .text = "a person" };
	one.restart.slots = slots;
	one.restart.n = 1;
	stage_feed(&t, one);
	struct herd_event all = { .kind = HERD_RESTART, .number = 2, .text = "app.refork" };
	all.restart.deploy = true;
	stage_feed(&t, all);
	ck_assert_uint_eq(t.herd->release, 1);
	ck_assert(herd_wants_release(t.herd, 2));
	unsigned fresh = t.herd->last_id;
	stage_feed(&t, (struct herd_event){ .kind = HERD_LAUNCHED,
					    .worker = fresh,
					    .generation = 1,
					    .number = 300 });
	stage_answered(&t, fresh);
	unsigned old = 0;
	for (unsigned i = 0; i < t.herd->cells; i++) {
		if (t.herd->workers[i].role == ROLE_LEAVER)
			old = t.herd->workers[i].id;
	}
	stage_exited(&t, old);
	ck_assert_uint_eq(t.told[EVENT_RESTART_DONE], 1);
	ck_assert_uint_eq(t.herd->release, 2);
	ck_assert(t.herd->restart.active);
	stage_close(&t);
}
END_TEST

SUITE("refork", a_mold_that_was_made_during_a_restart_has_its_turn_after_it,
      when_its_time_is_over_the_oldest_worker_becomes_the_next_mold,
      it_is_told_to_become_one_where_others_get_their_term,
      without_the_option_no_warmth_and_no_time_do_anything,
      when_one_has_failed_the_others_are_not_tried_for_a_while,
      a_worker_of_an_older_mold_is_not_warm_enough, while_a_person_restarts_nobody_is_promoted,
      who_is_over_a_limit_is_replaced_and_the_next_one_becomes_the_mold,
      while_a_worker_becomes_a_mold_its_memory_is_summed_once,
      who_was_to_become_a_mold_ends_as_the_others_when_the_herd_leaves)
