#include "core/pulse.h"

#include "suite.h"

#define HZ 100

static bool moved(struct pulse *pulse, uint64_t ticks, msec_t now) {
	return pulse_moved(pulse, ticks, HZ, now);
}

/* Found as a deadlocked Puma that was taken for a busy one, once in three runs. */
START_TEST(a_tick_now_and_then_is_no_sign_of_life)
{
	struct pulse pulse = { 0 };
	for (msec_t now = 0; now < 300 * MSEC_SECOND; now += 999)
		ck_assert(!moved(&pulse, (uint64_t)(50 + now / 3000), now));
}
END_TEST

START_TEST(two_hundredths_of_a_processor_are_life_in_every_window)
{
	struct pulse pulse = { 0 };
	msec_t last = 0;
	for (msec_t now = 0; now < 300 * MSEC_SECOND; now += 1000) {
		if (moved(&pulse, (uint64_t)(now / 500), now))
			last = now;
		ck_assert_int_le(now - last, PULSE_WINDOW);
	}
}
END_TEST

START_TEST(work_is_seen_before_the_window_is_over)
{
	struct pulse pulse = { 0 };
	ck_assert(!moved(&pulse, 1000, 0));
	ck_assert(!moved(&pulse, 1010, 1000)); /* exactly a hundredth of ten seconds */
	ck_assert(moved(&pulse, 1011, 2000));
	ck_assert(!moved(&pulse, 1012, 3000)); /* and is counted from there */
}
END_TEST

START_TEST(a_look_that_comes_seldom_judges_the_whole_time)
{
	struct pulse pulse = { 0 };
	ck_assert(!moved(&pulse, 0, 0));
	ck_assert(!moved(&pulse, 60, 60 * MSEC_SECOND));
	ck_assert(moved(&pulse, 60 + 61, 120 * MSEC_SECOND));
}
END_TEST

START_TEST(the_first_look_and_fewer_ticks_say_nothing)
{
	struct pulse pulse = { 0 };
	ck_assert(!moved(&pulse, 5000, 100000));
	ck_assert(!moved(&pulse, 10, 101000));
	ck_assert(moved(&pulse, 100, 102000));
}
END_TEST

SUITE("pulse", a_tick_now_and_then_is_no_sign_of_life,
      two_hundredths_of_a_processor_are_life_in_every_window,
      work_is_seen_before_the_window_is_over, a_look_that_comes_seldom_judges_the_whole_time,
      the_first_look_and_fewer_ticks_say_nothing)
