/* Readings, and which dear one is next: scripts of events. */
#include <errno.h>

#include "herd_play.h"

static void read_fails(struct stage *t, unsigned worker, int error) {
	stage_feed(t, (struct herd_event){ .kind = HERD_READ, .worker = worker, .error = error });
}

START_TEST(without_permission_the_daemon_neither_reads_again_nor_spins)
{
	struct stage t;
	stage_start(&t, 2);
	struct herd *h = t.herd;
	h->budget.credit = 0; /* the next reading has to wait for its budget */
	h->reading = 0;
	stage_resident(&t, 0)->watch.wants_dear = true;
	stage_happens(&t, HERD_CONTINUED, 0);
	ck_assert_int_gt(h->read_at, t.now);
	ck_assert_int_lt(h->read_at, MSEC_NEVER);
	read_fails(&t, stage_resident(&t, 1)->id, EACCES);
	read_fails(&t, stage_resident(&t, 0)->id, EACCES);
	ck_assert_uint_eq(t.told[EVENT_MEMORY_DEGRADED], 1);
	stage_wait(&t, t.now + MSEC_MINUTE);
	ck_assert_int_gt(herd_deadline(h), t.now);
	ck_assert_ptr_null(stage_order(&t, ORDER_READ));
	stage_close(&t);
}
END_TEST

START_TEST(without_permission_the_limits_hold_for_rss)
{
	struct stage t;
	stage_start(&t, 2);
	read_fails(&t, stage_resident(&t, 0)->id, EACCES);
	stage_tick(&t, 700 * MIB);
	ck_assert_str_eq(stage_said(&t, EVENT_MEMORY_OVER, "figure"), "rss");
	ck_assert_str_eq(stage_said(&t, EVENT_REPLACEMENT_STARTED, "figure"), "rss");
	ck_assert_int_eq(stage_number(&t, EVENT_REPLACEMENT_STARTED, "value"), 700 * MIB);
	stage_close(&t);
}
END_TEST

/* Boots `workers`; the dear readings are left to the test. */
static void stage_unread(struct stage *t, unsigned workers) {
	stage_open(t, workers);
	stage_feed(t, (struct herd_event){ .kind = HERD_START });
	stage_boot_all(t);
}

START_TEST(one_dear_reading_at_a_time_until_everybody_was_read)
{
	struct stage t;
	stage_unread(&t, 4);
	bool seen[HERD_SLOTS_MAX] = { false };
	for (unsigned i = 0; i < 4; i++) {
		unsigned id = t.herd->reading;
		ck_assert_uint_ne(id, 0);
		stage_tick(&t, 60 * MIB);
		ck_assert_uint_eq(stage_orders(&t, ORDER_READ), 0);
		seen[herd_worker(t.herd, id)->slot] = true;
		stage_read(&t, id, 40 * MIB);
	}
	for (unsigned slot = 0; slot < 4; slot++)
		ck_assert(seen[slot]);
	ck_assert_uint_eq(t.herd->reading, 0);
	ck_assert_uint_eq(t.herd->counters.readings, 4);
	stage_close(&t);
}
END_TEST

START_TEST(whose_reading_is_under_way_may_die_and_the_next_is_read)
{
	struct stage t;
	stage_unread(&t, 2);
	unsigned id = t.herd->reading;
	stage_exited(&t, id);
	ck_assert_uint_ne(t.herd->reading, id);
	ck_assert_uint_ne(t.herd->reading, 0);
	stage_read(&t, id, 900 * MIB); /* the late answer of a stranger */
	ck_assert_uint_ne(t.herd->reading, 0);
	stage_close(&t);
}
END_TEST

/* Of a worker that was read with an RSS of 70 MiB and then has `rss`. */
static unsigned readings_for_display(uint64_t rss, msec_t time) {
	struct stage t;
	stage_start(&t, 1);
	unsigned reads = 0;
	for (msec_t end = t.now + time; t.now < end; t.now += 5 * MSEC_SECOND) {
		stage_tick(&t, rss);
		if (stage_orders(&t, ORDER_READ) > 0) {
			reads++;
			stage_read(&t, t.herd->reading, 50 * MIB);
		}
	}
	stage_close(&t);
	return reads;
}

