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
	ck_assert_ptr_null(stage_find_successor(&t, 0));
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
	ck_assert_ptr_null(stage_find_successor(&t, 1));
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
	t->config.restart.max_surge = 2; /* or that alone would keep the second one back */
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

START_TEST(what_was_given_back_is_told_when_the_new_one_was_measured)
{
	for (int measured = 0; measured < 2; measured++) {
		struct stage t;
		stage_start(&t, 1);
		stage_restart(&t, NULL, 0, true);
		unsigned old = stage_resident(&t, 0)->id, fresh = stage_bring_up(&t, 0);
		stage_tick(&t, 200 * MIB); /* mostly shared with its mold */
		if (measured)
			stage_read(&t, fresh, 20 * MIB);
		stage_exited(&t, old);
		ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_DONE], 1);
		int64_t after = stage_number(&t, EVENT_REPLACEMENT_DONE, "after");
		ck_assert_int_eq(after, measured ? (int64_t)(20 * MIB) : -1);
		stage_close(&t);
	}
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

/* Old enough, and not cooling down. */
static void stage_mature(struct stage *t, unsigned workers) {
	stage_start(t, workers);
	stage_wait(t, t->now + MSEC_HOUR);
}

START_TEST(a_worker_over_the_soft_limit_often_enough_goes_at_a_quiet_moment)
{
	struct stage t;
	stage_mature(&t, 2);
	unsigned old = stage_resident(&t, 0)->id;
	static const uint64_t mib[] = { 400, 100, 400, 100, 400 };
	for (size_t i = 0; i < ARRAY_LEN(mib); i++) {
		ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], 0);
		stage_read(&t, old, mib[i] * MIB);
	}
	ck_assert_str_eq(stage_said(&t, EVENT_REPLACEMENT_STARTED, "strikes"), "3 of 5");
	stage_bring_up(&t, 0);
	ck_assert_uint_eq(herd_serving(t.herd), 3);
	stage_counted(&t, old, 5, 2);
	ck_assert(!stage_signalled(&t, old, SIGTERM));
	stage_counted(&t, old, 5, 0);
	ck_assert(stage_signalled(&t, old, SIGTERM));
	ck_assert_str_eq(stage_said(&t, EVENT_DRAIN_STARTED, "quiet"), "yes");
	stage_close(&t);
}
END_TEST

START_TEST(a_quiet_moment_is_not_waited_for_longer_than_quiet_wait)
{
	struct stage t;
	stage_mature(&t, 2);
	unsigned old = stage_resident(&t, 0)->id;
	for (int i = 0; i < 3; i++)
		stage_read(&t, old, 400 * MIB);
	stage_bring_up(&t, 0);
	for (msec_t end = t.now + t.config.restart.quiet_wait; t.now < end;) {
		ck_assert_int_eq(herd_worker(t.herd, old)->life.state, WORKER_LEAVING);
		stage_counted(&t, old, 5, 2);
		stage_wait(&t, t.now + 100);
	}
	ck_assert(stage_signalled(&t, old, SIGTERM));
	stage_close(&t);
}
END_TEST

START_TEST(the_soft_limit_waits_for_min_age_and_cooldown_the_hard_one_for_neither)
{
	struct stage t;
	stage_start(&t, 3);
	msec_t min_age = t.config.restart.min_age, cooldown = t.config.restart.cooldown;
	for (int i = 0; i < 3; i++)
		stage_read(&t, stage_resident(&t, 0)->id, 400 * MIB);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_WAITS], 1);
	stage_wait(&t, t.now + min_age - 1);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], 0);
	unsigned hard = stage_resident(&t, 1)->id;
	stage_read(&t, hard, 700 * MIB);
	ck_assert_str_eq(stage_said(&t, EVENT_REPLACEMENT_STARTED, "cause"), "hard");
	stage_bring_up(&t, 1);
	stage_exited(&t, hard);
	stage_wait(&t, t.now + cooldown - 1);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], 1);
	stage_wait(&t, t.now + 1);
	ck_assert_str_eq(stage_said(&t, EVENT_REPLACEMENT_STARTED, "cause"), "soft");
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_WAITS], 1); /* told once, not at each look */
	stage_close(&t);
}
END_TEST

/* The slot whose replacement was told last. */
static int started(const struct stage *t) {
	return (int)stage_number(t, EVENT_REPLACEMENT_STARTED, "slot");
}

static void go_through(struct stage *t, unsigned slot) {
	unsigned old = stage_resident(t, slot)->id, fresh = stage_bring_up(t, slot);
	t->now++;
	stage_exited(t, old);
	stage_read(t, fresh, 50 * MIB);
}

