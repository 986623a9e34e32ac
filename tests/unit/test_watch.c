#include "core/watch.h"

#include "suite.h"
#include "util/msec.h"

#define MIB ((uint64_t)1 << 20)

static const struct watch_rules rules = {
	.figure = FIGURE_USS,
	.soft_bytes = 300 * MIB,
	.hard_bytes = 600 * MIB,
	.strikes = { 3, 5 },
};

static bool cheap(struct watch *w, uint64_t rss, msec_t now) {
	return watch_cheap(w, rss, 0, now, &rules, false);
}

static void dear(struct watch *w, uint64_t uss, msec_t now) {
	const struct memory memory = { .rss_bytes = uss + 100 * MIB,
				       .pss_bytes = uss + 10 * MIB,
				       .uss_bytes = uss };
	watch_dear(w, &memory, now, &rules);
}

START_TEST(a_small_worker_is_judged_by_its_cheap_reading)
{
	struct watch w = { 0 };
	ck_assert(cheap(&w, 200 * MIB, 1000));
	ck_assert_int_eq(w.verdict, CAUSE_NONE);
	ck_assert(!w.over);
	ck_assert(!w.urgent);
}
END_TEST

START_TEST(what_may_be_over_asks_for_the_dear_one)
{
	struct watch w = { 0 };
	ck_assert(!cheap(&w, 350 * MIB, 1000));
	ck_assert(w.wants_dear);
	ck_assert(w.urgent);
	dear(&w, 250 * MIB, 1100);
	ck_assert(!w.wants_dear);
	ck_assert(!w.urgent);
	ck_assert(!w.over);
}
END_TEST

/* Pages that it writes to become its own, at the same RSS. */
START_TEST(one_that_shares_with_a_mold_is_never_calm)
{
	struct watch w = { .forked = true };
	cheap(&w, 200 * MIB, 100000);
	dear(&w, 100 * MIB, 100001);
	ck_assert(!watch_is_calm(&w));
	watch_cheap(&w, 200 * MIB, 0, 100001 + WATCH_SLOW_SCHEDULE, &rules, false);
	ck_assert(w.wants_dear);
}
END_TEST

/* Read at 100001 with an RSS of 200 MiB; what a later cheap reading asks for, for display. */
static bool asks_again(uint64_t rss, uint64_t swap, bool shocked, msec_t after) {
	struct watch w = { 0 };
	cheap(&w, 200 * MIB, 100000);
	ck_assert(w.wants_dear);
	dear(&w, 100 * MIB, 100001);
	if (shocked)
		gate_shock(&w.gate);
	watch_cheap(&w, rss, swap, 100001 + after, &rules, false);
	ck_assert(!w.urgent);
	return w.wants_dear;
}

START_TEST(for_display_it_is_read_once_a_minute)
{
	ck_assert(!asks_again(210 * MIB, 0, false, WATCH_SLOW_SCHEDULE - 1));
	ck_assert(asks_again(210 * MIB, 0, false, WATCH_SLOW_SCHEDULE));
	ck_assert(asks_again(190 * MIB, 0, false, WATCH_SLOW_SCHEDULE));
}
END_TEST

START_TEST(what_lies_still_is_read_every_ten_minutes)
{
	ck_assert(!asks_again(200 * MIB, 0, false, WATCH_CALM_SCHEDULE - 1));
	ck_assert(!asks_again(201 * MIB, 0, false, WATCH_CALM_SCHEDULE - 1));
	ck_assert(!asks_again(199 * MIB, 0, false, WATCH_CALM_SCHEDULE - 1));
	ck_assert(asks_again(200 * MIB, 0, false, WATCH_CALM_SCHEDULE));
	/* To be swapped out is no growth. */
	ck_assert(!asks_again(150 * MIB, 50 * MIB, false, WATCH_SLOW_SCHEDULE));
	ck_assert(asks_again(200 * MIB, 3 * MIB, false, WATCH_SLOW_SCHEDULE));
}
END_TEST

START_TEST(a_siblings_end_is_shown_within_the_minute)
{
	ck_assert(!asks_again(200 * MIB, 0, true, WATCH_SLOW_SCHEDULE - 1));
	ck_assert(asks_again(200 * MIB, 0, true, WATCH_SLOW_SCHEDULE));
}
END_TEST

START_TEST(three_of_five_are_a_soft_verdict)
{
	struct watch w = { 0 };
	dear(&w, 310 * MIB, 1000);
	dear(&w, 310 * MIB, 2000);
	ck_assert_int_eq(w.verdict, CAUSE_NONE);
	ck_assert(w.over);
	dear(&w, 200 * MIB, 3000);
	dear(&w, 310 * MIB, 4000);
	ck_assert_int_eq(w.verdict, CAUSE_SOFT);
	dear(&w, 200 * MIB, 5000);
	dear(&w, 200 * MIB, 6000);
	ck_assert_int_eq(w.verdict, CAUSE_NONE);
}
END_TEST

START_TEST(a_shut_gate_is_a_sample_under_the_limit)
{
	struct watch w = { 0 };
	for (int i = 0; i < 3; i++)
		dear(&w, 310 * MIB, 1000 * (i + 1));
	ck_assert_int_eq(w.verdict, CAUSE_SOFT);
	for (int i = 0; i < 3; i++)
		ck_assert(cheap(&w, 150 * MIB, 10000 + 1000 * i));
	ck_assert_int_eq(w.verdict, CAUSE_NONE);
}
END_TEST