START_TEST(a_small_worker_is_read_for_display_once_a_minute_and_not_at_every_tick)
{
	unsigned reads = readings_for_display(80 * MIB, 10 * MSEC_MINUTE);
	ck_assert_uint_ge(reads, 9);
	ck_assert_uint_le(reads, 11);
}
END_TEST

START_TEST(one_that_sleeps_is_read_for_display_every_ten_minutes)
{
	unsigned reads = readings_for_display(70 * MIB, MSEC_HOUR);
	ck_assert_uint_ge(reads, 5);
	ck_assert_uint_le(reads, 6);
}
END_TEST

/* How many dear readings, each of `usec`, of two workers over their limit in ten minutes. */
static unsigned readings_of(uint64_t usec, unsigned budget) {
	struct stage t;
	unsigned reads = 0;
	stage_open(&t, 2);
	t.config.memory.rollup_budget = budget;
	t.config.restart.rehearse = true;
	stage_begin(&t);
	for (msec_t end = t.now + 10 * MSEC_MINUTE, tick = t.now; t.now < end;) {
		if (t.now >= tick) {
			stage_tick(&t, 500 * MIB);
			tick = t.now + 5 * MSEC_SECOND;
		}
		while (t.herd->reading != 0) {
			struct herd_event event = { .kind = HERD_READ, .worker = t.herd->reading };
			event.read.memory = (struct memory){ .rss_bytes = 500 * MIB,
							     .pss_bytes = 450 * MIB,
							     .uss_bytes = 400 * MIB };
			event.read.took_usec = usec;
			stage_feed(&t, event);
			reads++;
		}
		msec_t next = msec_min(herd_deadline(t.herd), tick);
		stage_wait(&t, next > t.now ? next : t.now + 1);
	}
	stage_close(&t);
	return reads;
}

START_TEST(dear_readings_keep_to_their_budget)
{
	unsigned free = readings_of(200000, 0), bound = readings_of(200000, 100);
	ck_assert_uint_ge(free, 2 * 119);
	/* 1 % of ten minutes is 6 s, and the bucket began full: 33 readings of 200 ms. */
	ck_assert_uint_le(bound, 36);
	ck_assert_uint_ge(bound, 25);
}
END_TEST

START_TEST(a_reading_that_does_not_come_back_is_told_once_and_counted)
{
	struct stage t;
	stage_unread(&t, 2);
	msec_t asked = t.herd->reading_since;
	stage_wait(&t, asked + 10 * MSEC_SECOND - 1);
	ck_assert_uint_eq(t.told[EVENT_MEMORY_OVERDUE], 0);
	stage_wait(&t, asked + 5 * MSEC_MINUTE);
	ck_assert_uint_eq(t.told[EVENT_MEMORY_OVERDUE], 1);
	ck_assert_uint_eq(t.herd->counters.readings_late, 1);
	ck_assert_uint_eq(stage_orders(&t, ORDER_READ), 0);
	stage_read(&t, t.herd->reading, 50 * MIB);
	ck_assert_uint_ne(t.herd->reading, 0); /* and it goes on with the next */
	stage_close(&t);
}
END_TEST

START_TEST(a_failed_reading_is_tried_again_at_a_tick_not_at_once)
{
	struct stage t;
	stage_unread(&t, 1);
	unsigned id = t.herd->reading;
	read_fails(&t, id, ESRCH);
	ck_assert_uint_eq(t.told[EVENT_MEMORY_DEGRADED], 0);
	ck_assert_uint_eq(stage_orders(&t, ORDER_READ), 0);
	ck_assert_int_gt(herd_deadline(t.herd), t.now);
	stage_tick(&t, 400 * MIB);
	ck_assert_uint_eq(stage_orders(&t, ORDER_READ), 1);
	stage_close(&t);
}
END_TEST