START_TEST(several_over_their_limits_go_one_after_the_other_the_worst_first)
{
	static const unsigned order[] = { 2, 3, 1 };
	struct stage t;
	stage_mature(&t, 4);
	for (int i = 0; i < 3; i++)
		stage_read(&t, stage_resident(&t, 1)->id, 500 * MIB);
	ck_assert_int_eq(started(&t), 1);
	unsigned fresh = stage_successor(&t, 1)->id;
	stage_launched(&t, fresh);
	stage_read(&t, stage_resident(&t, 3)->id, 700 * MIB);
	stage_read(&t, stage_resident(&t, 2)->id, 800 * MIB);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], 1);
	stage_exited(&t, fresh); /* the first one doesn't make it: now the order counts */
	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		stage_wait(&t, t.now + t.config.restart.cooldown);
		ck_assert_int_eq(started(&t), (int)order[i]);
		ck_assert_uint_eq(herd_in_flight(t.herd), 1);
		go_through(&t, order[i]);
	}
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_DONE], 3);
	stage_close(&t);
}
END_TEST

START_TEST(never_more_than_max_surge_at_once)
{
	for (unsigned surge = 1; surge <= 3; surge++) {
		struct stage t;
		stage_open(&t, 5);
		t.config.restart.max_surge = surge;
		stage_begin(&t);
		for (unsigned slot = 0; slot < 5; slot++)
			stage_read(&t, stage_resident(&t, slot)->id, (700 + slot) * MIB);
		ck_assert_uint_eq(herd_in_flight(t.herd), surge);
		unsigned old = stage_resident(&t, 0)->id;
		stage_bring_up(&t, 0); /* the old one drains: it still takes its place */
		ck_assert_uint_eq(herd_in_flight(t.herd), surge);
		stage_exited(&t, old);
		ck_assert_uint_eq(herd_in_flight(t.herd), surge);
		ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], surge + 1);
		stage_close(&t);
	}
}
END_TEST

static void no_room(struct stage *t) {
	t->herd->room.boot_peak_bytes = t->herd->limits.effective_bytes; /* and there is a herd */
}

START_TEST(without_room_the_old_one_goes_first_if_another_serves)
{
	struct stage t;
	stage_start(&t, 2);
	no_room(&t);
	unsigned old = stage_resident(&t, 0)->id;
	stage_read(&t, old, 700 * MIB);
	ck_assert_str_eq(stage_said(&t, EVENT_REPLACEMENT_STARTED, "order"), "stop first");
	ck_assert(stage_signalled(&t, old, SIGTERM));
	ck_assert_uint_eq(stage_orders(&t, ORDER_LAUNCH), 0);
	ck_assert_str_eq(stage_said(&t, EVENT_HERD_DEGRADED, "reason"),
			 "no room for one more worker: one stops first");
	stage_wait(&t, t.now + 3 * MSEC_SECOND);
	stage_exited(&t, old);
	ck_assert_uint_eq(stage_orders(&t, ORDER_LAUNCH), 1);
	stage_boot_all(&t);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_DONE], 1);
	ck_assert_uint_eq(t.told[EVENT_HERD_OK], 1);
	ck_assert_uint_eq(herd_in_flight(t.herd), 0);
	stage_close(&t);
}
END_TEST

START_TEST(without_room_soft_waits)
{
	struct stage t;
	stage_mature(&t, 2);
	no_room(&t);
	for (int i = 0; i < 3; i++)
		stage_read(&t, stage_resident(&t, 0)->id, 400 * MIB);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_WAITS], 1);
	ck_assert_uint_eq(herd_in_flight(t.herd), 0);
	stage_close(&t);
}
END_TEST

START_TEST(without_room_the_only_one_goes_only_with_allow_gap)
{
	for (int allowed = 0; allowed < 2; allowed++) {
		struct stage t;
		stage_open(&t, 1);
		t.config.restart.allow_gap = allowed;
		stage_begin(&t);
		no_room(&t);
		unsigned only = stage_resident(&t, 0)->id;
		stage_read(&t, only, 700 * MIB);
		ck_assert_int_eq(stage_signalled(&t, only, SIGTERM), allowed);
		ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_WAITS], !allowed);
		stage_close(&t);
	}
}
END_TEST

START_TEST(without_room_nobody_stops_first_for_whom_only_a_stopped_one_would_serve)
{
	struct stage t;
	stage_start(&t, 2);
	no_room(&t);
	stage_happens(&t, HERD_STOPPED, stage_resident(&t, 1)->id);
	stage_read(&t, stage_resident(&t, 0)->id, 700 * MIB);
	ck_assert_uint_eq(stage_orders(&t, ORDER_SIGNAL), 0);
	stage_close(&t);
}
END_TEST

