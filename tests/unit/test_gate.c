#include "core/gate.h"

#include "suite.h"

#define MB(n) ((uint64_t)(n) << 20)

/* 300 MB of it shared with the mold, 100 MB its own. */
static const struct gate_reading forked = { .rss = MB(400), .pss = MB(160), .uss = MB(100) };

/* Two readings a minute apart; `unshared` turned private without growth. */
static struct gate learned(uint64_t unshared) {
	struct gate g = { 0 };
	struct gate_reading later = forked;
	later.uss += unshared;
	later.pss += unshared / 2;
	gate_learn(&g, &forked, 0);
	gate_learn(&g, &later, MSEC_MINUTE);
	return g;
}

START_TEST(with_nothing_known_rss_and_swap_are_the_bound)
{
	struct gate g = { 0 };
	ck_assert_uint_eq(gate_bound(&g, FIGURE_USS, MB(300), MB(50), 0), MB(350));
	ck_assert(!gate_open(&g, FIGURE_USS, MB(350), MB(300), MB(50), 0));
	ck_assert(gate_open(&g, FIGURE_USS, MB(349), MB(300), MB(50), 0));
}
END_TEST

START_TEST(one_reading_knows_no_pace_yet)
{
	struct gate g = { 0 };
	gate_learn(&g, &forked, 0);
	ck_assert_uint_eq(gate_bound(&g, FIGURE_USS, MB(400), 0, 5000), MB(400));
}
END_TEST

START_TEST(a_forked_worker_that_stays_as_it_is_keeps_the_gate_shut)
{
	struct gate g = learned(0);
	for (msec_t age = 0; age < 9 * MSEC_MINUTE; age += 5000)
		ck_assert(!gate_open(&g, FIGURE_USS, MB(110), MB(400), 0, MSEC_MINUTE + age));
}
END_TEST

START_TEST(growth_counts_as_private)
{
	struct gate g = learned(0);
	uint64_t bound = gate_bound(&g, FIGURE_USS, MB(420), 0, MSEC_MINUTE + 5000);
	ck_assert_uint_ge(bound, MB(120));
	ck_assert_uint_le(bound, MB(121));
	/* What shrank may have been shared: no credit for it. */
	ck_assert_uint_ge(gate_bound(&g, FIGURE_USS, MB(350), 0, MSEC_MINUTE + 5000), MB(100));
}
END_TEST

START_TEST(unsharing_is_expected_at_four_times_the_learned_pace)
{
	struct gate g = learned(MB(6)); /* 6 MB a minute */
	uint64_t bound = gate_bound(&g, FIGURE_USS, MB(400), 0, 2 * MSEC_MINUTE);
	ck_assert_uint_ge(bound, MB(106 + 24));
	ck_assert_uint_le(bound, MB(106 + 25));
}
END_TEST

START_TEST(a_burst_of_unsharing_is_forgotten_little_by_little)
{
	struct gate g = learned(MB(60));
	uint64_t before = g.rate.uss;
	struct gate_reading same = g.last;
	for (int i = 2; i < 40; i++) {
		gate_learn(&g, &same, i * MSEC_MINUTE);
		ck_assert_uint_lt(g.rate.uss, before);
		ck_assert_uint_ge(g.rate.uss, before * 7 / 8);
		before = g.rate.uss;
	}
	ck_assert(!gate_open(&g, FIGURE_USS, MB(170), MB(400), 0, 40 * MSEC_MINUTE));
}
END_TEST

START_TEST(no_more_than_rss_can_be_private)
{
	struct gate g = learned(MB(60));
	ck_assert_uint_eq(gate_bound(&g, FIGURE_USS, MB(400), 0, 9 * MSEC_MINUTE), MB(400));
	ck_assert_uint_eq(gate_bound(&g, FIGURE_USS, MB(90), 0, MSEC_MINUTE), MB(90));
}
END_TEST

START_TEST(an_old_reading_proves_nothing)
{
	struct gate g = learned(0);
	ck_assert_uint_eq(gate_bound(&g, FIGURE_USS, MB(400), 0, 11 * MSEC_MINUTE), MB(400));
}
END_TEST

START_TEST(a_shock_opens_it_until_the_next_reading)
{
	struct gate g = learned(0);
	gate_shock(&g);
	ck_assert_uint_eq(gate_bound(&g, FIGURE_USS, MB(400), 0, MSEC_MINUTE), MB(400));
	struct gate_reading alone = forked;
	alone.pss = alone.uss = MB(390);
	gate_learn(&g, &alone, 2 * MSEC_MINUTE);
	/* The jump is known now, and is no pace. */
	ck_assert_uint_le(gate_bound(&g, FIGURE_USS, MB(400), 0, 2 * MSEC_MINUTE + 5000), MB(391));
}
END_TEST

