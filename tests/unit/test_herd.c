#include "core/herd.h"

#include "herd_play.h"

START_TEST(the_first_worker_boots_alone_then_the_others)
{
	struct stage t;
	stage_open(&t, 4);
	stage_feed(&t, (struct herd_event){ .kind = HERD_START });
	ck_assert_uint_eq(t.orders->len, 1);
	const struct order *launch = stage_order(&t, ORDER_LAUNCH);
	ck_assert_ptr_nonnull(launch);
	unsigned first = launch->worker;
	stage_launched(&t, first);
	ck_assert_ptr_null(stage_order(&t, ORDER_LAUNCH));
	stage_answered(&t, first);
	unsigned launches = 0;
	for (size_t i = 0; i < t.orders->len; i++)
		launches += t.orders->list[i].kind == ORDER_LAUNCH;
	ck_assert_uint_eq(launches, 3);
	ck_assert_uint_eq(t.told[EVENT_DAEMON_READY], 1);
	stage_boot_all(&t);
	ck_assert_uint_eq(herd_serving(t.herd), 4);
	ck_assert_int_eq(t.herd->state, HERD_SERVING);
	stage_close(&t);
}
END_TEST

START_TEST(a_worker_over_the_hard_limit_goes_once_its_successor_serves)
{
	struct stage t;
	stage_start(&t, 2);
	unsigned old = stage_resident(&t, 1)->id;
	stage_read(&t, old, 700 * MIB);
	const struct order *launch = stage_order(&t, ORDER_LAUNCH);
	ck_assert_ptr_nonnull(launch);
	unsigned fresh = launch->worker;
	ck_assert(!stage_signalled(&t, old, SIGTERM));
	stage_launched(&t, fresh);
	ck_assert(!stage_signalled(&t, old, SIGTERM));
	stage_answered(&t, fresh);
	ck_assert(stage_signalled(&t, old, SIGTERM));
	ck_assert_uint_eq(stage_resident(&t, 1)->id, fresh);
	stage_exited(&t, old);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_DONE], 1);
	ck_assert_uint_eq(t.herd->counters.drained_clean, 1);
	ck_assert_uint_eq(herd_in_flight(t.herd), 0);
	stage_close(&t);
}
END_TEST

START_TEST(if_the_successor_fails_the_old_one_stays)
{
	struct stage t;
	stage_start(&t, 2);
	unsigned old = stage_resident(&t, 0)->id;
	stage_read(&t, old, 700 * MIB);
	unsigned fresh = stage_order(&t, ORDER_LAUNCH)->worker;
	stage_launched(&t, fresh);
	stage_exited(&t, fresh);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_FAILED], 1);
	ck_assert_uint_eq(stage_resident(&t, 0)->id, old);
	ck_assert_int_eq(stage_resident(&t, 0)->life.state, WORKER_READY);
	stage_close(&t);
}
END_TEST

START_TEST(three_failed_boots_of_a_first_start_end_it)
{
	struct stage t;
	stage_open(&t, 2);
	stage_feed(&t, (struct herd_event){ .kind = HERD_START });
	for (int attempt = 0; attempt < 3 && !t.left; attempt++) {
		for (int turns = 0; stage_order(&t, ORDER_LAUNCH) == NULL; turns++) {
			ck_assert_int_lt(turns, 100);
			stage_wait(&t, msec_max(herd_deadline(t.herd), t.now + 1));
		}
		unsigned id = stage_order(&t, ORDER_LAUNCH)->worker;
		stage_launched(&t, id);
		stage_exited(&t, id);
	}
	ck_assert(t.left);
	ck_assert_int_eq(t.exit_code, 1);
	ck_assert_uint_eq(t.told[EVENT_DAEMON_GAVE_UP], 1);
	stage_close(&t);
}
END_TEST

START_TEST(before_the_first_start_succeeded_only_one_slot_is_tried_with_growing_pauses)
{
	struct stage t;
	stage_open(&t, 4);
	stage_feed(&t, (struct herd_event){ .kind = HERD_START });
	msec_t pause[2];
	for (int attempt = 0; attempt < 2; attempt++) {
		ck_assert_uint_eq(stage_orders(&t, ORDER_LAUNCH), 1);
		unsigned id = stage_order(&t, ORDER_LAUNCH)->worker;
		ck_assert_uint_eq(herd_worker(t.herd, id)->slot, 0);
		stage_launched(&t, id);
		stage_exited(&t, id);
		ck_assert_int_eq(stage_number(&t, EVENT_WORKER_FAILED, "attempt"), attempt + 1);
		pause[attempt] = t.herd->slots[0].retry_at - t.now;
		stage_wait(&t, t.herd->slots[0].retry_at);
	}
	ck_assert_int_ge(pause[0], 900);
	ck_assert_int_gt(pause[1], pause[0] + 500);
	ck_assert(!t.left);
	stage_close(&t);
}
END_TEST

