#include "core/futility.h"

#include "suite.h"

#define MB(n)  ((uint64_t)(n) << 20)
#define MIN(n) ((msec_t)(n)*MSEC_MINUTE)

static struct futility guard(void) {
	return (struct futility){ .min_useful_life = MIN(30) };
}

/* A replacement that comes back over 500 MB `age` after it is ready. */
static enum futility_change lives(struct futility *f, uint64_t id, msec_t ready, msec_t age) {
	futility_replaced(f, id, ready);
	ck_assert_int_eq(futility_fresh(f, id, MB(250), MB(500), ready), FUTILITY_SAME);
	return futility_crossed(f, id, MB(510), MB(500), age, ready + age);
}

static struct futility futile_guard(void) {
	struct futility f = guard();
	for (uint64_t id = 1; id <= 2; id++)
		ck_assert_int_eq(lives(&f, id, MIN(10 * id), MIN(8)), FUTILITY_SAME);
	ck_assert_int_eq(lives(&f, 3, MIN(30), MIN(8)), FUTILITY_BEGAN);
	return f;
}

START_TEST(a_fresh_worker_over_the_limit_is_futile_at_once)
{
	struct futility f = guard();
	ck_assert_int_eq(futility_fresh(&f, 1, MB(500), MB(500), 0), FUTILITY_SAME);
	ck_assert_int_eq(futility_fresh(&f, 2, MB(501), MB(500), 0), FUTILITY_BEGAN);
	ck_assert_int_eq(futility_fresh(&f, 3, MB(520), MB(500), 0), FUTILITY_SAME);
	ck_assert_int_eq(futility_ask(&f, MB(520), MIN(1)), FUTILE_HOLD);
	ck_assert_ptr_nonnull(f.reason);
	ck_assert_uint_eq(futility_suggest(&f), MB(656)); /* 650, rounded up to 16 */
}
END_TEST

START_TEST(three_young_recrossings_are_futile)
{
	struct futility f = futile_guard();
	ck_assert_int_eq(futility_ask(&f, MB(510), MIN(39)), FUTILE_HOLD);
	ck_assert_uint_eq(f.limit_bytes, MB(500));
}
END_TEST

START_TEST(a_slow_honest_leak_is_never_futile)
{
	struct futility f = guard();
	for (uint64_t id = 1; id < 100; id++)
		ck_assert_int_eq(lives(&f, id, MIN(45 * id), MIN(40)), FUTILITY_SAME);
}
END_TEST

START_TEST(one_long_life_between_clears_the_count)
{
	struct futility f = guard();
	for (uint64_t id = 1; id < 60; id++)
		ck_assert_int_eq(lives(&f, id, MIN(45 * id), id % 3 == 0 ? MIN(31) : MIN(5)),
				 FUTILITY_SAME);
}
END_TEST

START_TEST(workers_that_replaced_nobody_are_no_evidence)
{
	struct futility f = guard();
	for (uint64_t id = 1; id < 10; id++) {
		ck_assert_int_eq(futility_fresh(&f, id, MB(250), MB(500), 0), FUTILITY_SAME);
		ck_assert_int_eq(futility_crossed(&f, id, MB(510), MB(500), MIN(5), MIN(5)),
				 FUTILITY_SAME);
	}
}
END_TEST

START_TEST(a_worker_crosses_once_in_its_life)
{
	struct futility f = guard();
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(lives(&f, 7, MIN(1), MIN(5)), FUTILITY_SAME);
	ck_assert_uint_eq(f.recrossed, 1);
}
END_TEST

START_TEST(a_replacement_that_stays_below_ends_it)
{
	struct futility f = futile_guard();
	futility_replaced(&f, 4, MIN(70));
	ck_assert_int_eq(futility_seen(&f, 4, MB(400), 0, MIN(99)), FUTILITY_SAME);
	ck_assert_int_eq(futility_seen(&f, 4, MB(400), 0, MIN(100)), FUTILITY_ENDED);
	ck_assert_int_eq(futility_seen(&f, 4, MB(400), 0, MIN(101)), FUTILITY_SAME);
	ck_assert_int_eq(futility_ask(&f, MB(510), MIN(101)), FUTILE_NO);
	ck_assert_uint_eq(futility_suggest(&f), 0);
}
END_TEST

