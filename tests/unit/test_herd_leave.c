/* Stopping: scripts of events. */
#include <errno.h>

#include "herd_play.h"

/* Everybody who was sent TERM ends. */
static void obey(struct stage *t) {
	for (unsigned i = 0; i < t->herd->cells; i++) {
		const struct worker *w = &t->herd->workers[i];
		if (w->life.state != WORKER_GONE && w->term_at != 0)
			stage_exited(t, w->id);
	}
}

static void queue_is(struct stage *t, int waiting) {
	stage_feed(t, (struct herd_event){ .kind = HERD_QUEUE, .number = waiting });
}

START_TEST(asked_to_stop_all_drain_and_the_exit_code_is_0)
{
	struct stage t;
	stage_start(&t, 3);
	stage_stop(&t);
	ck_assert_uint_eq(t.told[EVENT_DAEMON_STOPPING], 1);
	ck_assert_uint_eq(stage_orders(&t, ORDER_SIGNAL), 2);
	ck_assert_uint_eq(stage_orders(&t, ORDER_QUEUE), 1);
	queue_is(&t, 0);
	ck_assert_uint_eq(stage_orders(&t, ORDER_SIGNAL), 1);
	ck_assert(!t.left);
	obey(&t);
	ck_assert(t.left);
	ck_assert_int_eq(t.exit_code, 0);
	ck_assert_uint_eq(t.herd->counters.drained_clean, 3);
	ck_assert_uint_eq(t.told[EVENT_WORKER_DIED], 0);
	ck_assert_int_eq(herd_deadline(t.herd), MSEC_NEVER);
	stage_close(&t);
}
END_TEST

START_TEST(the_last_one_goes_on_while_somebody_waits_to_be_accepted)
{
	struct stage t;
	stage_start(&t, 2);
	stage_stop(&t);
	obey(&t);
	for (int look = 0; look < 10; look++) {
		queue_is(&t, 3);
		ck_assert_uint_eq(herd_serving(t.herd), 1);
		stage_wait(&t, t.now + 50);
		ck_assert_uint_eq(stage_orders(&t, ORDER_QUEUE), 1);
	}
	queue_is(&t, 0);
	ck_assert_uint_eq(herd_serving(t.herd), 0);
	stage_close(&t);
}
END_TEST

START_TEST(a_queue_that_is_never_empty_or_never_known_holds_nobody_for_long)
{
	for (int waiting = -1; waiting <= 1; waiting += 2) {
		struct stage t;
		stage_start(&t, 2);
		stage_stop(&t);
		for (msec_t end = t.now + 2 * MSEC_SECOND; t.now < end;) {
			ck_assert_uint_eq(herd_serving(t.herd), 1);
			queue_is(&t, waiting);
			stage_wait(&t, t.now + 50);
		}
		ck_assert_uint_eq(herd_serving(t.herd), 0);
		stage_close(&t);
	}
}
END_TEST

static void stage_with_delay(struct stage *t, unsigned workers, msec_t delay) {
	stage_open(t, workers);
	t->config.restart.stop_delay = delay;
	t->held[0] = t->config;
}

START_TEST(stop_delay_goes_on_serving_first_and_begins_nothing_new)
{
	struct stage t;
	stage_with_delay(&t, 2, 30 * MSEC_SECOND);
	stage_begin(&t);
	stage_stop(&t);
	ck_assert_int_eq(stage_number(&t, EVENT_DAEMON_STOPPING, "delay"), 30 * MSEC_SECOND);
	stage_read(&t, stage_resident(&t, 0)->id, 700 * MIB);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], 0);
	stage_wait(&t, t.now + 29 * MSEC_SECOND);
	ck_assert_uint_eq(herd_serving(t.herd), 2);
	stage_wait(&t, t.now + MSEC_SECOND);
	ck_assert_uint_eq(herd_serving(t.herd), 1);
	stage_close(&t);
}
END_TEST

