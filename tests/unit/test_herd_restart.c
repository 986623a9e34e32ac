#include "core/herd.h"

#include "herd_play.h"

/* The worker that the last step launched; 0: none. */
static unsigned fresh_one(const struct stage *t) {
	const struct order *launch = stage_order(t, ORDER_LAUNCH);
	return launch != NULL ? launch->worker : 0;
}

/* A person's restart of `slots`; n 0: all. `release` 0: the code stays the same. */
static void ask_for(struct stage *t, const unsigned *slots, unsigned n, unsigned release) {
	struct herd_event event = { .kind = HERD_RESTART, .number = release, .text = "somebody" };
	event.restart.slots = slots;
	event.restart.n = n;
	event.restart.deploy = release > 0;
	stage_feed(t, event);
}

static void pass(struct stage *t, msec_t duration) {
	stage_wait(t, t->now + duration);
}

/* The successor that was just launched boots, and the old one goes. */
static void replace(struct stage *t, unsigned slot) {
	unsigned fresh = stage_successor(t, slot)->id, old = stage_resident(t, slot)->id;
	stage_launched(t, fresh);
	ck_assert(!stage_signalled(t, old, SIGTERM));
	stage_answered(t, fresh);
	ck_assert(stage_signalled(t, old, SIGTERM));
	stage_exited(t, old);
}

START_TEST(a_restart_of_all_goes_slot_after_slot)
{
	struct stage t;
	stage_start(&t, 3);
	ask_for(&t, NULL, 0, 2);
	ck_assert_uint_eq(t.told[EVENT_RESTART_ASKED], 1);
	for (unsigned slot = 0; slot < 3; slot++) {
		replace(&t, slot);
		ck_assert_uint_eq(stage_resident(&t, slot)->release, 2);
	}
	ck_assert_uint_eq(t.told[EVENT_RESTART_DONE], 1);
	ck_assert_int_eq(stage_number(&t, EVENT_RESTART_DONE, "slots"), 3);
	ck_assert(!t.herd->restart.active);
	ck_assert_uint_eq(fresh_one(&t), 0);
	stage_close(&t);
}
END_TEST

START_TEST(a_restart_of_some_slots_leaves_the_others_alone)
{
	struct stage t;
	const unsigned slots[] = { 2, 0 };
	stage_start(&t, 3);
	unsigned kept = stage_resident(&t, 1)->id;
	ask_for(&t, slots, 2, 0);
	ck_assert_str_eq(stage_said(&t, EVENT_RESTART_ASKED, "slots"), "2,0");
	replace(&t, 0);
	replace(&t, 2);
	ck_assert_int_eq(stage_number(&t, EVENT_RESTART_DONE, "slots"), 2);
	ck_assert_uint_eq(stage_resident(&t, 1)->id, kept);
	stage_close(&t);
}
END_TEST

START_TEST(a_restart_of_a_slot_that_is_not_there_is_over_at_once)
{
	struct stage t;
	const unsigned slots[] = { 7 };
	stage_start(&t, 2);
	ask_for(&t, slots, 1, 0);
	ck_assert_uint_eq(t.told[EVENT_RESTART_DONE], 1);
	ck_assert_int_eq(stage_number(&t, EVENT_RESTART_DONE, "slots"), 0);
	stage_close(&t);
}
END_TEST

START_TEST(a_new_release_that_does_not_boot_is_taken_back_before_anybody_was_replaced)
{
	struct stage t;
	stage_start(&t, 3);
	unsigned old = stage_resident(&t, 0)->id;
	ask_for(&t, NULL, 0, 2);
	unsigned fresh = fresh_one(&t);
	stage_launched(&t, fresh);
	stage_exited(&t, fresh);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_FAILED], 1);
	ck_assert_uint_eq(t.told[EVENT_RESTART_DONE], 1);
	ck_assert_int_eq(stage_number(&t, EVENT_RESTART_DONE, "failed"), 1);
	ck_assert_uint_eq(t.herd->release, 1);
	ck_assert_uint_eq(stage_resident(&t, 0)->id, old);
	pass(&t, MSEC_HOUR);
	ck_assert_uint_eq(herd_in_flight(t.herd), 0);
	stage_close(&t);
}
END_TEST

START_TEST(a_release_that_some_serve_from_stays_when_a_later_one_fails)
{
	struct stage t;
	stage_start(&t, 3);
	ask_for(&t, NULL, 0, 2);
	replace(&t, 0);
	unsigned fresh = fresh_one(&t);
	stage_launched(&t, fresh);
	stage_exited(&t, fresh);
	ck_assert_uint_eq(t.herd->release, 2);
	ck_assert(!t.herd->restart.active);
	ck_assert_uint_eq(stage_resident(&t, 2)->release, 1);
	ck_assert_uint_eq(herd_in_flight(t.herd), 0);
	stage_close(&t);
}
END_TEST

