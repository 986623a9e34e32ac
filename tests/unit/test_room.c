#include "core/room.h"

#include "suite.h"

#define MB(n) ((uint64_t)(n) << 20)

START_TEST(a_boot_must_fit_beside_the_herd)
{
	static const struct {
		uint64_t learned, effective, used, fallback;
		bool fits;
	} rows[] = {
		/* 5 % stay free for what is not in the sum */
		{ MB(300), MB(1000), MB(650), 0, true },
		{ MB(300), MB(1000), MB(651), 0, false },
		{ MB(300), MB(1000), MB(700), 0, false },
		{ MB(300), MB(1000), MB(1200), 0, false },
		{ MB(300), MB(1000), MB(600), MB(900), true }, /* what was learned counts */
		{ 0, MB(1000), MB(700), MB(400), false },
		{ 0, MB(1000), MB(600), MB(300), true },
		{ 0, MB(1000), MB(700), 0, true },
		{ MB(300), 0, MB(700), 0, true },
		{ UINT64_MAX, UINT64_MAX, 1, 0, false },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct room room = { rows[i].learned };
		ck_assert_msg(room_for(&room, rows[i].effective, rows[i].used, rows[i].fallback) ==
				      rows[i].fits,
			      "row %zu", i);
	}
}
END_TEST

START_TEST(a_larger_boot_counts_at_once)
{
	struct room room = { 0 };
	room_learn(&room, MB(300));
	room_learn(&room, MB(450));
	ck_assert_uint_eq(room.boot_peak_bytes, MB(450));
}
END_TEST

START_TEST(one_odd_boot_is_forgotten_slowly)
{
	struct room room = { MB(2000) };
	room_learn(&room, MB(300));
	ck_assert_uint_gt(room.boot_peak_bytes, MB(1700));
	for (int i = 0; i < 24; i++)
		room_learn(&room, MB(300));
	ck_assert_uint_lt(room.boot_peak_bytes, MB(400));
	ck_assert_uint_ge(room.boot_peak_bytes, MB(300));
}
END_TEST

SUITE("room", a_boot_must_fit_beside_the_herd, a_larger_boot_counts_at_once,
      one_odd_boot_is_forgotten_slowly)