START_TEST(stop_delay_is_not_waited_for_when_nobody_serves)
{
	struct stage t;
	stage_with_delay(&t, 2, 30 * MSEC_SECOND);
	stage_feed(&t, (struct herd_event){ .kind = HERD_START });
	unsigned id = stage_order(&t, ORDER_LAUNCH)->worker;
	stage_launched(&t, id);
	stage_stop(&t);
	ck_assert(stage_signalled(&t, id, SIGTERM));
	obey(&t);
	ck_assert(t.left);
	stage_close(&t);
}
END_TEST

START_TEST(asked_again_during_stop_delay_it_drains_at_once_and_hurries)
{
	struct stage t;
	stage_with_delay(&t, 2, 30 * MSEC_SECOND);
	stage_begin(&t);
	stage_stop(&t);
	stage_stop(&t);
	ck_assert_uint_eq(t.told[EVENT_DAEMON_HURRIED], 1);
	ck_assert_uint_eq(stage_orders(&t, ORDER_SIGNAL), 2);
	obey(&t);
	ck_assert(t.left);
	stage_close(&t);
}
END_TEST

START_TEST(asked_twice_nobody_gets_more_than_a_short_grace)
{
	struct stage t;
	stage_start(&t, 3);
	stage_stop(&t);
	stage_wait(&t, t.now + 100);
	stage_stop(&t);
	ck_assert_uint_eq(herd_serving(t.herd), 0);
	ck_assert_uint_eq(stage_orders(&t, ORDER_CLOSE_BUSY), 3);
	stage_wait(&t, t.now + WORKER_HURRY_GRACE);
	for (unsigned i = 0; i < t.herd->cells; i++)
		ck_assert_int_eq(t.herd->workers[i].life.state, WORKER_KILLING);
	obey(&t);
	ck_assert(t.left);
	ck_assert_int_eq(t.exit_code, 0);
	ck_assert_uint_eq(t.herd->counters.killed, 3);
	stage_close(&t);
}
END_TEST

START_TEST(a_worker_that_ignores_term_is_half_closed_and_killed_in_bounded_time)
{
	struct stage t;
	stage_start(&t, 1);
	unsigned id = stage_resident(&t, 0)->id;
	msec_t half = t.config.restart.half_close_after, all = t.config.restart.drain_timeout;
	stage_stop(&t);
	queue_is(&t, 0);
	msec_t begun = t.now;
	ck_assert(stage_signalled(&t, id, SIGTERM));
	stage_counted(&t, id, 4, 3);
	stage_wait(&t, begun + half);
	ck_assert_uint_eq(stage_orders(&t, ORDER_CLOSE_IDLE), 1);
	stage_wait(&t, begun + half + WORKER_CLOSE_AGAIN);
	ck_assert_uint_eq(stage_orders(&t, ORDER_CLOSE_BUSY), 1);
	stage_counted(&t, id, 3, 2);
	stage_wait(&t, begun + all);
	ck_assert(stage_signalled(&t, id, SIGKILL));
	stage_wait(&t, t.now + WORKER_KILL_AGAIN);
	ck_assert(stage_signalled(&t, id, SIGKILL));
	stage_exited(&t, id);
	ck_assert_int_eq(stage_number(&t, EVENT_DRAIN_DONE, "took"), all + WORKER_KILL_AGAIN);
	ck_assert_int_eq(stage_number(&t, EVENT_DRAIN_DONE, "lost"), 2);
	ck_assert_str_eq(stage_said(&t, EVENT_DRAIN_DONE, "how"), "killed");
	ck_assert_uint_eq(t.herd->counters.connections_lost, 2);
	ck_assert_uint_eq(t.herd->counters.killed, 1);
	ck_assert_uint_eq(t.told[EVENT_DRAIN_KILLED], 1);
	ck_assert(t.left);
	stage_close(&t);
}
END_TEST