START_TEST(being_swapped_out_is_no_growth)
{
	struct gate g = learned(0);
	uint64_t bound = gate_bound(&g, FIGURE_USS, MB(300), MB(100), MSEC_MINUTE);
	ck_assert_uint_le(bound, MB(101));
	/* A preloaded heap in swap is in the VmSwap of every worker. */
	struct gate s = { 0 };
	struct gate_reading swapped = { MB(200), MB(120), MB(80), MB(200), MB(20) };
	gate_learn(&s, &swapped, 0);
	gate_learn(&s, &swapped, MSEC_MINUTE);
	ck_assert_uint_le(gate_bound(&s, FIGURE_USS, MB(200), MB(200), MSEC_MINUTE), MB(101));
	ck_assert_uint_le(gate_bound(&s, FIGURE_PSS, MB(200), MB(200), MSEC_MINUTE), MB(141));
}
END_TEST

START_TEST(rss_is_bounded_by_itself)
{
	struct gate g = learned(0);
	ck_assert_uint_eq(gate_bound(&g, FIGURE_RSS, MB(410), 0, MSEC_MINUTE), MB(410));
}
END_TEST

START_TEST(a_lagging_kernel_widens_it)
{
	struct gate g = learned(0);
	g.slack_bytes = MB(4);
	ck_assert_uint_ge(gate_bound(&g, FIGURE_USS, MB(400), 0, MSEC_MINUTE), MB(104));
	ck_assert_uint_eq(gate_bound(&g, FIGURE_RSS, MB(400), 0, MSEC_MINUTE), MB(404));
}
END_TEST

START_TEST(only_the_kernels_that_lag_have_slack)
{
	static const struct {
		unsigned major, minor, processors;
		uint64_t slack;
	} rows[] = {
		{ 5, 15, 8, 0 },
		{ 6, 1, 8, 0 },
		{ 6, 2, 8, 3 * 32 * 8 * 4096 },
		{ 6, 15, 64, 3 * 128 * 64 * 4096 },
		{ 6, 16, 8, 0 },
		{ 7, 5, 8, 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_uint_eq(
			gate_slack(rows[i].major, rows[i].minor, rows[i].processors, 4096),
			rows[i].slack);
}
END_TEST

/*
 * A simulated worker, forked from a 300 MB mold: it unshares quickly at first, then ever more
 * slowly, and leaks a little. The bound must never be below the truth, and must save readings.
 */
START_TEST(the_bound_holds_for_a_forked_worker_and_saves_readings)
{
	struct gate g = { 0 };
	double shared = (double)MB(300), own = (double)MB(30);
	unsigned ticks = 0, dear = 0;
	for (msec_t now = 0; now < 4 * MSEC_HOUR; now += 5 * MSEC_SECOND) {
		double unshares = (shared - (double)MB(150)) * 5 / 600;
		shared -= unshares;
		own += unshares + (double)MB(10) * 5 / 3600;
		struct gate_reading truth = { .rss = (uint64_t)(shared + own),
					      .pss = (uint64_t)(own + shared / 5),
					      .uss = (uint64_t)own };
		uint64_t bound = gate_bound(&g, FIGURE_USS, truth.rss, 0, now);
		ck_assert_msg(bound >= truth.uss, "at %ld ms", (long)now);
		ticks++;
		if (gate_open(&g, FIGURE_USS, MB(300), truth.rss, 0, now)) {
			gate_learn(&g, &truth, now);
			dear++;
		}
	}
	/* RSS alone would have opened it at each of the 2880 ticks. */
	ck_assert_uint_lt(dear, ticks / 20);
}
END_TEST

SUITE("gate", with_nothing_known_rss_and_swap_are_the_bound, one_reading_knows_no_pace_yet,
      a_forked_worker_that_stays_as_it_is_keeps_the_gate_shut, growth_counts_as_private,
      unsharing_is_expected_at_four_times_the_learned_pace,
      a_burst_of_unsharing_is_forgotten_little_by_little, no_more_than_rss_can_be_private,
      an_old_reading_proves_nothing, a_shock_opens_it_until_the_next_reading,
      being_swapped_out_is_no_growth, rss_is_bounded_by_itself, a_lagging_kernel_widens_it,
      only_the_kernels_that_lag_have_slack, the_bound_holds_for_a_forked_worker_and_saves_readings)
