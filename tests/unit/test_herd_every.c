/* restart.every: all are replaced by the clock. */
#include "herd_play.h"

#define EVERY MSEC_HOUR

static void every_start(struct stage *t, unsigned workers, msec_t splay) {
	stage_open(t, workers);
	t->config.restart.every = EVERY;
	t->config.restart.splay = splay;
	stage_begin(t);
}

/* The whole restart, one slot after the other. */
static void goes_round(struct stage *t, unsigned workers) {
	for (unsigned slot = 0; slot < workers; slot++) {
		unsigned old = stage_resident(t, slot)->id;
		stage_bring_up(t, slot);
		ck_assert(stage_signalled(t, old, SIGTERM));
		stage_exited(t, old);
	}
}

START_TEST(it_is_off_unless_asked_for)
{
	struct stage t;
	stage_start(&t, 2);
	ck_assert_int_eq(t.herd->every.due, 0);
	stage_wait(&t, t.now + 48 * MSEC_HOUR);
	ck_assert_uint_eq(t.told[EVENT_RESTART_ASKED], 0);
	stage_close(&t);
}
END_TEST

START_TEST(all_are_replaced_one_after_the_other_and_again)
{
	struct stage t;
	every_start(&t, 3, 0);
	msec_t begun = t.now;
	stage_wait(&t, begun + EVERY - 1);
	ck_assert_uint_eq(t.told[EVENT_RESTART_ASKED], 0);
	for (unsigned round = 1; round <= 3; round++) {
		stage_wait(&t, begun + round * EVERY);
		ck_assert_uint_eq(t.told[EVENT_RESTART_ASKED], round);
		ck_assert_str_eq(stage_said(&t, EVENT_RESTART_ASKED, "by"), "restart.every");
		ck_assert_ptr_null(stage_find_successor(&t, 1));
		goes_round(&t, 3);
		ck_assert_uint_eq(t.told[EVENT_RESTART_DONE], round);
	}
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_DONE], 9);
	stage_close(&t);
}
END_TEST

START_TEST(who_is_younger_than_half_of_it_stays)
{
	struct stage t;
	const unsigned slots[] = { 1 };
	every_start(&t, 3, 0);
	msec_t begun = t.now;
	stage_wait(&t, begun + EVERY / 2 + MSEC_MINUTE);
	stage_restart(&t, slots, 1, false);
	unsigned old = stage_resident(&t, 1)->id;
	stage_bring_up(&t, 1);
	stage_exited(&t, old);
	stage_wait(&t, begun + EVERY);
	ck_assert_str_eq(stage_said(&t, EVENT_RESTART_ASKED, "slots"), "0,2");
	stage_close(&t);
}
END_TEST

START_TEST(a_round_in_which_everybody_is_young_is_none)
{
	struct stage t;
	every_start(&t, 2, 0);
	msec_t begun = t.now;
	stage_wait(&t, begun + EVERY - MSEC_MINUTE);
	stage_deploy(&t, 2);
	goes_round(&t, 2);
	stage_wait(&t, begun + EVERY + MSEC_MINUTE);
	ck_assert_uint_eq(t.told[EVENT_RESTART_ASKED], 1);
	stage_wait(&t, begun + 2 * EVERY);
	ck_assert_uint_eq(t.told[EVENT_RESTART_ASKED], 2);
	stage_close(&t);
}
END_TEST

START_TEST(during_a_restart_of_a_persons_it_waits_for_its_end)
{
	struct stage t;
	const unsigned slots[] = { 0 };
	every_start(&t, 2, 0);
	msec_t begun = t.now;
	stage_wait(&t, begun + EVERY - 1);
	stage_restart(&t, slots, 1, false);
	unsigned old = stage_resident(&t, 0)->id;
	stage_wait(&t, begun + EVERY + MSEC_SECOND);
	ck_assert_uint_eq(t.told[EVENT_RESTART_ASKED], 1);
	stage_bring_up(&t, 0);
	stage_exited(&t, old);
	stage_wait(&t, t.now + MSEC_SECOND);
	ck_assert_uint_eq(t.told[EVENT_RESTART_ASKED], 2);
	ck_assert_str_eq(stage_said(&t, EVENT_RESTART_ASKED, "slots"), "1");
	stage_close(&t);
}
END_TEST