START_TEST(without_room_a_stopped_one_goes_first_it_serves_nobody_anyway)
{
	for (unsigned workers = 1; workers <= 2; workers++) {
		struct stage t;
		stage_start(&t, workers);
		no_room(&t);
		unsigned stopped = stage_resident(&t, 0)->id;
		stage_happens(&t, HERD_STOPPED, stopped);
		stage_wait(&t, t.now + 10 * MSEC_SECOND);
		ck_assert(herd_worker(t.herd, stopped)->term_at != 0);
		stage_close(&t);
	}
}
END_TEST

START_TEST(stopped_first_and_never_up_again_it_is_a_crash_loop_and_the_others_go_on)
{
	struct stage t;
	stage_start(&t, 3);
	no_room(&t);
	unsigned old = stage_resident(&t, 0)->id;
	stage_read(&t, old, 700 * MIB);
	stage_exited(&t, old);
	unsigned fresh = stage_order(&t, ORDER_LAUNCH)->worker;
	stage_launched(&t, fresh);
	stage_exited(&t, fresh);
	ck_assert_uint_eq(herd_in_flight(t.herd), 0);
	ck_assert_uint_eq(t.herd->counters.replacements_failed, 1);
	stage_read(&t, stage_resident(&t, 1)->id, 700 * MIB);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], 2);
	stage_close(&t);
}
END_TEST

START_TEST(the_old_one_dies_while_its_successor_boots_and_that_one_takes_the_slot)
{
	struct stage t;
	stage_start(&t, 2);
	unsigned old = stage_resident(&t, 0)->id;
	stage_read(&t, old, 700 * MIB);
	unsigned fresh = stage_successor(&t, 0)->id;
	stage_launched(&t, fresh);
	stage_exited(&t, old);
	ck_assert_uint_eq(t.told[EVENT_WORKER_DIED], 1);
	ck_assert_uint_eq(stage_resident(&t, 0)->id, fresh);
	ck_assert_uint_eq(stage_orders(&t, ORDER_LAUNCH), 0);
	ck_assert_uint_eq(herd_in_flight(t.herd), 0);
	stage_answered(&t, fresh);
	ck_assert_uint_eq(herd_serving(t.herd), 2);
	stage_wait(&t, t.now + MSEC_HOUR);
	ck_assert_uint_eq(stage_resident(&t, 0)->id, fresh);
	stage_close(&t);
}
END_TEST

START_TEST(the_new_one_dies_while_the_old_one_drains_and_another_is_launched)
{
	struct stage t;
	stage_start(&t, 2);
	unsigned old = stage_resident(&t, 0)->id;
	stage_read(&t, old, 700 * MIB);
	unsigned fresh = stage_bring_up(&t, 0);
	stage_wait(&t, t.now + 2 * MSEC_MINUTE);
	stage_exited(&t, fresh);
	unsigned third = stage_resident(&t, 0)->id;
	ck_assert_uint_ne(third, old);
	stage_exited(&t, old);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_DONE], 1);
	ck_assert_uint_eq(stage_resident(&t, 0)->id, third);
	stage_boot_all(&t);
	ck_assert_uint_eq(herd_serving(t.herd), 2);
	ck_assert_uint_eq(herd_in_flight(t.herd), 0);
	stage_close(&t);
}
END_TEST

START_TEST(one_that_dies_while_it_waits_for_a_quiet_moment_has_died_not_drained)
{
	struct stage t;
	stage_mature(&t, 2);
	unsigned old = stage_resident(&t, 0)->id;
	for (int i = 0; i < 3; i++)
		stage_read(&t, old, 400 * MIB);
	unsigned fresh = stage_bring_up(&t, 0);
	stage_exited(&t, old);
	ck_assert_uint_eq(t.told[EVENT_WORKER_DIED], 1);
	ck_assert_uint_eq(t.told[EVENT_DRAIN_DONE], 0);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_DONE], 1);
	ck_assert_uint_eq(stage_resident(&t, 0)->id, fresh);
	ck_assert_uint_eq(t.herd->slots[0].failures, 0);
	stage_close(&t);
}
END_TEST