START_TEST(a_program_that_can_not_be_started_says_why)
{
	struct stage t;
	stage_open(&t, 1);
	stage_feed(&t, (struct herd_event){ .kind = HERD_START });
	unsigned id = stage_order(&t, ORDER_LAUNCH)->worker;
	stage_feed(&t, (struct herd_event){ .kind = HERD_LAUNCH_FAILED,
					    .worker = id,
					    .text = "bundle: not found in PATH" });
	ck_assert_str_eq(stage_said(&t, EVENT_WORKER_FAILED, "reason"),
			 "bundle: not found in PATH");
	ck_assert_str_eq(t.herd->slots[0].last_reason, "bundle: not found in PATH");
	ck_assert_uint_eq(stage_order(&t, ORDER_FORGET)->worker, id);
	stage_close(&t);
}
END_TEST

START_TEST(no_more_boot_at_a_time_than_boot_concurrency_says)
{
	struct stage t;
	stage_open(&t, 6);
	t.limits.boot_concurrency = 2;
	herd_init(t.herd, &t.held[0], &t.limits);
	stage_feed(&t, (struct herd_event){ .kind = HERD_START });
	unsigned first = stage_order(&t, ORDER_LAUNCH)->worker;
	stage_launched(&t, first);
	stage_answered(&t, first);
	ck_assert_uint_eq(stage_orders(&t, ORDER_LAUNCH), 2);
	unsigned second = stage_order(&t, ORDER_LAUNCH)->worker;
	stage_launched(&t, second);
	ck_assert_uint_eq(stage_orders(&t, ORDER_LAUNCH), 0);
	stage_answered(&t, second);
	ck_assert_uint_eq(stage_orders(&t, ORDER_LAUNCH), 1);
	stage_close(&t);
}
END_TEST

static unsigned booting(const struct stage *t) {
	for (unsigned i = 0; i < t->herd->cells; i++) {
		if (t->herd->workers[i].life.state == WORKER_BOOTING)
			return t->herd->workers[i].id;
	}
	return 0;
}

/* Whoever boots ends at once, for `duration`; returns how often. Never spins. */
static unsigned crash_for(struct stage *t, msec_t duration) {
	unsigned boots = 0, id;
	for (msec_t end = t->now + duration; t->now < end;) {
		if ((id = booting(t)) == 0) {
			stage_wait(t, msec_min(msec_max(herd_deadline(t->herd), t->now), end));
			continue;
		}
		stage_launched(t, id);
		stage_exited(t, id);
		boots++;
	}
	return boots;
}

START_TEST(a_crash_loop_neither_spins_nor_touches_the_healthy)
{
	struct stage t;
	stage_start(&t, 3);
	unsigned healthy[] = { stage_resident(&t, 0)->id, stage_resident(&t, 2)->id };
	stage_exited(&t, stage_resident(&t, 1)->id);
	unsigned boots = crash_for(&t, MSEC_HOUR);
	ck_assert_uint_gt(boots, 50); /* one a minute, and a few at first */
	ck_assert_uint_lt(boots, 80);
	ck_assert_uint_eq(stage_resident(&t, 0)->id, healthy[0]);
	ck_assert_uint_eq(stage_resident(&t, 2)->id, healthy[1]);
	ck_assert_int_eq(stage_resident(&t, 0)->life.state, WORKER_READY);
	ck_assert_uint_eq(t.told[EVENT_HERD_DEGRADED], 1);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], 0);
	ck_assert(!t.left);
	stage_close(&t);
}
END_TEST

