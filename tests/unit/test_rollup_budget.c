#include "core/rollup_budget.h"

#include "suite.h"

#define USUAL       100 /* 1 %: 600 ms a minute */
#define BUCKET_USEC 600000

START_TEST(a_quiet_herd_may_read_a_minutes_worth_at_once)
{
	struct rollup_budget b = { .share = USUAL };
	ck_assert(budget_may(&b, 1000, BUCKET_USEC));
	for (int i = 0; i < 60; i++) {
		ck_assert(budget_may(&b, 1000, 10000));
		budget_spent(&b, 10000, 1000);
	}
	ck_assert(!budget_may(&b, 1000, 10000));
}
END_TEST

START_TEST(the_share_is_what_is_spent_in_the_long_run)
{
	static const unsigned shares[] = { 1, 10, 100, 1000 };
	for (size_t i = 0; i < ARRAY_LEN(shares); i++) {
		struct rollup_budget b = { .share = shares[i] };
		uint64_t spent = 0;
		for (msec_t now = 0; now < 10 * MSEC_HOUR; now += 250) {
			while (budget_may(&b, now, 7000)) {
				budget_spent(&b, 7000, now);
				spent += 7000;
			}
		}
		uint64_t fair = (uint64_t)(10 * MSEC_HOUR) * shares[i] / 10;
		ck_assert_uint_ge(spent, fair * 98 / 100);
		ck_assert_uint_le(spent, fair * 102 / 100 + 7000);
	}
}
END_TEST

/* When the only candidate may be read. */
static msec_t alone_at(struct rollup_budget *b, uint64_t expected_usec, msec_t now) {
	struct budget_candidate c = { .id = 1, .expected_usec = expected_usec };
	return budget_pick(b, &c, 1, now).at;
}

START_TEST(a_picked_one_is_due_at_the_first_moment_that_may)
{
	struct rollup_budget b = { .share = USUAL };
	budget_spent(&b, BUCKET_USEC + 5000, 1000);
	msec_t at = alone_at(&b, 20001, 1000);
	ck_assert_int_eq(at, 1000 + 2501); /* 10 µs a millisecond */
	ck_assert(!budget_may(&b, at - 1, 20001));
	ck_assert(budget_may(&b, at, 20001));
}
END_TEST

START_TEST(a_reading_larger_than_the_bucket_is_late_not_never)
{
	struct rollup_budget b = { .share = 1 };
	budget_spent(&b, 1000, 0);
	msec_t at = alone_at(&b, UINT64_MAX, 0);
	ck_assert_int_le(at, MSEC_MINUTE);
	ck_assert(budget_may(&b, at, UINT64_MAX));
}
END_TEST

START_TEST(no_share_is_no_bound)
{
	struct rollup_budget b = { 0 };
	budget_spent(&b, 1000000, 5);
	ck_assert(budget_may(&b, 5, UINT64_MAX));
	ck_assert_int_eq(alone_at(&b, UINT64_MAX, 5), 5);
}
END_TEST

START_TEST(a_clock_that_stands_or_jumps_does_no_harm)
{
	struct rollup_budget b = { .share = 10000 };
	budget_spent(&b, UINT64_MAX, 1000);
	ck_assert(!budget_may(&b, 0, 1));
	ck_assert(budget_may(&b, INT64_MAX - 1, 1));
}
END_TEST

START_TEST(the_stalest_goes_first)
{
	struct rollup_budget b = { .share = USUAL };
	struct budget_candidate c[] = {
		{ .id = 1, .last_dear_at = 5000, .expected_usec = 10000 },
		{ .id = 2, .last_dear_at = 2000, .expected_usec = 10000 },
		{ .id = 3, .last_dear_at = 4000, .expected_usec = 10000 },
	};
	struct budget_pick pick = budget_pick(&b, c, ARRAY_LEN(c), 10000);
	ck_assert_int_eq(pick.index, 1);
	ck_assert_int_eq(pick.at, 10000);
	c[2].open = true; /* four times 6 s against 8 s */
	ck_assert_int_eq(budget_pick(&b, c, ARRAY_LEN(c), 10000).index, 2);
	c[0].urgent = true;
	ck_assert_int_eq(budget_pick(&b, c, ARRAY_LEN(c), 10000).index, 0);
	c[1].last_dear_at = 0; /* never read at all */
	ck_assert_int_eq(budget_pick(&b, c, ARRAY_LEN(c), 10000).index, 1);
	ck_assert_int_eq(budget_pick(&b, c, 0, 10000).index, -1);
	ck_assert_int_eq(budget_pick(&b, c, 0, 10000).at, MSEC_NEVER);
}
END_TEST

START_TEST(only_the_urgent_borrow_and_not_for_ever)
{
	struct rollup_budget b = { .share = USUAL };
	struct budget_candidate c = { .id = 1, .last_dear_at = 1, .expected_usec = 10000 };
	budget_spent(&b, BUCKET_USEC, 1000);
	ck_assert_int_eq(budget_pick(&b, &c, 1, 1000).at, 2000);
	c.urgent = true;
	ck_assert_int_eq(budget_pick(&b, &c, 1, 1000).at, 1000);
	budget_spent(&b, BUCKET_USEC + 10000, 1000);
	ck_assert_int_eq(budget_pick(&b, &c, 1, 1000).at, 2000);
}
END_TEST

START_TEST(nobody_starves_beside_urgent_and_open_ones)
{
	enum { WORKERS = 8 };
	struct rollup_budget b = { .share = USUAL };
	struct budget_candidate c[WORKERS];
	msec_t longest = 0, now = 1000;
	for (int i = 0; i < WORKERS; i++)
		c[i] = (struct budget_candidate){ .id = (uint64_t)i + 1,
						  .last_dear_at = now,
						  .open = i < 4,
						  .urgent = i == 0,
						  .expected_usec = 30000 };
	while (now < 2 * MSEC_HOUR) {
		struct budget_pick pick = budget_pick(&b, c, WORKERS, now);
		ck_assert_int_ge(pick.at, now);
		now = msec_max(pick.at, now + 1);
		longest = msec_max(longest, now - c[pick.index].last_dear_at);
		budget_spent(&b, 30000, now);
		c[pick.index].last_dear_at = now;
	}
	/* 30 ms each at 1 %: one each 3 s; 16 + 3 × 4 + 4 × 1 shares of that. */
	ck_assert_int_le(longest, 110 * MSEC_SECOND);
}
END_TEST

SUITE("rollup_budget", a_quiet_herd_may_read_a_minutes_worth_at_once,
      the_share_is_what_is_spent_in_the_long_run, a_picked_one_is_due_at_the_first_moment_that_may,
      a_reading_larger_than_the_bucket_is_late_not_never, no_share_is_no_bound,
      a_clock_that_stands_or_jumps_does_no_harm, the_stalest_goes_first,
      only_the_urgent_borrow_and_not_for_ever, nobody_starves_beside_urgent_and_open_ones)