START_TEST(a_long_life_counts_once_and_not_for_ever)
{
	struct futility f = guard();
	futility_replaced(&f, 1, 0);
	for (uint64_t id = 2; id <= 4; id++) {
		enum futility_change seen = futility_seen(&f, 1, MB(400), 0, MIN(31 + 10 * id));
		ck_assert_int_eq(seen, FUTILITY_SAME);
		ck_assert_int_eq(lives(&f, id, MIN(31 + 10 * id), MIN(5)),
				 id == 4 ? FUTILITY_BEGAN : FUTILITY_SAME);
	}
}
END_TEST

START_TEST(a_spike_of_an_earlier_row_is_no_plateau)
{
	struct futility f = guard();
	futility_replaced(&f, 1, 0);
	ck_assert_int_eq(futility_crossed(&f, 1, MB(3000), MB(500), MIN(5), MIN(5)), FUTILITY_SAME);
	ck_assert_int_eq(lives(&f, 2, MIN(10), MIN(40)), FUTILITY_SAME);
	for (uint64_t id = 3; id <= 4; id++)
		ck_assert_int_eq(lives(&f, id, MIN(60), MIN(5)), FUTILITY_SAME);
	ck_assert_int_eq(lives(&f, 5, MIN(60), MIN(5)), FUTILITY_BEGAN);
	ck_assert_uint_eq(f.plateau_bytes, MB(510));
}
END_TEST

START_TEST(a_leak_of_a_useful_life_clears_the_count_of_young_ones)
{
	struct futility f = futile_guard();
	for (uint64_t id = 4; id < 40; id++) {
		msec_t ready = MIN(40 * id), age = id % 3 == 0 ? MIN(35) : MIN(10);
		ck_assert_int_eq(lives(&f, id, ready, MIN(4)), FUTILITY_SAME);
		ck_assert_int_eq(futility_seen(&f, id, MB(780), (int64_t)MB(900), ready + age),
				 FUTILITY_SAME);
	}
	ck_assert_uint_eq(f.plateau_bytes, MB(510));
}
END_TEST

START_TEST(a_person_or_new_code_ends_it)
{
	struct futility f = futile_guard(), fresh = guard();
	ck_assert_int_eq(futility_clear(&f), FUTILITY_ENDED);
	ck_assert_int_eq(futility_clear(&f), FUTILITY_SAME);
	ck_assert_int_eq(futility_ask(&f, MB(510), MIN(50)), FUTILE_NO);
	ck_assert_int_eq(f.min_useful_life, fresh.min_useful_life);
	/* Those that live on are no evidence either. */
	ck_assert_int_eq(futility_crossed(&f, 3, MB(510), MB(500), MIN(9), MIN(51)), FUTILITY_SAME);
	ck_assert_uint_eq(f.recrossed, 0);
}
END_TEST

START_TEST(tries_become_ever_rarer_up_to_six_hours)
{
	static const int minutes[] = { 30, 60, 120, 240, 360, 360, 360 };
	struct futility f = futile_guard();
	msec_t now = MIN(38);
	for (size_t i = 0; i < ARRAY_LEN(minutes); i++) {
		now += MIN(minutes[i]);
		ck_assert_msg(futility_ask(&f, MB(510), now - 1) == FUTILE_HOLD, "try %zu", i);
		ck_assert_msg(futility_ask(&f, MB(510), now) == FUTILE_TRY, "try %zu", i);
		futility_tried(&f, now);
	}
}
END_TEST

