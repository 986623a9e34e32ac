/* Who is replaced, how, and how far: scripts of events. */
#include "herd_play.h"

/* Every cell is taken by workers that sit in the kernel and don't go. */
static void fill_cells(struct stage *t) {
	struct herd *h = t->herd;
	for (; h->cells < HERD_WORKERS_MAX; h->cells++)
		h->workers[h->cells] = (struct worker){
			.id = ++h->last_id,
			.slot = HERD_SLOTS_MAX - 1,
			.role = ROLE_LEAVER,
			.pid = t->next_pid++,
			.life = { .state = WORKER_KILLING, .deadline = t->now + MSEC_HOUR },
		};
}

START_TEST(without_a_free_cell_nothing_begins_and_nothing_spins)
{
	struct stage t;
	stage_start(&t, 2);
	fill_cells(&t);
	stage_read(&t, stage_resident(&t, 0)->id, 700 * MIB);
	ck_assert_ptr_null(stage_order(&t, ORDER_LAUNCH));
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], 0);
	stage_close(&t);
}
END_TEST

START_TEST(a_stopped_worker_is_replaced_after_ten_seconds_and_told_to_go_at_once)
{
	struct stage t;
	stage_start(&t, 2);
	unsigned old = stage_resident(&t, 0)->id;
	stage_happens(&t, HERD_STOPPED, old);
	stage_wait(&t, t.now + 9 * MSEC_SECOND);
	stage_happens(&t, HERD_STOPPED, old);
	ck_assert_ptr_null(herd_successor(t.herd, 0));
	stage_wait(&t, t.now + MSEC_SECOND);
	ck_assert_str_eq(stage_said(&t, EVENT_REPLACEMENT_STARTED, "cause"), "stopped");
	ck_assert_uint_eq(t.told[EVENT_WORKER_STOPPED], 1);
	stage_bring_up(&t, 0);
	ck_assert(stage_signalled(&t, old, SIGTERM));
	ck_assert(stage_signalled(&t, old, SIGCONT));
	stage_close(&t);
}
END_TEST

START_TEST(a_worker_that_goes_on_within_ten_seconds_stays)
{
	struct stage t;
	stage_start(&t, 2);
	stage_happens(&t, HERD_STOPPED, stage_resident(&t, 0)->id);
	stage_wait(&t, t.now + 9 * MSEC_SECOND);
	stage_happens(&t, HERD_CONTINUED, stage_resident(&t, 0)->id);
	stage_wait(&t, t.now + MSEC_MINUTE);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], 0);
	stage_close(&t);
}
END_TEST

static void stage_asks_liveness(struct stage *t) {
	stage_start(t, 2);
	t->config.app.probe.liveness = 10 * MSEC_SECOND;
	stage_reload(t);
}

START_TEST(a_hung_worker_is_told_once_and_replaced)
{
	struct stage t;
	stage_asks_liveness(&t);
	unsigned hung = stage_resident(&t, 0)->id, fine = stage_resident(&t, 1)->id;
	for (msec_t end = t.now + 69 * MSEC_SECOND; t.now < end;) {
		stage_wait(&t, t.now + MSEC_SECOND);
		stage_happens(&t, HERD_ALIVE, fine);
	}
	ck_assert_uint_eq(t.told[EVENT_WORKER_HUNG], 0);
	stage_wait(&t, t.now + MSEC_SECOND);
	ck_assert_uint_eq(t.told[EVENT_WORKER_HUNG], 1);
	ck_assert_str_eq(stage_said(&t, EVENT_REPLACEMENT_STARTED, "cause"), "hung");
	stage_bring_up(&t, 0);
	ck_assert(stage_signalled(&t, hung, SIGTERM));
	ck_assert_ptr_null(herd_successor(t.herd, 1));
	stage_close(&t);
}
END_TEST

static void say_something(struct stage *t, enum herd_event_kind kind) {
	for (unsigned slot = 0; slot < 2; slot++)
		stage_happens(t, kind, stage_resident(t, slot)->id);
}

START_TEST(any_answer_and_any_movement_is_a_sign_of_life)
{
	static const enum herd_event_kind signs[] = { HERD_ANSWERED, HERD_REFUSED, HERD_ALIVE };
	for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
		struct stage t;
		stage_asks_liveness(&t);
		for (int minute = 0; minute < 10; minute++) {
			stage_wait(&t, t.now + MSEC_MINUTE);
			say_something(&t, signs[i]);
		}
		ck_assert_uint_eq(t.told[EVENT_WORKER_HUNG], 0);
		ck_assert_uint_eq(t.told[EVENT_WORKER_PROBE_REFUSED], 0);
		stage_close(&t);
	}
}
END_TEST

