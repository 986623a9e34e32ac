/* fork_worker: the worker that the others are forked from. */
#include "herd_play.h"

/* Three workers; the one in slot 0 forks the others. */
static void stem_start(struct stage *t) {
	stage_start(t, 3);
	stage_resident(t, 0)->stem = true;
	t->herd->restart.since = -MSEC_HOUR;
}

static void read_fat(struct stage *t, unsigned slot) {
	stage_read(t, stage_resident(t, slot)->id, 700 * MIB);
}

static void replaces(struct stage *t, unsigned slot) {
	unsigned old = stage_resident(t, slot)->id;
	stage_bring_up(t, slot);
	ck_assert(stage_signalled(t, old, SIGTERM));
	stage_exited(t, old);
}

START_TEST(one_over_its_limit_is_not_replaced_alone)
{
	struct stage t;
	stem_start(&t);
	read_fat(&t, 0);
	ck_assert_ptr_nonnull(stage_order(&t, ORDER_RENEW));
	ck_assert_uint_eq(stage_order(&t, ORDER_RENEW)->worker, stage_resident(&t, 0)->id);
	ck_assert_ptr_null(stage_order(&t, ORDER_LAUNCH));
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], 0);
	stage_close(&t);
}
END_TEST

START_TEST(who_is_forked_from_it_is_replaced_as_any_other)
{
	struct stage t;
	stem_start(&t);
	read_fat(&t, 1);
	ck_assert_ptr_null(stage_order(&t, ORDER_RENEW));
	replaces(&t, 1);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_DONE], 1);
	stage_close(&t);
}
END_TEST

START_TEST(in_a_restart_of_all_it_is_the_last)
{
	struct stage t;
	stem_start(&t);
	read_fat(&t, 0);
	stage_deploy(&t, 2);
	ck_assert_ptr_null(stage_find_successor(&t, 0));
	replaces(&t, 1);
	ck_assert_ptr_null(stage_find_successor(&t, 0));
	replaces(&t, 2);
	replaces(&t, 0);
	ck_assert_uint_eq(t.told[EVENT_RESTART_DONE], 1);
	ck_assert(!stage_resident(&t, 0)->stem);
	stage_close(&t);
}
END_TEST

START_TEST(while_others_are_restarted_it_waits_for_the_end_of_that)
{
	struct stage t;
	const unsigned slots[] = { 1 };
	stem_start(&t);
	stage_restart(&t, slots, 1, false);
	read_fat(&t, 0);
	ck_assert_ptr_null(stage_order(&t, ORDER_RENEW));
	unsigned old = stage_resident(&t, 1)->id;
	stage_bring_up(&t, 1);
	stage_exited(&t, old);
	ck_assert_uint_eq(t.told[EVENT_RESTART_DONE], 1);
	stage_wait(&t, t.now + MSEC_MINUTE);
	read_fat(&t, 0);
	ck_assert_ptr_nonnull(stage_order(&t, ORDER_RENEW));
	stage_close(&t);
}
END_TEST

START_TEST(after_one_that_has_failed_it_is_left_alone_for_a_while)
{
	struct stage t;
	stem_start(&t);
	read_fat(&t, 0);
	stage_deploy(&t, 2);
	unsigned fresh = stage_successor(&t, 1)->id;
	stage_launched(&t, fresh);
	stage_exited(&t, fresh);
	ck_assert_uint_eq(t.told[EVENT_RESTART_DONE], 1);
	msec_t failed = t.now;
	read_fat(&t, 0);
	ck_assert_ptr_null(stage_order(&t, ORDER_RENEW));
	stage_wait(&t, failed + 11 * MSEC_MINUTE);
	read_fat(&t, 0);
	ck_assert_ptr_nonnull(stage_order(&t, ORDER_RENEW));
	stage_close(&t);
}
END_TEST

SUITE("herd_stem", one_over_its_limit_is_not_replaced_alone,
      who_is_forked_from_it_is_replaced_as_any_other, in_a_restart_of_all_it_is_the_last,
      while_others_are_restarted_it_waits_for_the_end_of_that,
      after_one_that_has_failed_it_is_left_alone_for_a_while)