START_TEST(somebody_elses_kill_ends_a_drain_as_badly_as_ours)
{
	struct stage t;
	stage_start(&t, 1);
	unsigned id = stage_resident(&t, 0)->id;
	stage_stop(&t);
	queue_is(&t, 0);
	stage_counted(&t, id, 4, 3);
	stage_feed(&t, (struct herd_event){
			       .kind = HERD_EXITED, .worker = id, .number = 9, .text = "SIGKILL" });
	ck_assert_str_eq(stage_said(&t, EVENT_DRAIN_DONE, "how"), "killed");
	ck_assert_uint_eq(t.herd->counters.connections_lost, 3);
	stage_close(&t);
}
END_TEST

START_TEST(without_rights_to_half_close_it_is_told_once_and_killed_in_time)
{
	struct stage t;
	stage_start(&t, 1);
	unsigned id = stage_resident(&t, 0)->id;
	stage_stop(&t);
	queue_is(&t, 0);
	msec_t begun = t.now;
	const struct herd_event refused = {
		.kind = HERD_HALF_CLOSED, .worker = id, .error = EPERM, .text = "not permitted"
	};
	stage_wait(&t, begun + t.config.restart.half_close_after);
	stage_feed(&t, refused);
	ck_assert_uint_eq(t.told[EVENT_DRAIN_UNABLE], 1);
	ck_assert_str_eq(stage_said(&t, EVENT_DRAIN_UNABLE, "reason"), "not permitted");
	stage_wait(&t, t.now + WORKER_CLOSE_AGAIN);
	stage_feed(&t, refused);
	ck_assert_uint_eq(t.told[EVENT_DRAIN_UNABLE], 1);
	stage_wait(&t, begun + t.config.restart.drain_timeout);
	ck_assert(stage_signalled(&t, id, SIGKILL));
	stage_exited(&t, id);
	ck_assert(t.left);
	stage_close(&t);
}
END_TEST

START_TEST(what_could_not_be_judged_is_lost_with_a_kill_too)
{
	struct stage t;
	stage_start(&t, 1);
	unsigned id = stage_resident(&t, 0)->id;
	stage_stop(&t);
	queue_is(&t, 0);
	struct herd_event count = { .kind = HERD_COUNTED, .worker = id };
	count.counted.open = 4;
	count.counted.busy = 1;
	count.counted.silent = 2; /* unix sockets */
	stage_feed(&t, count);
	stage_wait(&t, t.now + t.config.restart.drain_timeout);
	stage_exited(&t, id);
	ck_assert_int_eq(stage_number(&t, EVENT_DRAIN_DONE, "lost"), 3);
	ck_assert_uint_eq(t.herd->counters.connections_lost, 3);
	stage_close(&t);
}
END_TEST

START_TEST(what_was_not_counted_is_not_said_to_be_nothing)
{
	struct stage t;
	stage_start(&t, 1);
	unsigned id = stage_resident(&t, 0)->id;
	stage_stop(&t);
	queue_is(&t, 0);
	stage_wait(&t, t.now + t.config.restart.drain_timeout);
	stage_exited(&t, id);
	ck_assert_str_eq(stage_said(&t, EVENT_DRAIN_DONE, "how"), "killed");
	ck_assert_int_eq(stage_number(&t, EVENT_DRAIN_DONE, "lost"), -1);
	stage_close(&t);
}
END_TEST

START_TEST(stopped_during_the_first_boot_it_leaves_with_0)
{
	struct stage t;
	stage_open(&t, 3);
	stage_feed(&t, (struct herd_event){ .kind = HERD_START });
	unsigned id = stage_order(&t, ORDER_LAUNCH)->worker;
	stage_launched(&t, id);
	stage_stop(&t);
	ck_assert(stage_signalled(&t, id, SIGTERM));
	stage_answered(&t, id); /* too late */
	ck_assert_uint_eq(herd_serving(t.herd), 0);
	stage_wait(&t, t.now + WORKER_ABANDON_GRACE);
	ck_assert(stage_signalled(&t, id, SIGKILL));
	stage_exited(&t, id);
	ck_assert(t.left);
	ck_assert_int_eq(t.exit_code, 0);
	ck_assert_uint_eq(t.told[EVENT_WORKER_FAILED], 0);
	stage_close(&t);
}
END_TEST