START_TEST(the_tick_comes_sooner_when_somebody_grows_towards_a_limit)
{
	struct stage t;
	stage_start(&t, 1);
	unsigned id = stage_resident(&t, 0)->id;
	msec_t interval = t.config.memory.interval;
	for (unsigned i = 0; i < 6; i++) {
		t.now += interval;
		stage_tick(&t, 70 * MIB);
	}
	ck_assert_int_eq(t.herd->next_tick, t.now + interval);
	for (unsigned mib = 70; mib < 320; mib += 30) {
		t.now += MSEC_SECOND;
		stage_tick(&t, mib * MIB);
		stage_read(&t, id, (mib - 20) * MIB);
	}
	ck_assert_int_lt(t.herd->next_tick, t.now + interval);
	ck_assert_int_ge(t.herd->next_tick, t.now + interval / 20);
	stage_close(&t);
}
END_TEST

START_TEST(when_a_sibling_left_what_was_shared_may_be_private_and_is_read_again)
{
	struct stage t;
	stage_start(&t, 2);
	struct worker *w = stage_resident(&t, 0);
	struct herd_event event = { .kind = HERD_READ, .worker = w->id };
	event.read.memory = (struct memory){ .rss_bytes = 500 * MIB,
					     .pss_bytes = 250 * MIB,
					     .uss_bytes = 50 * MIB };
	for (unsigned i = 0; i < 3; i++) { /* the pace of unsharing is learned: none */
		t.now += 10 * MSEC_SECOND;
		stage_feed(&t, event);
	}
	t.now += MSEC_SECOND;
	stage_tick(&t, 500 * MIB);
	ck_assert(!w->watch.urgent); /* RSS is over the limit, USS can't be */
	stage_exited(&t, stage_resident(&t, 1)->id);
	t.now += MSEC_SECOND;
	stage_tick(&t, 500 * MIB);
	ck_assert(w->watch.urgent);
	stage_close(&t);
}
END_TEST

START_TEST(a_program_that_could_not_be_started_is_no_sibling_that_left)
{
	struct stage t;
	stage_start(&t, 2);
	t.now += MSEC_HOUR;
	stage_exited(&t, stage_resident(&t, 1)->id);
	stage_read(&t, stage_resident(&t, 0)->id, 50 * MIB);
	ck_assert(!stage_resident(&t, 0)->watch.gate.shocked);
	stage_feed(&t, (struct herd_event){ .kind = HERD_LAUNCH_FAILED,
					    .worker = stage_resident(&t, 1)->id,
					    .text = "no such file" });
	ck_assert(!stage_resident(&t, 0)->watch.gate.shocked);
	stage_close(&t);
}
END_TEST

START_TEST(each_figure_is_compared_as_configured)
{
	static const struct {
		enum memory_figure figure;
		const char *word;
		uint64_t mib;
	} rows[] = { { FIGURE_USS, "uss", 610 },
		     { FIGURE_PSS, "pss", 620 },
		     { FIGURE_RSS, "rss", 630 } };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct stage t;
		stage_open(&t, 2);
		t.config.memory.figure = rows[i].figure;
		stage_begin(&t);
		unsigned id = stage_resident(&t, 0)->id;
		struct herd_event event = { .kind = HERD_READ, .worker = id };
		event.read.memory = (struct memory){ .rss_bytes = 630 * MIB,
						     .pss_bytes = 620 * MIB,
						     .uss_bytes = 610 * MIB };
		stage_feed(&t, event);
		stage_tick(&t, 630 * MIB);
		ck_assert_str_eq(stage_said(&t, EVENT_REPLACEMENT_STARTED, "figure"), rows[i].word);
		ck_assert_int_eq(stage_number(&t, EVENT_REPLACEMENT_STARTED, "value"),
				 (int64_t)(rows[i].mib * MIB));
		stage_close(&t);
	}
}
END_TEST

START_TEST(new_limits_forget_what_was_judged_by_the_old_ones)
{
	struct stage t;
	stage_open(&t, 2);
	t.config.restart.rehearse = true;
	stage_begin(&t);
	unsigned id = stage_resident(&t, 0)->id;
	stage_read(&t, id, 700 * MIB);
	ck_assert_int_eq(herd_worker(t.herd, id)->watch.verdict, CAUSE_HARD);
	t.limits.hard_bytes = 900 * MIB;
	t.limits.soft_bytes = 800 * MIB;
	stage_reload(&t);
	ck_assert_int_eq(herd_worker(t.herd, id)->watch.verdict, CAUSE_NONE);
	stage_read(&t, id, 700 * MIB);
	ck_assert_int_eq(herd_worker(t.herd, id)->watch.verdict, CAUSE_NONE);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_REHEARSED], 1);
	stage_close(&t);
}
END_TEST