START_TEST(the_plateau_is_what_a_settled_worker_holds)
{
	struct futility f = futile_guard();
	ck_assert_int_eq(futility_seen(&f, 3, MB(560), (int64_t)MB(600), MIN(42)), FUTILITY_SAME);
	ck_assert_uint_eq(f.plateau_bytes, MB(510)); /* still on its way up */
	ck_assert_int_eq(futility_seen(&f, 3, MB(600), (int64_t)MB(10), MIN(60)), FUTILITY_SAME);
	ck_assert_uint_eq(f.plateau_bytes, MB(600));
	ck_assert_uint_eq(futility_suggest(&f), MB(752));
	ck_assert_int_eq(futility_seen(&f, 3, MB(550), -(int64_t)MB(10), MIN(61)), FUTILITY_SAME);
	ck_assert_uint_eq(f.plateau_bytes, MB(600));
}
END_TEST

START_TEST(a_slow_leak_does_not_drag_the_plateau_along)
{
	struct futility f = futile_guard();
	uint64_t size = MB(510);
	msec_t now = MIN(38);
	for (; futility_ask(&f, size, MIN(39)) != FUTILE_LEAK; now += MIN(1), size += MB(20) / 60) {
		ck_assert_int_lt(now, 24 * MSEC_HOUR);
		ck_assert_int_eq(futility_seen(&f, 3, size, (int64_t)MB(20), now), FUTILITY_SAME);
	}
	ck_assert_uint_lt(f.plateau_bytes, MB(540));
}
END_TEST

START_TEST(three_young_leaks_in_a_row_were_the_plateau)
{
	struct futility f = futile_guard();
	for (uint64_t id = 4; id <= 6; id++) {
		ck_assert_int_eq(futility_ask(&f, MB(780), MIN(10 * id)), FUTILE_LEAK);
		ck_assert_int_eq(lives(&f, id, MIN(10 * id), MIN(4)), FUTILITY_SAME);
		for (int tick = 0; tick < 3; tick++)
			ck_assert_int_eq(
				futility_seen(&f, id, MB(780), (int64_t)MB(900), MIN(10 * id + 8)),
				FUTILITY_SAME);
	}
	ck_assert_uint_eq(f.plateau_bytes, MB(780));
	ck_assert_int_eq(futility_ask(&f, MB(800), MIN(69)), FUTILE_TRY);
	futility_tried(&f, MIN(69));
	ck_assert_int_eq(futility_ask(&f, MB(800), MIN(69)), FUTILE_HOLD);
}
END_TEST

START_TEST(of_a_few_megabytes_a_few_more_are_no_leak)
{
	struct futility f = guard();
	ck_assert_int_eq(futility_fresh(&f, 1, MB(2), MB(1), 0), FUTILITY_BEGAN);
	ck_assert_int_eq(futility_ask(&f, MB(4), MIN(1)), FUTILE_HOLD);
	ck_assert_int_eq(futility_ask(&f, MB(18), MIN(1)), FUTILE_HOLD);
	ck_assert_int_eq(futility_ask(&f, MB(19), MIN(1)), FUTILE_LEAK);
}
END_TEST

START_TEST(more_workers_than_places_forget_the_oldest)
{
	struct futility f = guard();
	for (uint64_t id = 1; id <= 10 * FUTILITY_WORKERS; id++)
		futility_replaced(&f, id, MIN(id));
	ck_assert_int_eq(futility_crossed(&f, 1, MB(510), MB(500), MIN(2), MIN(700)),
			 FUTILITY_SAME);
	ck_assert_uint_eq(f.recrossed, 0);
	ck_assert_int_eq(
		futility_crossed(&f, 10 * FUTILITY_WORKERS, MB(510), MB(500), MIN(2), MIN(700)),
		FUTILITY_SAME);
	ck_assert_uint_eq(f.recrossed, 1);
}
END_TEST

START_TEST(near_the_kernel_limit_total_acts_all_the_same)
{
	ck_assert(!futility_total_must_act(MB(940), MB(1000)));
	ck_assert(futility_total_must_act(MB(950), MB(1000)));
	ck_assert(futility_total_must_act(MB(1200), MB(1000)));
	ck_assert(!futility_total_must_act(MB(1200), 0));
}
END_TEST