START_TEST(a_slot_that_never_comes_up_does_not_hold_the_start_up_for_ever)
{
	struct stage t;
	stage_open(&t, 2);
	stage_feed(&t, (struct herd_event){ .kind = HERD_START });
	unsigned first = stage_order(&t, ORDER_LAUNCH)->worker;
	stage_launched(&t, first);
	stage_answered(&t, first);
	ck_assert_int_eq(t.herd->state, HERD_STARTING);
	unsigned second = stage_order(&t, ORDER_LAUNCH)->worker;
	stage_launched(&t, second);
	stage_exited(&t, second);
	ck_assert_int_eq(t.herd->state, HERD_SERVING);
	ck_assert_uint_eq(t.told[EVENT_HERD_DEGRADED], 1);
	stage_close(&t);
}
END_TEST

START_TEST(who_crash_loops_does_not_keep_the_others_from_being_replaced_softly)
{
	struct stage t;
	stage_start(&t, 3);
	stage_wait(&t, t.now + MSEC_HOUR);
	unsigned old = stage_resident(&t, 0)->id;
	stage_exited(&t, stage_resident(&t, 1)->id);
	for (int i = 0; i < 5; i++)
		stage_read(&t, old, 400 * MIB);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], 0); /* it boots, as far as is known */
	crash_for(&t, 10 * MSEC_SECOND);
	ck_assert_uint_ge(t.herd->slots[1].failures, 3);
	ck_assert_str_eq(stage_said(&t, EVENT_REPLACEMENT_STARTED, "cause"), "soft");
	stage_close(&t);
}
END_TEST

START_TEST(a_worker_that_dies_after_a_good_while_is_replaced_without_a_pause)
{
	struct stage t;
	stage_start(&t, 2);
	stage_wait(&t, t.now + MSEC_HOUR);
	stage_exited(&t, stage_resident(&t, 1)->id);
	ck_assert_uint_eq(stage_orders(&t, ORDER_LAUNCH), 1);
	ck_assert_int_eq(stage_number(&t, EVENT_WORKER_DIED, "retry"), 0);
	stage_close(&t);
}
END_TEST

START_TEST(a_worker_that_dies_young_comes_back_at_once_and_then_after_growing_pauses)
{
	struct stage t;
	stage_start(&t, 2);
	msec_t last = -1;
	for (int death = 0; death < 4; death++) {
		stage_wait(&t, t.now + MSEC_SECOND);
		stage_exited(&t, stage_resident(&t, 1)->id);
		if (death == 0)
			ck_assert_int_eq(stage_number(&t, EVENT_WORKER_DIED, "retry"), 0);
		msec_t retry = stage_number(&t, EVENT_WORKER_DIED, "retry");
		ck_assert_int_gt(retry, last);
		last = retry;
		stage_wait(&t, t.now + retry);
		stage_boot_all(&t);
	}
	stage_close(&t);
}
END_TEST

START_TEST(not_ready_in_time_means_term_then_kill_then_another_try)
{
	struct stage t;
	stage_start(&t, 2);
	stage_wait(&t, t.now + MSEC_HOUR);
	stage_exited(&t, stage_resident(&t, 1)->id);
	unsigned id = stage_order(&t, ORDER_LAUNCH)->worker;
	stage_launched(&t, id);
	stage_feed(&t,
		   (struct herd_event){
			   .kind = HERD_REFUSED, .worker = id, .number = 403, .hint = "hosts" });
	stage_feed(&t, (struct herd_event){ .kind = HERD_REFUSED, .worker = id, .number = 403 });
	ck_assert_uint_eq(t.told[EVENT_WORKER_PROBE_REFUSED], 1);
	stage_wait(&t, t.now + t.config.app.boot_timeout);
	ck_assert(stage_signalled(&t, id, SIGTERM));
	stage_wait(&t, t.now + WORKER_ABANDON_GRACE);
	ck_assert(stage_signalled(&t, id, SIGKILL));
	ck_assert_uint_eq(t.told[EVENT_DRAIN_KILLED], 0);
	stage_exited(&t, id);
	const char *reason = stage_said(&t, EVENT_WORKER_FAILED, "reason");
	ck_assert_msg(strstr(reason, "60 s (app.boot_timeout)") != NULL, "%s", reason);
	ck_assert_msg(strstr(reason, "403") != NULL, "%s", reason);
	stage_close(&t);
}
END_TEST