START_TEST(stopped_during_a_replacement_both_go)
{
	struct stage t;
	stage_start(&t, 1);
	unsigned old = stage_resident(&t, 0)->id;
	stage_read(&t, old, 700 * MIB);
	unsigned fresh = stage_successor(&t, 0)->id;
	stage_launched(&t, fresh);
	stage_stop(&t);
	ck_assert(stage_signalled(&t, fresh, SIGTERM));
	ck_assert(!stage_signalled(&t, old, SIGTERM));
	queue_is(&t, 0);
	ck_assert(stage_signalled(&t, old, SIGTERM));
	obey(&t);
	ck_assert(t.left);
	stage_close(&t);
}
END_TEST

START_TEST(stopped_during_back_off_it_leaves_at_once)
{
	struct stage t;
	stage_open(&t, 2);
	stage_feed(&t, (struct herd_event){ .kind = HERD_START });
	unsigned id = stage_order(&t, ORDER_LAUNCH)->worker;
	stage_launched(&t, id);
	stage_exited(&t, id);
	stage_stop(&t);
	ck_assert(t.left);
	ck_assert_int_eq(t.exit_code, 0);
	stage_close(&t);
}
END_TEST

START_TEST(while_it_leaves_nothing_is_launched_read_or_restarted)
{
	struct stage t;
	stage_start(&t, 2);
	unsigned last = stage_resident(&t, 1)->id;
	stage_stop(&t);
	stage_tick(&t, 900 * MIB);
	stage_restart(&t, NULL, 0, true);
	stage_exited(&t, stage_resident(&t, 0)->id);
	ck_assert_uint_eq(stage_orders(&t, ORDER_LAUNCH), 0);
	stage_exited(&t, last);
	ck_assert(t.left);
	ck_assert_uint_eq(t.told[EVENT_RESTART_ASKED], 0);
	stage_close(&t);
}
END_TEST

START_TEST(a_drain_is_counted_five_times_a_second_not_at_every_event)
{
	struct stage t;
	unsigned counts = 0;
	stage_start(&t, 1);
	unsigned id = stage_resident(&t, 0)->id;
	stage_stop(&t);
	queue_is(&t, 0);
	ck_assert_uint_eq(stage_orders(&t, ORDER_COUNT), 1);
	for (msec_t end = t.now + 5 * MSEC_SECOND; t.now < end;) {
		stage_counted(&t, id, 3, 1);
		ck_assert_uint_eq(stage_orders(&t, ORDER_COUNT), 0);
		stage_wait(&t, msec_min(herd_deadline(t.herd), end));
		counts += stage_orders(&t, ORDER_COUNT);
	}
	ck_assert_uint_eq(counts, 25);
	stage_close(&t);
}
END_TEST

SUITE("herd_leave", a_drain_is_counted_five_times_a_second_not_at_every_event,
      asked_to_stop_all_drain_and_the_exit_code_is_0,
      the_last_one_goes_on_while_somebody_waits_to_be_accepted,
      a_queue_that_is_never_empty_or_never_known_holds_nobody_for_long,
      stop_delay_goes_on_serving_first_and_begins_nothing_new,
      stop_delay_is_not_waited_for_when_nobody_serves,
      asked_again_during_stop_delay_it_drains_at_once_and_hurries,
      asked_twice_nobody_gets_more_than_a_short_grace,
      a_worker_that_ignores_term_is_half_closed_and_killed_in_bounded_time,
      somebody_elses_kill_ends_a_drain_as_badly_as_ours,
      without_rights_to_half_close_it_is_told_once_and_killed_in_time,
      what_could_not_be_judged_is_lost_with_a_kill_too,
      what_was_not_counted_is_not_said_to_be_nothing,
      stopped_during_the_first_boot_it_leaves_with_0, stopped_during_a_replacement_both_go,
      stopped_during_back_off_it_leaves_at_once,
      while_it_leaves_nothing_is_launched_read_or_restarted)
