#include "core/backoff.h"

#include "suite.h"

START_TEST(delays_double_up_to_a_minute)
{
	static const msec_t around[] = { 0,     1000,  2000,  4000,  8000,
					 16000, 32000, 60000, 60000, 60000 };
	for (unsigned failures = 0; failures < sizeof around / sizeof around[0]; failures++) {
		for (uint32_t seed = 0; seed < 100; seed++) {
			msec_t delay = backoff_delay(failures, seed);
			ck_assert_int_ge(delay, around[failures] * 9 / 10);
			ck_assert_int_le(delay, around[failures] * 11 / 10);
		}
	}
	ck_assert_int_le(backoff_delay(UINT32_MAX, 1), 66 * MSEC_SECOND);
}
END_TEST

START_TEST(the_same_question_has_the_same_answer)
{ ck_assert_int_eq(backoff_delay(3, 2), backoff_delay(3, 2)); }
END_TEST

START_TEST(slots_that_failed_together_do_not_boot_together)
{
	for (unsigned failures = 2; failures < 10; failures++) {
		for (uint32_t slot = 0; slot < 7; slot++)
			ck_assert_int_ne(backoff_delay(failures, slot),
					 backoff_delay(failures, slot + 1));
	}
}
END_TEST

START_TEST(the_spread_is_used_and_not_one_sided)
{
	msec_t least = MSEC_NEVER, most = 0;
	for (uint32_t seed = 0; seed < 50; seed++) {
		least = msec_min(least, backoff_delay(9, seed));
		most = msec_max(most, backoff_delay(9, seed));
	}
	ck_assert_int_lt(least, 56 * MSEC_SECOND);
	ck_assert_int_gt(most, 64 * MSEC_SECOND);
}
END_TEST

SUITE("backoff", delays_double_up_to_a_minute, the_same_question_has_the_same_answer,
      slots_that_failed_together_do_not_boot_together, the_spread_is_used_and_not_one_sided)