START_TEST(a_probe_that_is_not_answered_in_time_is_told_once_and_in_the_reason)
{
	struct stage t;
	stage_start(&t, 2);
	stage_wait(&t, t.now + MSEC_HOUR);
	stage_exited(&t, stage_resident(&t, 1)->id);
	unsigned id = stage_order(&t, ORDER_LAUNCH)->worker;
	stage_launched(&t, id);
	for (int i = 0; i < 2; i++)
		stage_feed(&t, (struct herd_event){
				       .kind = HERD_REFUSED, .worker = id, .hint = "too late" });
	ck_assert_uint_eq(t.told[EVENT_WORKER_PROBE_REFUSED], 1);
	ck_assert_str_eq(stage_said(&t, EVENT_WORKER_PROBE_REFUSED, "status"), "");
	stage_wait(&t, t.now + t.config.app.boot_timeout);
	stage_exited(&t, id);
	const char *reason = stage_said(&t, EVENT_WORKER_FAILED, "reason");
	ck_assert_msg(strstr(reason, "the probe: too late") != NULL, "%s", reason);
	stage_close(&t);
}
END_TEST

START_TEST(a_worker_that_execs_has_to_prove_itself_again_allocator_included)
{
	struct stage t;
	stage_open(&t, 1);
	t.config.allocator.require = true;
	t.held[0] = t.config;
	stage_feed(&t, (struct herd_event){ .kind = HERD_START });
	unsigned id = stage_order(&t, ORDER_LAUNCH)->worker;
	const struct allocator jemalloc = { .name = "jemalloc", .proof = PROOF_PROVED };
	struct herd_event proof = { .kind = HERD_ALLOCATOR, .worker = id, .allocator = &jemalloc };
	stage_launched(&t, id);
	stage_answered(&t, id);
	ck_assert_uint_eq(stage_orders(&t, ORDER_PROVE), 1);
	ck_assert_uint_eq(herd_serving(t.herd), 0);
	stage_feed(&t, proof);
	ck_assert_uint_eq(herd_serving(t.herd), 1);
	t.now += 10 * MSEC_MINUTE;
	stage_happens(&t, HERD_REBOOTED, id);
	ck_assert_uint_eq(stage_orders(&t, ORDER_PROBE), 1);
	ck_assert_uint_eq(herd_serving(t.herd), 0);
	t.now += MSEC_SECOND;
	stage_answered(&t, id);
	ck_assert_uint_eq(stage_orders(&t, ORDER_PROVE), 1);
	ck_assert_uint_eq(herd_serving(t.herd), 0);
	stage_feed(&t, proof);
	ck_assert_uint_eq(herd_serving(t.herd), 1);
	ck_assert_int_eq(stage_number(&t, EVENT_WORKER_READY, "took"), MSEC_SECOND);
	stage_close(&t);
}
END_TEST

START_TEST(a_worker_that_execs_and_never_comes_back_is_another_failed_boot)
{
	struct stage t;
	stage_start(&t, 2);
	stage_wait(&t, t.now + MSEC_HOUR);
	unsigned id = stage_resident(&t, 1)->id;
	stage_happens(&t, HERD_REBOOTED, id);
	ck_assert_uint_eq(t.told[EVENT_HERD_DEGRADED], 1);
	stage_wait(&t, t.now + t.config.app.boot_timeout);
	ck_assert(stage_signalled(&t, id, SIGTERM));
	stage_exited(&t, id);
	ck_assert_uint_eq(t.told[EVENT_WORKER_FAILED], 1);
	stage_wait(&t, t.now + 2 * MSEC_SECOND);
	stage_boot_all(&t);
	ck_assert_uint_eq(herd_serving(t.herd), 2);
	ck_assert_uint_eq(t.told[EVENT_HERD_OK], 1);
	stage_close(&t);
}
END_TEST

START_TEST(more_workers_after_a_reload_are_booted_fewer_are_let_go_quietly)
{
	struct stage t;
	stage_start(&t, 2);
	t.limits.workers = 4;
	stage_reload(&t);
	ck_assert_uint_eq(stage_orders(&t, ORDER_LAUNCH), 2);
	stage_boot_all(&t);
	ck_assert_uint_eq(herd_serving(t.herd), 4);
	unsigned surplus = stage_resident(&t, 3)->id;
	t.limits.workers = 3;
	stage_reload(&t);
	ck_assert(!stage_signalled(&t, surplus, SIGTERM));
	stage_counted(&t, surplus, 5, 0);
	ck_assert(stage_signalled(&t, surplus, SIGTERM));
	stage_exited(&t, surplus);
	ck_assert_uint_eq(herd_serving(t.herd), 3);
	ck_assert_uint_eq(t.told[EVENT_WORKER_DIED], 0);
	ck_assert_uint_eq(stage_orders(&t, ORDER_LAUNCH), 0);
	stage_close(&t);
}
END_TEST