START_TEST(a_successor_that_fails_is_tried_again_after_growing_pauses)
{
	struct stage t;
	stage_start(&t, 2);
	unsigned old = stage_resident(&t, 0)->id;
	msec_t last = 0;
	stage_read(&t, old, 700 * MIB);
	for (int attempt = 0; attempt < 4; attempt++) {
		unsigned fresh = stage_successor(&t, 0)->id;
		stage_launched(&t, fresh);
		ck_assert_int_eq(stage_number(&t, EVENT_WORKER_BOOTING, "attempt"), attempt + 1);
		stage_exited(&t, fresh);
		msec_t retry = stage_number(&t, EVENT_REPLACEMENT_FAILED, "retry");
		ck_assert_int_gt(retry, last);
		last = retry;
		stage_wait(&t, t.now + retry - 1);
		ck_assert_ptr_null(stage_find_successor(&t, 0));
		stage_wait(&t, t.now + 1);
	}
	ck_assert_int_eq(stage_resident(&t, 0)->life.state, WORKER_READY);
	ck_assert_uint_eq(stage_resident(&t, 0)->id, old);
	ck_assert_uint_eq(t.herd->counters.replacements_failed, 4);
	stage_close(&t);
}
END_TEST

START_TEST(rehearse_decides_and_tells_once_and_touches_nobody_but_the_sick)
{
	struct stage t;
	stage_open(&t, 2);
	t.config.restart.rehearse = true;
	stage_begin(&t);
	stage_read(&t, stage_resident(&t, 0)->id, 700 * MIB);
	stage_read(&t, stage_resident(&t, 0)->id, 710 * MIB);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_REHEARSED], 1);
	ck_assert_str_eq(stage_said(&t, EVENT_REPLACEMENT_REHEARSED, "cause"), "hard");
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], 0);
	ck_assert_uint_eq(herd_serving(t.herd), 2);
	stage_happens(&t, HERD_STOPPED, stage_resident(&t, 1)->id);
	stage_wait(&t, t.now + 10 * MSEC_SECOND);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], 1);
	stage_close(&t);
}
END_TEST

/* Readings each five seconds for `duration`; whoever is brought up boots and goes at once. */
static unsigned live(struct stage *t, msec_t duration, uint64_t (*uss)(msec_t age)) {
	size_t before = t->told[EVENT_REPLACEMENT_STARTED];
	for (msec_t end = t->now + duration; t->now < end;) {
		stage_wait(t, t->now + 5 * MSEC_SECOND);
		for (unsigned i = 0; i < t->herd->cells; i++) {
			const struct worker *w = &t->herd->workers[i];
			unsigned id = w->id;
			if (w->life.state == WORKER_READY)
				stage_read(t, id, uss(t->now - w->ready_at));
			else if (w->life.state == WORKER_BOOTING && w->pid == 0)
				stage_launched(t, id);
			else if (w->life.state == WORKER_BOOTING)
				stage_answered(t, id);
			else if (worker_goes(w->life.state))
				stage_exited(t, id);
		}
	}
	return (unsigned)(t->told[EVENT_REPLACEMENT_STARTED] - before);
}

static uint64_t flat(msec_t age UNUSED) {
	return 60 * MIB;
}

START_TEST(a_limit_of_1_mib_is_called_futile_once_and_not_looped_on)
{
	struct stage t;
	stage_open(&t, 2);
	t.limits.soft_bytes = MIB;
	t.limits.hard_bytes = MIB;
	stage_begin(&t);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_FUTILE], 2); /* soft and hard, each once */
	ck_assert_uint_eq(live(&t, 29 * MSEC_MINUTE, flat), 0);
	unsigned tries = live(&t, 24 * MSEC_HOUR, flat);
	ck_assert_uint_gt(tries, 2); /* ever more rarely */
	ck_assert_uint_lt(tries, 20);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_FUTILE], 2);
	ck_assert_int_eq(stage_number(&t, EVENT_REPLACEMENT_FUTILE, "suggested"), 64 * MIB);
	stage_close(&t);
}
END_TEST

/* Fresh 150 MiB, warm 400 after five minutes, and there it stays. */
static uint64_t warm(msec_t age) {
	msec_t warmed = msec_min(age, 5 * MSEC_MINUTE);
	return 150 * MIB + 250 * MIB * (uint64_t)warmed / (uint64_t)(5 * MSEC_MINUTE);
}

static uint64_t leaks(msec_t age) {
	return warm(age) + 300 * MIB * (uint64_t)age / (uint64_t)MSEC_HOUR;
}