START_TEST(once_over_the_hard_limit_is_enough)
{
	struct watch w = { 0 };
	dear(&w, 600 * MIB, 1000);
	ck_assert_int_eq(w.verdict, CAUSE_NONE);
	dear(&w, 600 * MIB + 1, 2000);
	ck_assert_int_eq(w.verdict, CAUSE_HARD);
	dear(&w, 200 * MIB, 3000);
	ck_assert_int_eq(w.verdict, CAUSE_NONE);
}
END_TEST

START_TEST(where_only_rss_can_be_read_it_is_judged_and_nothing_asked)
{
	struct watch w = { 0 };
	ck_assert(watch_cheap(&w, 500 * MIB, 150 * MIB, 100000, &rules, true));
	ck_assert_int_eq(w.verdict, CAUSE_HARD);
	ck_assert(!w.wants_dear);
}
END_TEST

START_TEST(where_the_figure_is_rss_the_others_are_still_read_for_display)
{
	struct watch_rules by_rss = rules;
	struct watch w = { 0 };
	by_rss.figure = FIGURE_RSS;
	ck_assert(watch_cheap(&w, 650 * MIB, 0, 100000, &by_rss, false));
	ck_assert_int_eq(w.verdict, CAUSE_HARD);
	ck_assert(w.wants_dear);
	const struct memory memory = { 650 * MIB, 600 * MIB, 590 * MIB, 0 };
	watch_dear(&w, &memory, 100100, &by_rss);
	ck_assert_int_eq(w.verdict, CAUSE_HARD);
	watch_cheap(&w, 200 * MIB, 0, 105000, &by_rss, false);
	ck_assert(!w.wants_dear);
}
END_TEST

START_TEST(what_was_swapped_out_counts_and_an_unknown_figure_is_rss)
{
	struct watch w = { 0 };
	watch_note(&w, 100 * MIB, 30 * MIB, 1000);
	ck_assert_uint_eq(watch_figure(&w, FIGURE_USS), 130 * MIB);
	const struct memory memory = {
		.rss_bytes = 100 * MIB,
		.pss_bytes = 60 * MIB,
		.uss_bytes = 50 * MIB,
		.swap_pss_bytes = 20 * MIB,
	};
	watch_dear(&w, &memory, 1100, &rules);
	ck_assert_uint_eq(watch_figure(&w, FIGURE_USS), 70 * MIB);
	ck_assert_uint_eq(watch_figure(&w, FIGURE_PSS), 80 * MIB);
	ck_assert_uint_eq(watch_figure(&w, FIGURE_RSS), 130 * MIB);
}
END_TEST

START_TEST(the_next_limit_is_as_far_as_the_growth_says)
{
	struct watch w = { 0 };
	dear(&w, 100 * MIB, 900);
	for (msec_t i = 0; i < 20; i++)
		cheap(&w, 200 * MIB + (uint64_t)i * MIB, 1000 + i * MSEC_SECOND);
	/* USS was 100 at an RSS of 200; 19 came since: 181 MiB to go at 1 MiB/s. */
	msec_t time = watch_time_to_limit(&w, &rules);
	ck_assert_int_ge(time, 175 * MSEC_SECOND);
	ck_assert_int_le(time, 187 * MSEC_SECOND);
}
END_TEST

START_TEST(new_limits_forget_what_was_judged_by_the_old_ones)
{
	struct watch w = { 0 };
	for (int i = 0; i < 3; i++)
		dear(&w, 310 * MIB, 1000 * (i + 1));
	watch_forget_verdict(&w);
	ck_assert_int_eq(w.verdict, CAUSE_NONE);
	ck_assert_uint_eq(strike_count(&w.strikes, &rules.strikes), 0);
	ck_assert(w.wants_dear);
	ck_assert_uint_eq(watch_figure(&w, FIGURE_USS), 310 * MIB);
}
END_TEST

START_TEST(the_peak_of_a_boot_is_kept)
{
	struct watch w = { 0 };
	watch_note(&w, 400 * MIB, 0, 1000);
	watch_note(&w, 200 * MIB, 0, 2000);
	ck_assert_uint_eq(w.peak_rss_bytes, 400 * MIB);
	dear(&w, 350 * MIB, 3000);
	ck_assert_uint_eq(w.peak_rss_bytes, 450 * MIB);
}
END_TEST

SUITE("watch", a_small_worker_is_judged_by_its_cheap_reading,
      what_may_be_over_asks_for_the_dear_one, one_that_shares_with_a_mold_is_never_calm,
      for_display_it_is_read_once_a_minute, what_lies_still_is_read_every_ten_minutes,
      a_siblings_end_is_shown_within_the_minute, three_of_five_are_a_soft_verdict,
      a_shut_gate_is_a_sample_under_the_limit, once_over_the_hard_limit_is_enough,
      where_only_rss_can_be_read_it_is_judged_and_nothing_asked,
      where_the_figure_is_rss_the_others_are_still_read_for_display,
      what_was_swapped_out_counts_and_an_unknown_figure_is_rss,
      the_next_limit_is_as_far_as_the_growth_says,
      new_limits_forget_what_was_judged_by_the_old_ones, the_peak_of_a_boot_is_kept)
