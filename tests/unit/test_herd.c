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

SUITE("herd", the_first_worker_boots_alone_then_the_others,
      a_worker_over_the_hard_limit_goes_once_its_successor_serves,
      if_the_successor_fails_the_old_one_stays, three_failed_boots_of_a_first_start_end_it)