/* A herd of four on a simulated day: a tick each 5 s, one replacement at a time, 20 s each. */
#define HERD 4

struct app {
	uint64_t limit, fresh, plateau;
	msec_t warms_in;      /* linear, from fresh to plateau */
	uint64_t leak_hourly; /* on top, for ever */
};

struct day {
	struct futility f;
	struct {
		uint64_t id;
		msec_t ready;
		bool crossed;
	} workers[HERD];
	uint64_t next_id, largest;
	unsigned replacements, leaks, tries, began, ended;
	msec_t busy_until;
};

static uint64_t size_at(const struct app *app, msec_t age) {
	uint64_t warm = app->plateau - app->fresh;
	if (age < app->warms_in)
		warm = warm * (uint64_t)age / (uint64_t)app->warms_in;
	return app->fresh + warm + app->leak_hourly * (uint64_t)(age / 1000) / 3600;
}

static int64_t hourly_at(const struct app *app, msec_t age) {
	uint64_t now = size_at(app, age), then = size_at(app, age > MIN(2) ? age - MIN(2) : 0);
	return (int64_t)(now - then) * 30;
}

static void count(struct day *day, enum futility_change change) {
	day->began += change == FUTILITY_BEGAN;
	day->ended += change == FUTILITY_ENDED;
}

static void replace(struct day *day, const struct app *app, size_t i, msec_t now) {
	uint64_t id = day->next_id++;
	day->replacements++;
	day->workers[i].id = id;
	day->workers[i].ready = day->busy_until = now + 20 * MSEC_SECOND;
	day->workers[i].crossed = false;
	futility_replaced(&day->f, id, day->busy_until);
	count(day, futility_fresh(&day->f, id, app->fresh, app->limit, day->busy_until));
}

static void consider(struct day *day, const struct app *app, size_t i, msec_t now) {
	uint64_t id = day->workers[i].id;
	msec_t age = now - day->workers[i].ready;
	if (age < 0)
		return;
	uint64_t size = size_at(app, age);
	day->largest = size > day->largest ? size : day->largest;
	if (size > app->limit && !day->workers[i].crossed) {
		day->workers[i].crossed = true;
		count(day, futility_crossed(&day->f, id, size, app->limit, age, now));
	}
	count(day, futility_seen(&day->f, id, size, hourly_at(app, age), now));
	if (size <= app->limit || now < day->busy_until)
		return;
	enum futile_answer answer = futility_ask(&day->f, size, now);
	if (answer == FUTILE_HOLD)
		return;
	if (answer == FUTILE_TRY)
		futility_tried(&day->f, now);
	day->leaks += answer == FUTILE_LEAK;
	day->tries += answer == FUTILE_TRY;
	replace(day, app, i, now);
}

static struct day live_a_day(const struct app *app) {
	struct day day = { .f = guard(), .next_id = HERD + 1 };
	for (size_t i = 0; i < HERD; i++) {
		day.workers[i].id = i + 1;
		day.workers[i].ready = MSEC_SECOND * (msec_t)(10 * i);
	}
	for (msec_t now = MSEC_MINUTE; now < 24 * MSEC_HOUR; now += 5 * MSEC_SECOND) {
		for (size_t i = 0; i < HERD; i++)
			consider(&day, app, i, now);
	}
	return day;
}

START_TEST(a_warm_plateau_over_the_limit_is_replaced_a_few_times_a_day)
{
	/* Without the guard: every 8 minutes each, over 700 times. */
	struct app app = { MB(500), MB(250), MB(600), MIN(12), 0 };
	struct day day = live_a_day(&app);
	ck_assert_uint_eq(day.began, 1);
	ck_assert_uint_eq(day.ended, 0);
	ck_assert_uint_eq(day.leaks, 0);
	ck_assert_uint_le(day.tries, 6);
	ck_assert_uint_le(day.replacements, 16);
	ck_assert_uint_eq(day.f.plateau_bytes, MB(600));
	ck_assert_uint_eq(futility_suggest(&day.f), MB(752));
}
END_TEST