START_TEST(a_slot_that_is_taken_away_in_the_middle_of_its_replacement_leaves_no_replacement)
{
	struct stage t;
	stage_start(&t, 3);
	t.herd->room.boot_peak_bytes = 9000 * MIB;
	stage_read(&t, stage_resident(&t, 2)->id, 700 * MIB);
	ck_assert_str_eq(stage_said(&t, EVENT_REPLACEMENT_STARTED, "order"), "stop first");
	t.limits.workers = 2;
	stage_reload(&t);
	ck_assert_uint_eq(herd_in_flight(t.herd), 0);
	stage_close(&t);
}
END_TEST

START_TEST(a_late_word_of_a_worker_that_is_gone_means_nothing)
{
	static const enum herd_event_kind words[] = {
		HERD_ANSWERED, HERD_REFUSED, HERD_EXITED,  HERD_STOPPED,    HERD_REBOOTED,
		HERD_ALIVE,    HERD_READ,    HERD_COUNTED, HERD_HALF_CLOSED
	};
	struct stage t;
	stage_start(&t, 2);
	unsigned gone = stage_resident(&t, 1)->id;
	t.now += MSEC_HOUR;
	stage_exited(&t, gone);
	stage_boot_all(&t);
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		stage_happens(&t, words[i], gone);
		ck_assert_uint_eq(t.orders->n_told, 0);
	}
	ck_assert_uint_eq(herd_serving(t.herd), 2);
	stage_close(&t);
}
END_TEST

START_TEST(what_a_worker_tells_of_its_own_failing_is_why_its_boot_failed)
{
	struct stage t;
	stage_open(&t, 1);
	stage_feed(&t, (struct herd_event){ .kind = HERD_START });
	unsigned id = stage_resident(&t, 0)->id;
	stage_launched(&t, id);
	stage_feed(&t, (struct herd_event){ .kind = HERD_TOLD,
					    .worker = id,
					    .text = "the hook before_worker_boot: no pool" });
	ck_assert_uint_eq(t.orders->len, 0); /* its end comes by itself */
	stage_exited(&t, id);
	ck_assert_str_eq(stage_said(&t, EVENT_WORKER_FAILED, "reason"),
			 "the hook before_worker_boot: no pool");
	t.now += MSEC_MINUTE;
	stage_happens(&t, HERD_DEADLINE, 0);
	id = stage_resident(&t, 0)->id;
	stage_launched(&t, id);
	stage_exited(&t, id); /* the next one has told nothing */
	ck_assert_ptr_nonnull(strstr(stage_said(&t, EVENT_WORKER_FAILED, "reason"),
				     "it ended while booting: exit status 0"));
	stage_close(&t);
}
END_TEST

SUITE("herd", before_the_first_start_succeeded_only_one_slot_is_tried_with_growing_pauses,
      a_program_that_can_not_be_started_says_why, no_more_boot_at_a_time_than_boot_concurrency_says,
      a_crash_loop_neither_spins_nor_touches_the_healthy,
      a_slot_that_never_comes_up_does_not_hold_the_start_up_for_ever,
      who_crash_loops_does_not_keep_the_others_from_being_replaced_softly,
      a_worker_that_dies_after_a_good_while_is_replaced_without_a_pause,
      a_worker_that_dies_young_comes_back_at_once_and_then_after_growing_pauses,
      not_ready_in_time_means_term_then_kill_then_another_try,
      a_probe_that_is_not_answered_in_time_is_told_once_and_in_the_reason,
      a_worker_that_execs_has_to_prove_itself_again_allocator_included,
      a_worker_that_execs_and_never_comes_back_is_another_failed_boot,
      more_workers_after_a_reload_are_booted_fewer_are_let_go_quietly,
      a_slot_that_is_taken_away_in_the_middle_of_its_replacement_leaves_no_replacement,
      a_late_word_of_a_worker_that_is_gone_means_nothing,
      the_first_worker_boots_alone_then_the_others,
      a_worker_over_the_hard_limit_goes_once_its_successor_serves,
      if_the_successor_fails_the_old_one_stays, three_failed_boots_of_a_first_start_end_it,
      what_a_worker_tells_of_its_own_failing_is_why_its_boot_failed)