START_TEST(what_a_boot_takes_is_learned_from_its_peak)
{
	struct stage t;
	stage_unread(&t, 1);
	stage_tick(&t, 300 * MIB); /* a moment of its boot */
	t.herd->room.boot_peak_bytes = 0;
	struct herd_event event = { .kind = HERD_READ, .worker = stage_resident(&t, 0)->id };
	event.read.memory = (struct memory){ .rss_bytes = 200 * MIB,
					     .pss_bytes = 150 * MIB,
					     .uss_bytes = 120 * MIB };
	stage_feed(&t, event);
	ck_assert_uint_eq(t.herd->room.boot_peak_bytes, (300 - 80) * MIB);
	stage_close(&t);
}
END_TEST

START_TEST(the_sums_say_whether_every_part_is_known)
{
	struct stage t;
	stage_start(&t, 2);
	struct herd_memory sum = herd_memory(t.herd);
	ck_assert(sum.pss_known);
	ck_assert_uint_eq(sum.pss_bytes, 110 * MIB);
	ck_assert_uint_eq(sum.uss_bytes, 100 * MIB);
	ck_assert_uint_eq(sum.rss_bytes, 140 * MIB);
	t.limits.workers = 3;
	stage_reload(&t);
	stage_boot_all(&t);
	stage_tick(&t, 70 * MIB);
	sum = herd_memory(t.herd);
	ck_assert(!sum.pss_known);
	ck_assert_uint_eq(sum.pss_bytes, 180 * MIB); /* RSS where nothing better is known */
	stage_close(&t);
}
END_TEST

START_TEST(a_total_that_no_replacement_helps_is_futile_though_the_sum_never_falls_below)
{
	struct stage t;
	stage_start(&t, 3);
	t.herd->limits.soft_bytes = t.herd->limits.hard_bytes = 900 * MIB;
	t.herd->limits.total_bytes = 700 * MIB;
	unsigned replaced = 0;
	for (int round = 0; round < 12; round++) {
		t.now += MSEC_MINUTE;
		for (unsigned slot = 0; slot < 3; slot++)
			stage_read(&t, stage_resident(&t, slot)->id,
				   (400 + stage_resident(&t, slot)->id) * MIB);
		for (unsigned slot = 0; slot < 3; slot++) {
			if (stage_find_successor(&t, slot) == NULL)
				continue;
			unsigned old = stage_resident(&t, slot)->id;
			unsigned fresh = stage_bring_up(&t, slot);
			stage_read(&t, fresh, 100 * MIB);
			stage_exited(&t, old);
			replaced++;
		}
	}
	ck_assert(t.herd->futile[CAUSE_TOTAL].futile);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_FUTILE], 1);
	ck_assert_uint_le(replaced, 5);
	stage_close(&t);
}
END_TEST

SUITE("herd_memory", one_dear_reading_at_a_time_until_everybody_was_read,
      whose_reading_is_under_way_may_die_and_the_next_is_read,
      a_small_worker_is_read_for_display_once_a_minute_and_not_at_every_tick,
      one_that_sleeps_is_read_for_display_every_ten_minutes, dear_readings_keep_to_their_budget,
      a_reading_that_does_not_come_back_is_told_once_and_counted,
      a_failed_reading_is_tried_again_at_a_tick_not_at_once,
      the_tick_comes_sooner_when_somebody_grows_towards_a_limit,
      when_a_sibling_left_what_was_shared_may_be_private_and_is_read_again,
      a_program_that_could_not_be_started_is_no_sibling_that_left,
      each_figure_is_compared_as_configured, new_limits_forget_what_was_judged_by_the_old_ones,
      what_a_boot_takes_is_learned_from_its_peak, the_sums_say_whether_every_part_is_known,
      without_permission_the_limits_hold_for_rss,
      without_permission_the_daemon_neither_reads_again_nor_spins,
      a_total_that_no_replacement_helps_is_futile_though_the_sum_never_falls_below)
