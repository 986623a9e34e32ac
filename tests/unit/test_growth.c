#include "core/growth.h"

#include "suite.h"

#define MB(n) ((uint64_t)(n) << 20)

static void ck_assert_about(int64_t actual, int64_t expected) {
	int64_t off = actual > expected ? actual - expected : expected - actual;
	ck_assert_msg(off <= expected / 50 + 1, "%ld is not about %ld", (long)actual,
		      (long)expected);
}

/* One reading each 5 s, from `from` on. */
static struct growth grown(uint64_t from, uint64_t per_tick, unsigned ticks) {
	struct growth g = { 0 };
	for (unsigned i = 0; i < ticks; i++)
		growth_note(&g, from + i * per_tick, 1000 + 5 * MSEC_SECOND * (msec_t)i);
	return g;
}

START_TEST(nothing_known_is_no_growth)
{
	struct growth g = { 0 };
	ck_assert_int_eq(growth_bytes_per_second(&g), 0);
	ck_assert_int_eq(growth_time_to(&g, MB(1), MB(2)), MSEC_NEVER);
	growth_note(&g, MB(1), 0);
	growth_note(&g, MB(100), 5000);
	ck_assert_int_eq(growth_bytes_per_second(&g), 0); /* two readings are no trend */
}
END_TEST

START_TEST(steady_growth_is_measured)
{
	for (unsigned ticks = 3; ticks < 1000; ticks += 7) {
		struct growth g = grown(MB(200), MB(5), ticks);
		ck_assert_about(growth_bytes_per_second(&g), (int64_t)MB(1));
		ck_assert_about(growth_bytes_per_hour(&g), (int64_t)MB(3600));
	}
}
END_TEST

START_TEST(the_time_to_a_limit_follows_from_it)
{
	struct growth g = grown(MB(200), MB(5), 20);
	ck_assert_about(growth_time_to(&g, MB(300), MB(360)), 60 * MSEC_SECOND);
	ck_assert_int_eq(growth_time_to(&g, MB(360), MB(360)), 0);
	ck_assert_int_eq(growth_time_to(&g, MB(400), MB(360)), 0);
	ck_assert_int_eq(growth_time_at((int64_t)MB(2), MB(300), MB(360)), 30 * MSEC_SECOND);
	ck_assert_int_eq(growth_time_at(-1, MB(300), MB(360)), MSEC_NEVER);
	ck_assert_int_eq(growth_time_at(1, 0, UINT64_MAX), MSEC_NEVER);
}
END_TEST

START_TEST(what_shrinks_never_gets_there)
{
	struct growth g = { 0 };
	for (unsigned i = 0; i < 40; i++)
		growth_note(&g, MB(500) - i * MB(1), 5 * MSEC_SECOND * (msec_t)i);
	ck_assert_int_lt(growth_bytes_per_second(&g), 0);
	ck_assert_int_lt(growth_bytes_per_hour(&g), 0);
	ck_assert_int_eq(growth_time_to(&g, MB(460), MB(500)), MSEC_NEVER);
}
END_TEST

START_TEST(one_large_request_is_no_trend)
{
	for (unsigned odd = 0; odd < 16; odd++) {
		struct growth g = { 0 };
		for (unsigned i = 0; i < 16; i++)
			growth_note(&g, MB(300) + (i == odd ? MB(200) : 0),
				    5 * MSEC_SECOND * (msec_t)i);
		ck_assert_msg(growth_bytes_per_second(&g) == 0, "the odd one is %u", odd);
	}
}
END_TEST

START_TEST(garbage_collection_does_not_hide_a_leak)
{
	/* A saw-tooth of 20 MB over a leak of 60 MB an hour. */
	struct growth g = { 0 };
	for (unsigned i = 0; i < 720; i++)
		growth_note(&g, MB(300) + i * MB(1) / 12 + (i % 7) * MB(3),
			    5 * MSEC_SECOND * (msec_t)i);
	ck_assert_int_gt(growth_bytes_per_hour(&g), (int64_t)MB(35));
	ck_assert_int_lt(growth_bytes_per_hour(&g), (int64_t)MB(85));
}
END_TEST

START_TEST(a_sudden_leak_is_seen_within_a_minute)
{
	struct growth g = { 0 };
	msec_t now = 0;
	uint64_t bytes = MB(300);
	for (; now < MSEC_HOUR; now += 5 * MSEC_SECOND)
		growth_note(&g, bytes, now);
	for (msec_t until = now + MSEC_MINUTE; now < until; now += 5 * MSEC_SECOND)
		growth_note(&g, bytes += MB(50), now);
	ck_assert_int_gt(growth_bytes_per_second(&g), (int64_t)MB(9));
	ck_assert_int_lt(growth_time_to(&g, bytes, bytes + MB(50)), 6 * MSEC_SECOND);
}
END_TEST

START_TEST(a_warmed_up_worker_is_seen_to_be_flat)
{
	struct growth g = { 0 };
	msec_t now = 0;
	for (; now < 10 * MSEC_MINUTE; now += 5 * MSEC_SECOND)
		growth_note(&g, MB(250) + (uint64_t)now * 600, now);
	for (; now < 45 * MSEC_MINUTE; now += 5 * MSEC_SECOND)
		growth_note(&g, MB(600), now);
	ck_assert_int_eq(growth_bytes_per_hour(&g), 0);
}
END_TEST

START_TEST(readings_of_the_same_moment_count_once)
{
	struct growth g = { 0 };
	for (unsigned i = 0; i < 10; i++)
		growth_note(&g, MB(i), 7);
	ck_assert_int_eq(growth_bytes_per_second(&g), 0);
	ck_assert_uint_eq(g.near.seen, 1);
}
END_TEST

SUITE("growth", nothing_known_is_no_growth, steady_growth_is_measured,
      the_time_to_a_limit_follows_from_it, what_shrinks_never_gets_there,
      one_large_request_is_no_trend, garbage_collection_does_not_hide_a_leak,
      a_sudden_leak_is_seen_within_a_minute, a_warmed_up_worker_is_seen_to_be_flat,
      readings_of_the_same_moment_count_once)