START_TEST(a_slot_that_boots_anew_meanwhile_is_not_replaced_again)
{
	struct stage t;
	const unsigned slots[] = { 1 };
	stage_start(&t, 2);
	stage_exited(&t, stage_resident(&t, 1)->id); /* an accident: it is back at once */
	stage_boot_all(&t);
	stage_exited(&t, stage_resident(&t, 1)->id);
	ask_for(&t, slots, 1, 2);
	for (int turns = 0; herd_resident(t.herd, 1) == NULL && turns < 10; turns++)
		pass(&t, MSEC_SECOND);
	unsigned fresh = stage_resident(&t, 1)->id;
	stage_launched(&t, fresh);
	stage_answered(&t, fresh);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], 0);
	ck_assert_uint_eq(t.told[EVENT_RESTART_DONE], 1);
	ck_assert_int_eq(stage_number(&t, EVENT_RESTART_DONE, "slots"), 1);
	ck_assert_uint_eq(stage_resident(&t, 1)->id, fresh);
	stage_close(&t);
}
END_TEST

START_TEST(what_was_booting_from_the_old_release_is_no_failure_of_the_new_one)
{
	struct stage t;
	stage_start(&t, 2);
	stage_exited(&t, stage_resident(&t, 1)->id);
	pass(&t, 2 * MSEC_SECOND);
	unsigned old = stage_resident(&t, 1)->id;
	stage_launched(&t, old);
	ask_for(&t, NULL, 0, 2);
	stage_exited(&t, old);
	ck_assert(t.herd->restart.active);
	ck_assert_uint_eq(t.herd->release, 2);
	stage_close(&t);
}
END_TEST

START_TEST(one_who_dies_while_its_successor_boots_counts_when_that_one_serves)
{
	struct stage t;
	const unsigned slots[] = { 0 };
	stage_start(&t, 2);
	unsigned old = stage_resident(&t, 0)->id;
	ask_for(&t, slots, 1, 2);
	unsigned fresh = fresh_one(&t);
	stage_launched(&t, fresh);
	stage_exited(&t, old);
	ck_assert_uint_eq(t.told[EVENT_WORKER_DIED], 1);
	ck_assert(t.herd->restart.active);
	stage_answered(&t, fresh);
	ck_assert_uint_eq(t.told[EVENT_RESTART_DONE], 1);
	ck_assert_int_eq(stage_number(&t, EVENT_RESTART_DONE, "slots"), 1);
	ck_assert_uint_eq(stage_resident(&t, 0)->id, fresh);
	stage_close(&t);
}
END_TEST

START_TEST(touched_again_meanwhile_the_newer_release_comes_after)
{
	struct stage t;
	stage_start(&t, 2);
	ask_for(&t, NULL, 0, 2);
	ask_for(&t, NULL, 0, 3);
	replace(&t, 0);
	ck_assert_uint_eq(stage_resident(&t, 0)->release, 2);
	replace(&t, 1);
	ck_assert_uint_eq(t.told[EVENT_RESTART_DONE], 1);
	ck_assert_uint_eq(t.told[EVENT_RESTART_ASKED], 2);
	ck_assert_str_eq(stage_said(&t, EVENT_RESTART_ASKED, "by"), "somebody");
	for (unsigned slot = 0; slot < 2; slot++) {
		replace(&t, slot);
		ck_assert_uint_eq(stage_resident(&t, slot)->release, 3);
	}
	ck_assert_uint_eq(t.told[EVENT_RESTART_DONE], 2);
	ck_assert(!t.herd->restart.active);
	stage_close(&t);
}
END_TEST

START_TEST(touched_again_the_repaired_release_comes_although_the_first_failed)
{
	struct stage t;
	stage_start(&t, 2);
	ask_for(&t, NULL, 0, 2);
	unsigned fresh = fresh_one(&t);
	ask_for(&t, NULL, 0, 3);
	stage_launched(&t, fresh);
	stage_exited(&t, fresh);
	ck_assert_uint_eq(t.told[EVENT_RESTART_DONE], 1);
	replace(&t, 0);
	replace(&t, 1);
	ck_assert_uint_eq(stage_resident(&t, 1)->release, 3);
	ck_assert_uint_eq(t.told[EVENT_RESTART_DONE], 2);
	stage_close(&t);
}
END_TEST

START_TEST(a_successor_for_the_hard_limit_that_does_not_boot_ends_the_restart_too)
{
	struct stage t;
	stage_start(&t, 2);
	ask_for(&t, NULL, 0, 2);
	unsigned first = fresh_one(&t);
	stage_launched(&t, first);
	stage_read(&t, stage_resident(&t, 1)->id, 700 * MIB);
	stage_answered(&t, first);
	for (unsigned i = 0; i < t.herd->cells; i++) {
		if (t.herd->workers[i].role == ROLE_LEAVER && t.herd->workers[i].life.state)
			stage_exited(&t, t.herd->workers[i].id);
	}
	unsigned fresh = fresh_one(&t);
	ck_assert_str_eq(stage_said(&t, EVENT_REPLACEMENT_STARTED, "cause"), "hard");
	stage_launched(&t, fresh);
	stage_exited(&t, fresh);
	ck_assert(!t.herd->restart.active);
	ck_assert_int_eq(stage_number(&t, EVENT_RESTART_DONE, "failed"), 1);
	stage_close(&t);
}
END_TEST