START_TEST(a_round_that_fails_leaves_the_others_until_the_next_one)
{
	struct stage t;
	every_start(&t, 2, 0);
	msec_t begun = t.now;
	stage_wait(&t, begun + EVERY);
	unsigned fresh = stage_find_successor(&t, 0)->id;
	stage_launched(&t, fresh);
	stage_exited(&t, fresh);
	ck_assert_uint_eq(t.told[EVENT_RESTART_DONE], 1);
	ck_assert_int_eq(stage_number(&t, EVENT_RESTART_DONE, "failed"), 1);
	stage_wait(&t, begun + 2 * EVERY - 1);
	ck_assert_uint_eq(t.told[EVENT_RESTART_ASKED], 1);
	stage_wait(&t, begun + 2 * EVERY);
	ck_assert_uint_eq(t.told[EVENT_RESTART_ASKED], 2);
	stage_close(&t);
}
END_TEST

START_TEST(the_splay_is_within_its_bounds_and_not_always_the_same)
{
	struct stage t;
	msec_t least = MSEC_NEVER, most = 0;
	for (uint64_t dice = 0; dice < 200; dice++) {
		stage_open(&t, 1);
		t.config.restart.every = EVERY;
		t.config.restart.splay = MSEC_MINUTE;
		t.held[0] = t.config;
		herd_init(t.herd, &t.held[0], &t.limits);
		t.herd->every.dice = dice;
		stage_feed(&t, (struct herd_event){ .kind = HERD_START });
		msec_t by = t.herd->every.due - t.now - EVERY;
		least = msec_min(least, by);
		most = msec_max(most, by);
		stage_close(&t);
	}
	ck_assert(least >= 0 && least < MSEC_MINUTE / 10);
	ck_assert(most <= MSEC_MINUTE && most > MSEC_MINUTE * 9 / 10);
}
END_TEST

START_TEST(a_reload_that_changes_it_counts_from_then_and_any_other_does_not)
{
	struct stage t;
	every_start(&t, 1, 0);
	msec_t due = t.herd->every.due;
	t.now += MSEC_MINUTE;
	stage_reload(&t);
	ck_assert_int_eq(t.herd->every.due, due);
	t.config.restart.every = 2 * EVERY;
	stage_reload(&t);
	ck_assert_int_eq(t.herd->every.due, t.now + 2 * EVERY);
	t.config.restart.every = 0;
	stage_reload(&t);
	ck_assert_int_eq(t.herd->every.due, 0);
	stage_close(&t);
}
END_TEST

START_TEST(with_fork_worker_all_are_replaced_by_a_new_masters)
{
	struct stage t;
	every_start(&t, 2, 0);
	stage_resident(&t, 0)->stem = true;
	stage_wait(&t, t.now + EVERY);
	const struct order *o = stage_order(&t, ORDER_RENEW);
	ck_assert_ptr_nonnull(o);
	ck_assert_uint_eq(o->worker, stage_resident(&t, 0)->id);
	ck_assert_int_eq(o->number, 1);
	ck_assert_uint_eq(t.told[EVENT_RESTART_ASKED], 0);
	stage_close(&t);
}
END_TEST

START_TEST(it_lifts_no_guard)
{
	struct stage t;
	every_start(&t, 1, 0);
	t.herd->futile[CAUSE_HARD].futile = true;
	stage_wait(&t, t.now + EVERY);
	ck_assert_uint_eq(t.told[EVENT_RESTART_ASKED], 1);
	ck_assert(t.herd->futile[CAUSE_HARD].futile);
	stage_close(&t);
}
END_TEST

SUITE("herd_every", it_is_off_unless_asked_for, all_are_replaced_one_after_the_other_and_again,
      who_is_younger_than_half_of_it_stays, a_round_in_which_everybody_is_young_is_none,
      during_a_restart_of_a_persons_it_waits_for_its_end,
      a_round_that_fails_leaves_the_others_until_the_next_one,
      the_splay_is_within_its_bounds_and_not_always_the_same,
      a_reload_that_changes_it_counts_from_then_and_any_other_does_not,
      with_fork_worker_all_are_replaced_by_a_new_masters, it_lifts_no_guard)