START_TEST(a_warm_plateau_over_the_limit_is_futile_after_re_crossings_a_leak_above_it_goes)
{
	struct stage t;
	stage_open(&t, 2);
	t.limits.hard_bytes = 2048 * MIB; /* the soft one alone has to see it */
	stage_begin(&t);
	live(&t, 2 * MSEC_HOUR, warm);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_FUTILE], 1);
	ck_assert_uint_lt(live(&t, 12 * MSEC_HOUR, warm), 8);
	ck_assert_int_ge(stage_number(&t, EVENT_REPLACEMENT_FUTILE, "suggested"), 400 * MIB);
	unsigned leaky = live(&t, 12 * MSEC_HOUR, leaks);
	ck_assert_uint_gt(leaky, 8); /* beyond 1.5 × the plateau, again and again */
	stage_close(&t);
}
END_TEST

START_TEST(a_new_release_stays_if_one_of_two_under_way_at_once_serves_from_it)
{
	struct stage t;
	stage_open(&t, 2);
	t.config.restart.max_surge = 2;
	stage_begin(&t);
	stage_deploy(&t, 2);
	unsigned first = stage_successor(&t, 0)->id, old = stage_resident(&t, 1)->id;
	stage_launched(&t, first);
	stage_exited(&t, first);
	ck_assert(t.herd->restart.active);
	stage_bring_up(&t, 1);
	stage_exited(&t, old);
	ck_assert_uint_eq(t.told[EVENT_RESTART_DONE], 1);
	ck_assert_uint_eq(t.herd->release, 2);
	stage_close(&t);
}
END_TEST

START_TEST(a_restart_tries_a_slot_in_a_crash_loop_at_once_its_release_may_be_the_repair)
{
	struct stage t;
	stage_start(&t, 2);
	unsigned id = stage_resident(&t, 1)->id;
	for (int i = 0; i < 6; i++) {
		stage_exited(&t, id);
		stage_wait(&t, t.herd->slots[1].retry_at);
		id = stage_resident(&t, 1)->id;
		stage_launched(&t, id);
	}
	stage_exited(&t, id);
	ck_assert_int_gt(t.herd->slots[1].retry_at, t.now + 30 * MSEC_SECOND);
	stage_deploy(&t, 2);
	id = stage_resident(&t, 1)->id;
	ck_assert_uint_eq(herd_worker(t.herd, id)->release, 2);
	stage_boot_all(&t);
	ck_assert_uint_eq(t.herd->restart.done, 1);
	stage_close(&t);
}
END_TEST

SUITE("herd_replace", a_new_release_stays_if_one_of_two_under_way_at_once_serves_from_it,
      a_restart_tries_a_slot_in_a_crash_loop_at_once_its_release_may_be_the_repair,
      a_worker_over_the_soft_limit_often_enough_goes_at_a_quiet_moment,
      a_quiet_moment_is_not_waited_for_longer_than_quiet_wait,
      the_soft_limit_waits_for_min_age_and_cooldown_the_hard_one_for_neither,
      several_over_their_limits_go_one_after_the_other_the_worst_first,
      never_more_than_max_surge_at_once, without_room_the_old_one_goes_first_if_another_serves,
      without_room_soft_waits, without_room_the_only_one_goes_only_with_allow_gap,
      without_room_nobody_stops_first_for_whom_only_a_stopped_one_would_serve,
      without_room_a_stopped_one_goes_first_it_serves_nobody_anyway,
      stopped_first_and_never_up_again_it_is_a_crash_loop_and_the_others_go_on,
      the_old_one_dies_while_its_successor_boots_and_that_one_takes_the_slot,
      the_new_one_dies_while_the_old_one_drains_and_another_is_launched,
      one_that_dies_while_it_waits_for_a_quiet_moment_has_died_not_drained,
      a_successor_that_fails_is_tried_again_after_growing_pauses,
      rehearse_decides_and_tells_once_and_touches_nobody_but_the_sick,
      a_limit_of_1_mib_is_called_futile_once_and_not_looped_on,
      a_warm_plateau_over_the_limit_is_futile_after_re_crossings_a_leak_above_it_goes,
      for_the_total_the_largest_goes, what_was_given_back_is_told_when_the_new_one_was_measured,
      after_one_went_for_the_total_another_goes_only_on_fresh_figures,
      a_worker_that_boots_does_not_hide_that_the_total_is_crossed,
      a_surge_is_not_taken_for_the_herd_having_grown,
      without_a_free_cell_nothing_begins_and_nothing_spins,
      a_stopped_worker_is_replaced_after_ten_seconds_and_told_to_go_at_once,
      a_worker_that_goes_on_within_ten_seconds_stays, a_hung_worker_is_told_once_and_replaced,
      any_answer_and_any_movement_is_a_sign_of_life,
      liveness_that_is_switched_on_judges_no_silence_from_before)