START_TEST(fewer_slots_leave_nothing_asked_behind)
{
	struct stage t;
	stage_start(&t, 3);
	ask_for(&t, NULL, 0, 0);
	struct limits fewer = t.limits;
	fewer.workers = 1;
	struct herd_event reload = { .kind = HERD_RELOAD };
	reload.reload.config = &t.config;
	reload.reload.limits = &fewer;
	stage_feed(&t, reload);
	for (unsigned slot = 0; slot < HERD_SLOTS_MAX; slot++)
		ck_assert(slot == 0 || !t.herd->slots[slot].asked);
	ck_assert_uint_eq(t.herd->restart.total, 1);
	stage_close(&t);
}
END_TEST

START_TEST(a_restart_is_refused_without_room_and_forced_it_stops_first)
{
	struct stage t;
	stage_start(&t, 2);
	stage_tick(&t, 70 * MIB);
	t.herd->limits.effective_bytes = 120 * MIB;
	t.herd->room.boot_peak_bytes = 100 * MIB;
	unsigned old = stage_resident(&t, 0)->id;
	ask_for(&t, NULL, 0, 2);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_REFUSED], 1);
	ck_assert_uint_eq(t.told[EVENT_RESTART_DONE], 1);
	ck_assert_uint_eq(t.herd->release, 1);
	ck_assert_int_eq(stage_resident(&t, 0)->life.state, WORKER_READY);
	struct herd_event forced = { .kind = HERD_RESTART, .text = "somebody" };
	forced.restart.force = true;
	stage_feed(&t, forced);
	ck_assert(stage_signalled(&t, old, SIGTERM));
	ck_assert_ptr_null(herd_resident(t.herd, 0));
	stage_exited(&t, old);
	ck_assert_uint_ne(fresh_one(&t), 0);
	stage_close(&t);
}
END_TEST

START_TEST(forced_and_stopped_first_a_release_that_does_not_boot_is_taken_back)
{
	struct stage t;
	stage_start(&t, 2);
	stage_tick(&t, 70 * MIB);
	t.herd->limits.effective_bytes = 120 * MIB;
	t.herd->room.boot_peak_bytes = 100 * MIB;
	unsigned old = stage_resident(&t, 0)->id;
	struct herd_event forced = { .kind = HERD_RESTART, .number = 2, .text = "somebody" };
	forced.restart.force = forced.restart.deploy = true;
	stage_feed(&t, forced);
	stage_exited(&t, old);
	unsigned fresh = fresh_one(&t);
	stage_launched(&t, fresh);
	stage_exited(&t, fresh);
	ck_assert_uint_eq(t.herd->release, 1);
	ck_assert_uint_eq(herd_in_flight(t.herd), 0);
	pass(&t, 2 * MSEC_SECOND);
	ck_assert_uint_eq(stage_resident(&t, 0)->release, 1);
	stage_close(&t);
}
END_TEST

START_TEST(a_limit_that_is_futile_does_not_hold_a_person_back)
{
	struct stage t;
	stage_start(&t, 3);
	ask_for(&t, NULL, 0, 2);
	for (unsigned slot = 0; slot < 3; slot++) {
		for (unsigned other = slot; other < 3; other++)
			stage_read(&t, stage_resident(&t, other)->id, 700 * MIB);
		replace(&t, slot);
		stage_read(&t, stage_resident(&t, slot)->id, 700 * MIB);
	}
	ck_assert(t.herd->futile[CAUSE_HARD].futile);
	ck_assert_uint_eq(t.told[EVENT_RESTART_DONE], 1);
	ck_assert_int_eq(stage_number(&t, EVENT_RESTART_DONE, "slots"), 3);
	stage_close(&t);
}
END_TEST

SUITE("herd_restart", a_restart_of_all_goes_slot_after_slot,
      a_restart_of_some_slots_leaves_the_others_alone,
      a_restart_of_a_slot_that_is_not_there_is_over_at_once,
      a_new_release_that_does_not_boot_is_taken_back_before_anybody_was_replaced,
      a_release_that_some_serve_from_stays_when_a_later_one_fails,
      a_slot_that_boots_anew_meanwhile_is_not_replaced_again,
      what_was_booting_from_the_old_release_is_no_failure_of_the_new_one,
      one_who_dies_while_its_successor_boots_counts_when_that_one_serves,
      touched_again_meanwhile_the_newer_release_comes_after,
      touched_again_the_repaired_release_comes_although_the_first_failed,
      a_successor_for_the_hard_limit_that_does_not_boot_ends_the_restart_too,
      fewer_slots_leave_nothing_asked_behind,
      a_restart_is_refused_without_room_and_forced_it_stops_first,
      forced_and_stopped_first_a_release_that_does_not_boot_is_taken_back,
      a_limit_that_is_futile_does_not_hold_a_person_back)