START_TEST(a_plateau_far_over_the_limit_is_found_in_the_end)
{
	struct app app = { MB(500), MB(250), MB(1500), MIN(12), 0 };
	struct day day = live_a_day(&app);
	ck_assert_uint_eq(day.began, 1);
	ck_assert_uint_le(day.replacements, 30);
	ck_assert_uint_eq(day.f.plateau_bytes, MB(1500));
}
END_TEST

START_TEST(a_limit_below_the_fresh_worker_is_tried_a_few_times_a_day)
{
	struct app app = { MB(200), MB(250), MB(300), MIN(10), 0 };
	struct day day = live_a_day(&app);
	ck_assert_uint_eq(day.began, 1);
	ck_assert_uint_le(day.replacements, 8);
	ck_assert_uint_eq(day.f.plateau_bytes, MB(300));
}
END_TEST

START_TEST(a_leak_that_takes_hours_is_replaced_every_time)
{
	/* 300 → 500 MB in 2 hours: twelve times a day each, but for the last, unfinished one. */
	struct app app = { MB(500), MB(300), MB(300), MIN(1), MB(100) };
	struct day day = live_a_day(&app);
	ck_assert_uint_eq(day.began, 0);
	ck_assert_uint_ge(day.replacements, 11 * HERD);
	ck_assert_uint_le(day.largest, MB(502));
}
END_TEST

START_TEST(a_leak_above_the_futile_plateau_is_replaced_every_time)
{
	/* Warm at 600 over a limit of 500, then 100 MB an hour: beyond 900 MB in 3 hours. */
	struct app app = { MB(500), MB(250), MB(600), MIN(12), MB(100) };
	struct day day = live_a_day(&app);
	ck_assert_uint_eq(day.began, 1);
	ck_assert_uint_ge(day.leaks, 5 * HERD);
	ck_assert_uint_le(day.largest, MB(1100));
	ck_assert_uint_le(day.f.plateau_bytes, MB(720));
}
END_TEST

START_TEST(a_raging_leak_is_slowed_down_to_one_replacement_per_useful_life)
{
	/* 100 MB a minute: what is left of it is for hard and total to catch. */
	struct app app = { MB(500), MB(250), MB(250), MIN(1), MB(6000) };
	struct day day = live_a_day(&app);
	ck_assert_uint_eq(day.began, 1);
	ck_assert_uint_ge(day.replacements, 24 * HERD);
	ck_assert_uint_le(day.replacements, 2 * 24 * HERD);
}
END_TEST

SUITE("futility", a_fresh_worker_over_the_limit_is_futile_at_once,
      three_young_recrossings_are_futile, a_slow_honest_leak_is_never_futile,
      one_long_life_between_clears_the_count, workers_that_replaced_nobody_are_no_evidence,
      a_worker_crosses_once_in_its_life, a_replacement_that_stays_below_ends_it,
      a_long_life_counts_once_and_not_for_ever, a_spike_of_an_earlier_row_is_no_plateau,
      a_leak_of_a_useful_life_clears_the_count_of_young_ones, a_person_or_new_code_ends_it,
      tries_become_ever_rarer_up_to_six_hours, the_plateau_is_what_a_settled_worker_holds,
      a_slow_leak_does_not_drag_the_plateau_along, three_young_leaks_in_a_row_were_the_plateau,
      of_a_few_megabytes_a_few_more_are_no_leak, more_workers_than_places_forget_the_oldest,
      near_the_kernel_limit_total_acts_all_the_same,
      a_warm_plateau_over_the_limit_is_replaced_a_few_times_a_day,
      a_plateau_far_over_the_limit_is_found_in_the_end,
      a_limit_below_the_fresh_worker_is_tried_a_few_times_a_day,
      a_leak_that_takes_hours_is_replaced_every_time,
      a_leak_above_the_futile_plateau_is_replaced_every_time,
      a_raging_leak_is_slowed_down_to_one_replacement_per_useful_life)