START_TEST(liveness_that_is_switched_on_judges_no_silence_from_before)
{
	struct stage t;
	stage_start(&t, 2);
	stage_wait(&t, t.now + MSEC_HOUR);
	t.config.app.probe.liveness = 10 * MSEC_SECOND;
	stage_reload(&t);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], 0);
	stage_close(&t);
}
END_TEST

/* Four of 50 MiB, and not more than `total` together (ΣPSS; stage_read() adds 5 MiB to each). */
static void stage_with_total(struct stage *t, uint64_t total) {
	stage_open(t, 4);
	t->limits.total_bytes = total;
	stage_begin(t);
}

START_TEST(for_the_total_the_largest_goes)
{
	struct stage t;
	stage_with_total(&t, 500 * MIB);
	stage_read(&t, stage_resident(&t, 1)->id, 150 * MIB);
	stage_read(&t, stage_resident(&t, 2)->id, 200 * MIB);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], 0);
	stage_read(&t, stage_resident(&t, 3)->id, 130 * MIB);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], 1);
	ck_assert_str_eq(stage_said(&t, EVENT_REPLACEMENT_STARTED, "cause"), "total");
	ck_assert_str_eq(stage_said(&t, EVENT_REPLACEMENT_STARTED, "figure"), "pss");
	ck_assert_int_eq(stage_number(&t, EVENT_REPLACEMENT_STARTED, "slot"), 2);
	ck_assert_int_eq(stage_number(&t, EVENT_REPLACEMENT_STARTED, "value"), 550 * MIB);
	stage_close(&t);
}
END_TEST

START_TEST(after_one_went_for_the_total_another_goes_only_on_fresh_figures)
{
	struct stage t;
	stage_with_total(&t, 500 * MIB);
	for (unsigned slot = 1; slot < 4; slot++)
		stage_read(&t, stage_resident(&t, slot)->id, 180 * MIB + slot * MIB);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], 1);
	unsigned old = stage_resident(&t, 3)->id, fresh = stage_bring_up(&t, 3);
	t.now += MSEC_SECOND;
	stage_exited(&t, old);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_DONE], 1);
	t.now += MSEC_SECOND;
	stage_read(&t, fresh, 50 * MIB);
	stage_read(&t, stage_resident(&t, 1)->id, 250 * MIB);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], 1);
	stage_read(&t, stage_resident(&t, 0)->id, 50 * MIB);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], 1);
	stage_read(&t, stage_resident(&t, 2)->id, 182 * MIB);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], 2);
	ck_assert_int_eq(stage_number(&t, EVENT_REPLACEMENT_STARTED, "slot"), 1);
	stage_close(&t);
}
END_TEST

START_TEST(a_worker_that_boots_does_not_hide_that_the_total_is_crossed)
{
	struct stage t;
	stage_with_total(&t, 500 * MIB);
	stage_exited(&t, stage_resident(&t, 0)->id);
	stage_wait(&t, t.now + 2 * MSEC_SECOND);
	stage_launched(&t, stage_resident(&t, 0)->id);
	stage_tick(&t, 100 * MIB);
	for (unsigned slot = 1; slot < 4; slot++)
		stage_read(&t, stage_resident(&t, slot)->id, 200 * MIB);
	ck_assert_str_eq(stage_said(&t, EVENT_REPLACEMENT_STARTED, "cause"), "total");
	stage_close(&t);
}
END_TEST

START_TEST(a_surge_is_not_taken_for_the_herd_having_grown)
{
	struct stage t;
	stage_open(&t, 2);
	t.limits.total_bytes = 1500 * MIB;
	t.config.restart.max_surge = 2;
	stage_begin(&t);
	stage_read(&t, stage_resident(&t, 1)->id, 590 * MIB);
	stage_read(&t, stage_resident(&t, 0)->id, 700 * MIB);
	stage_read(&t, stage_bring_up(&t, 0), 400 * MIB);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], 1);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_WAITS], 0);
	stage_close(&t);
}
END_TEST

SUITE("herd_replace", for_the_total_the_largest_goes,
      after_one_went_for_the_total_another_goes_only_on_fresh_figures,
      a_worker_that_boots_does_not_hide_that_the_total_is_crossed,
      a_surge_is_not_taken_for_the_herd_having_grown,
      without_a_free_cell_nothing_begins_and_nothing_spins,
      a_stopped_worker_is_replaced_after_ten_seconds_and_told_to_go_at_once,
      a_worker_that_goes_on_within_ten_seconds_stays, a_hung_worker_is_told_once_and_replaced,
      any_answer_and_any_movement_is_a_sign_of_life,
      liveness_that_is_switched_on_judges_no_silence_from_before)
