/* Another daemon's herd is adopted: scripts of events. At every moment: test_herd_death.c. */
#include "core/herd.h"

#include "herd_play.h"

static void adopt_without(struct stage *t, const unsigned *gone, size_t n) {
	struct herd_event event = { .kind = HERD_ADOPT };
	event.adopt.gone = gone;
	event.adopt.n = n;
	stage_feed(t, event);
}

static void adopt(struct stage *t) {
	adopt_without(t, NULL, 0);
}

static void adopt_renewed(struct stage *t, unsigned release) {
	struct herd_event event = { .kind = HERD_ADOPT };
	event.adopt.release = release;
	event.adopt.same_code = true;
	stage_feed(t, event);
}

static bool is_ordered(const struct stage *t, enum order_kind kind, unsigned worker) {
	for (size_t i = 0; i < t->orders->len; i++) {
		if (t->orders->list[i].kind == kind && t->orders->list[i].worker == worker)
			return true;
	}
	return false;
}

/* Slot 0 of two is restarted, and its old one was just told to go; returns that. */
static struct worker *let_one_go(struct stage *t) {
	static const unsigned slot = 0;
	stage_start(t, 2);
	unsigned old = stage_resident(t, 0)->id;
	stage_restart(t, &slot, 1, false);
	stage_bring_up(t, 0);
	struct worker *w = herd_worker(t->herd, old);
	ck_assert_int_eq(w->life.state, WORKER_DRAINING);
	return w;
}

START_TEST(one_line_tells_of_the_herd_and_one_of_each_who_ended_meanwhile)
{
	struct stage t;
	stage_start(&t, 3);
	unsigned gone = stage_resident(&t, 1)->id;
	size_t booted = t.told[EVENT_WORKER_BOOTING];
	adopt_without(&t, &gone, 1);
	ck_assert_int_eq(stage_number(&t, EVENT_HERD_ADOPTED, "workers"), 2);
	ck_assert_int_eq(stage_number(&t, EVENT_HERD_ADOPTED, "gone"), 1);
	ck_assert_int_eq(stage_number(&t, EVENT_HERD_ADOPTED, "replacements"), 0);
	ck_assert_int_eq(t.orders->told[0].id, EVENT_HERD_ADOPTED);
	ck_assert_uint_eq(t.told[EVENT_WORKER_DIED], 1);
	ck_assert_str_eq(stage_said(&t, EVENT_WORKER_DIED, "reason"),
			 "it ended while no pumakeeperd watched");
	ck_assert_uint_eq(t.told[EVENT_WORKER_BOOTING], booted);
	ck_assert(is_ordered(&t, ORDER_LAUNCH, stage_resident(&t, 1)->id));
	stage_close(&t);
}
END_TEST

START_TEST(a_quiet_herd_is_asked_for_its_readings_and_nothing_else_happens_to_it)
{
	struct stage t;
	stage_start(&t, 2);
	for (unsigned slot = 0; slot < 2; slot++)
		stage_resident(&t, slot)->proof_known = true;
	t.now += MSEC_HOUR;
	adopt(&t);
	ck_assert_uint_eq(t.orders->n_told, 1);
	ck_assert_uint_eq(t.orders->len, 1);
	ck_assert_int_eq(t.orders->list[0].kind, ORDER_READ);
	t.now += MSEC_SECOND;
	stage_feed(&t, (struct herd_event){ .kind = HERD_DEADLINE });
	ck_assert_uint_eq(stage_orders(&t, ORDER_READ_ALL), 1);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], 0);
	stage_close(&t);
}
END_TEST

START_TEST(silence_while_nobody_listened_is_no_sign_of_hanging)
{
	struct stage t;
	stage_open(&t, 2);
	t.config.app.probe.liveness = 10 * MSEC_SECOND;
	stage_begin(&t);
	t.now += MSEC_HOUR;
	adopt(&t);
	ck_assert_uint_eq(t.told[EVENT_WORKER_HUNG], 0);
	t.now += MSEC_SECOND;
	stage_feed(&t, (struct herd_event){ .kind = HERD_DEADLINE });
	ck_assert_uint_eq(stage_orders(&t, ORDER_LIVENESS), 2);
	stage_wait(&t, t.now + 2 * MSEC_MINUTE);
	ck_assert_uint_gt(t.told[EVENT_WORKER_HUNG], 0);
	stage_close(&t);
}
END_TEST

START_TEST(only_an_allocator_that_is_not_known_is_looked_for_again)
{
	struct stage t;
	stage_start(&t, 2);
	stage_resident(&t, 0)->proof_known = true;
	adopt(&t);
	ck_assert(!is_ordered(&t, ORDER_PROVE, stage_resident(&t, 0)->id));
	ck_assert(is_ordered(&t, ORDER_PROVE, stage_resident(&t, 1)->id));
	stage_close(&t);
}
END_TEST

START_TEST(a_drain_that_may_hear_of_its_term_only_now_has_all_of_its_patience)
{
	struct stage t;
	const struct worker *old = let_one_go(&t);
	t.now += MSEC_HOUR;
	adopt(&t);
	ck_assert(stage_signalled(&t, old->id, SIGTERM));
	ck_assert(stage_signalled(&t, old->id, SIGCONT));
	ck_assert_uint_eq(t.told[EVENT_DRAIN_STARTED], 1);
	ck_assert_int_eq(old->life.drain_end, t.now + t.config.restart.drain_timeout);
	ck_assert_int_eq(old->life.deadline, t.now + t.config.restart.half_close_after);
	stage_exited(&t, old->id);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_DONE], 1);
	ck_assert_uint_eq(t.herd->counters.drained_clean, 1);
	stage_close(&t);
}
END_TEST

START_TEST(for_one_that_surely_had_its_term_the_time_goes_on)
{
	for (int long_absence = 0; long_absence < 2; long_absence++) {
		struct stage t;
		const struct worker *old = let_one_go(&t);
		t.now += 10;
		stage_counted(&t, old->id, 1, 1);
		msec_t end = old->life.drain_end;
		t.now += long_absence ? MSEC_HOUR : 20 * MSEC_SECOND;
		adopt(&t);
		ck_assert(stage_signalled(&t, old->id, SIGTERM));
		ck_assert_int_eq(old->life.drain_end, long_absence ? t.now + 2 * MSEC_SECOND : end);
		stage_feed(&t, (struct herd_event){ .kind = HERD_DEADLINE });
		ck_assert(!stage_signalled(&t, old->id, SIGKILL));
		ck_assert_int_eq(old->life.state, WORKER_CLOSING_IDLE);
		stage_wait(&t, old->life.drain_end);
		ck_assert_uint_eq(t.told[EVENT_DRAIN_KILLED], 1);
		stage_close(&t);
	}
}
END_TEST

START_TEST(a_round_of_half_closing_that_may_be_lost_is_done_again)
{
	for (int busy = 0; busy < 2; busy++) {
		struct stage t;
		const struct worker *old = let_one_go(&t);
		stage_wait(&t, old->life.deadline + busy * WORKER_CLOSE_AGAIN);
		ck_assert_int_eq(old->life.state, busy ? WORKER_CLOSING_BUSY : WORKER_CLOSING_IDLE);
		t.now += 100;
		adopt(&t);
		ck_assert(is_ordered(&t, busy ? ORDER_CLOSE_BUSY : ORDER_CLOSE_IDLE, old->id));
		ck_assert_int_le(old->life.deadline, t.now + WORKER_CLOSE_AGAIN);
		stage_close(&t);
	}
}
END_TEST

START_TEST(after_a_second_stop_drains_stay_short)
{
	struct stage t;
	stage_start(&t, 2);
	stage_stop(&t);
	stage_stop(&t);
	t.now += 100;
	adopt(&t);
	for (unsigned slot = 0; slot < 2; slot++)
		ck_assert_int_le(stage_resident(&t, slot)->life.drain_end,
				 t.now + WORKER_HURRY_GRACE);
	stage_close(&t);
}
END_TEST

START_TEST(who_was_killed_is_killed_again_and_counted_once)
{
	struct stage t;
	const struct worker *old = let_one_go(&t);
	stage_wait(&t, old->life.drain_end);
	ck_assert_int_eq(old->life.state, WORKER_KILLING);
	t.now += MSEC_HOUR;
	adopt(&t);
	ck_assert(stage_signalled(&t, old->id, SIGKILL));
	ck_assert_uint_eq(t.told[EVENT_DRAIN_KILLED], 1);
	stage_exited(&t, old->id);
	ck_assert_uint_eq(t.herd->counters.killed, 1);
	stage_close(&t);
}
END_TEST

/* Slot 0's worker has died, and another one is launched for it; returns that. */
static struct worker *boot_one(struct stage *t) {
	stage_start(t, 2);
	stage_exited(t, stage_resident(t, 0)->id);
	struct worker *w = stage_resident(t, 0);
	ck_assert_int_eq(w->life.state, WORKER_BOOTING);
	return w;
}

START_TEST(who_was_never_launched_is_launched_and_has_all_of_its_patience)
{
	struct stage t;
	struct worker *w = boot_one(&t);
	w->release = 3; /* and then its deploy failed */
	t.now += MSEC_HOUR;
	adopt(&t);
	ck_assert(is_ordered(&t, ORDER_LAUNCH, w->id));
	ck_assert_uint_eq(w->release, 1);
	ck_assert_int_eq(w->life.deadline, t.now + t.config.app.boot_timeout);
	ck_assert_uint_eq(stage_orders(&t, ORDER_LAUNCH), 1);
	stage_boot_all(&t);
	ck_assert_uint_eq(herd_serving(t.herd), 2);
	stage_close(&t);
}
END_TEST

START_TEST(who_boots_is_asked_anew_and_has_what_was_left_of_its_patience)
{
	for (int long_absence = 0; long_absence < 2; long_absence++) {
		struct stage t;
		struct worker *w = boot_one(&t);
		stage_launched(&t, w->id);
		w->answered = w->proof_asked = true;
		msec_t deadline = w->life.deadline;
		t.now += long_absence ? MSEC_HOUR : MSEC_SECOND;
		adopt(&t);
		ck_assert(is_ordered(&t, ORDER_PROBE, w->id));
		ck_assert(!w->answered);
		ck_assert_int_eq(w->life.deadline,
				 long_absence ? t.now + 5 * MSEC_SECOND : deadline);
		stage_feed(&t, (struct herd_event){ .kind = HERD_DEADLINE });
		ck_assert_int_eq(w->life.state, WORKER_BOOTING);
		stage_answered(&t, w->id);
		ck_assert_int_eq(w->life.state, WORKER_READY);
		ck_assert(is_ordered(&t, ORDER_PROVE, w->id));
		stage_close(&t);
	}
}
END_TEST

START_TEST(who_is_given_up_is_told_to_go_again_or_over_if_it_never_was)
{
	for (int was_launched = 0; was_launched < 2; was_launched++) {
		struct stage t;
		const struct worker *w = boot_one(&t);
		unsigned id = w->id;
		if (was_launched)
			stage_launched(&t, id);
		stage_wait(&t, w->life.deadline);
		ck_assert_int_eq(w->life.state, WORKER_ABANDONED);
		t.now += MSEC_HOUR;
		adopt(&t);
		ck_assert_int_eq(stage_signalled(&t, id, SIGTERM), was_launched);
		ck_assert_int_eq(is_ordered(&t, ORDER_FORGET, id), !was_launched);
		ck_assert_uint_eq(t.told[EVENT_WORKER_FAILED], !was_launched);
		if (was_launched)
			ck_assert_int_eq(w->life.deadline, t.now + WORKER_ABANDON_GRACE);
		stage_close(&t);
	}
}
END_TEST

START_TEST(who_can_not_become_a_mold_any_more_is_told_to_go)
{
	for (int quietly = 0; quietly < 2; quietly++) {
		struct stage t;
		struct worker *old = let_one_go(&t);
		old->promoted = true;
		if (quietly)
			old->life.state = WORKER_LEAVING;
		adopt(&t);
		if (quietly)
			stage_counted(&t, old->id, 0, 0);
		ck_assert(stage_signalled(&t, old->id, SIGTERM));
		ck_assert_uint_eq(stage_orders(&t, ORDER_PROMOTE), 0);
		stage_close(&t);
	}
}
END_TEST

START_TEST(nor_can_one_whose_successor_boots)
{
	static const unsigned slot = 0;
	struct stage t;
	stage_start(&t, 2);
	unsigned old = stage_resident(&t, 0)->id;
	stage_restart(&t, &slot, 1, false);
	t.herd->slots[0].replacement.promotes = true;
	adopt(&t);
	stage_bring_up(&t, 0);
	ck_assert(stage_signalled(&t, old, SIGTERM));
	ck_assert_uint_eq(stage_orders(&t, ORDER_PROMOTE), 0);
	stage_close(&t);
}
END_TEST

static void mold_is(struct stage *t, unsigned generation, unsigned release, enum mold_state state) {
	struct herd_event event = { .kind = HERD_PARENT,
				    .generation = generation,
				    .start_ticks = generation * 100 };
	event.parent.release = release;
	event.parent.state = state;
	event.parent.pid = state == MOLD_GONE ? 0 : (int)(50 + generation);
	stage_feed(t, event);
}

/* Two that were forked from a mold, which has been there for long. */
static void start_from_mold(struct stage *t) {
	stage_open(t, 2);
	t->config.app.preload = true;
	t->config.app.refork.after = MSEC_HOUR;
	stage_begin(t);
	mold_is(t, 1, 1, MOLD_READY);
	for (unsigned slot = 0; slot < 2; slot++)
		stage_resident(t, slot)->generation = 1;
}

START_TEST(nobody_who_was_adopted_is_chosen_to_be_the_next_mold)
{
	for (int adopted = 0; adopted < 2; adopted++) {
		struct stage t;
		start_from_mold(&t);
		if (adopted) {
			adopt(&t);
			mold_is(&t, 1, 1, MOLD_READY);
		}
		stage_wait(&t, t.now + 2 * MSEC_HOUR);
		ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], !adopted);
		stage_close(&t);
	}
}
END_TEST

START_TEST(another_daemons_mold_is_counted_until_ours_is_there)
{
	struct stage t;
	start_from_mold(&t);
	adopt_renewed(&t, 2);
	ck_assert_ptr_null(herd_parent(t.herd));
	mold_is(&t, 1, 1, MOLD_ADOPTED);
	ck_assert_int_eq(stage_number(&t, EVENT_MOLD_ADOPTED, "pid"), 51);
	ck_assert_int_eq(stage_number(&t, EVENT_MOLD_ADOPTED, "release"), 1);
	ck_assert_uint_eq(herd_parent(t.herd)->start_ticks, 100);
	ck_assert_uint_eq(stage_orders(&t, ORDER_READ_PARENT), 1);
	struct herd_event read = { .kind = HERD_PARENT_READ, .generation = 1 };
	read.read.memory = (struct memory){ .rss_bytes = 90 * MIB, .pss_bytes = 40 * MIB };
	uint64_t before = herd_memory(t.herd).pss_bytes, total, with;
	herd_total_over(t.herd, &total);
	stage_feed(&t, read);
	herd_total_over(t.herd, &with);
	ck_assert_uint_eq(herd_memory(t.herd).pss_bytes, before + 40 * MIB);
	ck_assert_uint_eq(with, total + 40 * MIB);

	ck_assert(herd_wants_adopted_molds(t.herd));
	mold_is(&t, 2, 2, MOLD_LOADING);
	ck_assert(herd_wants_adopted_molds(t.herd));
	mold_is(&t, 2, 2, MOLD_READY);
	ck_assert(!herd_wants_adopted_molds(t.herd));
	ck_assert(herd_wants_release(t.herd, 2));
	mold_is(&t, 1, 1, MOLD_GONE);
	ck_assert_uint_eq(herd_parent(t.herd)->generation, 2);
	stage_close(&t);
}
END_TEST

START_TEST(another_daemons_mold_is_not_kept_for_nothing)
{
	static const struct {
		const char *why;
		bool preload, stops;
	} rows[] = { { "none of ours will come", false, false }, { "everybody goes", true, true } };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct stage t;
		start_from_mold(&t);
		t.held[0].app.preload = rows[i].preload;
		adopt_renewed(&t, 2);
		mold_is(&t, 1, 1, MOLD_ADOPTED);
		if (rows[i].stops)
			stage_stop(&t);
		ck_assert_msg(!herd_wants_adopted_molds(t.herd), "%s", rows[i].why);
		stage_close(&t);
	}
}
END_TEST

/* A deploy of the other daemon goes on, fails, and goes back to what only that one's mold has. */
START_TEST(ours_is_made_of_the_same_release_beside_another_daemons)
{
	struct stage t;
	start_from_mold(&t);
	stage_deploy(&t, 2);
	adopt_renewed(&t, 3);
	mold_is(&t, 1, 1, MOLD_ADOPTED);
	unsigned fresh = stage_successor(&t, 0)->id;
	stage_launched(&t, fresh);
	stage_exited(&t, fresh);
	ck_assert_uint_eq(t.herd->release, 1);
	ck_assert_int_eq(stage_order(&t, ORDER_MAKE_PARENT)->number, 1);
	mold_is(&t, 4, 1, MOLD_LOADING);
	ck_assert(herd_wants_adopted_molds(t.herd));
	ck_assert(herd_wants_release(t.herd, 1));
	mold_is(&t, 4, 1, MOLD_READY);
	ck_assert(!herd_wants_adopted_molds(t.herd));
	ck_assert(herd_wants_release(t.herd, 1));
	stage_close(&t);
}
END_TEST

START_TEST(no_limit_acts_on_what_was_read_before)
{
	struct stage t;
	stage_start(&t, 3);
	stage_read(&t, stage_resident(&t, 0)->id, 250 * MIB);
	stage_resident(&t, 0)->watch.verdict = CAUSE_HARD;
	t.limits.total_bytes = 300 * MIB;
	t.limits.soft_bytes = 240 * MIB;
	herd_init(t.herd, &t.held[0], &t.limits);
	adopt(&t);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], 0);
	t.now += 100;
	for (unsigned slot = 0; slot < 3; slot++)
		stage_read(&t, stage_resident(&t, slot)->id, 30 * MIB);
	stage_wait(&t, t.now + MSEC_MINUTE);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], 0);
	stage_read(&t, stage_resident(&t, 2)->id, 230 * MIB);
	ck_assert_str_eq(stage_said(&t, EVENT_REPLACEMENT_STARTED, "cause"), "total");
	stage_close(&t);
}
END_TEST

START_TEST(one_over_its_limit_is_seen_by_the_first_reading)
{
	struct stage t;
	stage_start(&t, 2);
	t.now += MSEC_MINUTE;
	adopt(&t);
	const struct order *order = stage_order(&t, ORDER_READ);
	ck_assert_ptr_nonnull(order);
	stage_read(&t, order->worker, 700 * MIB);
	ck_assert_str_eq(stage_said(&t, EVENT_REPLACEMENT_STARTED, "cause"), "hard");
	stage_close(&t);
}
END_TEST

START_TEST(a_guard_for_a_limit_that_was_changed_is_lifted)
{
	for (int changed = 0; changed < 2; changed++) {
		struct stage t;
		stage_start(&t, 2);
		struct futility *f = &t.herd->futile[CAUSE_SOFT];
		f->futile = true;
		f->limit_bytes = changed ? 200 * MIB : t.limits.soft_bytes;
		adopt(&t);
		ck_assert_int_eq(f->futile, !changed);
		ck_assert_int_eq((int)t.told[EVENT_REPLACEMENT_USEFUL], changed);
		stage_close(&t);
	}
}
END_TEST

START_TEST(a_stop_that_was_waited_for_comes)
{
	struct stage t;
	stage_open(&t, 2);
	t.config.restart.stop_delay = 10 * MSEC_SECOND;
	stage_begin(&t);
	stage_stop(&t);
	msec_t at = t.herd->stop_at;
	t.now += 3 * MSEC_SECOND;
	adopt(&t);
	ck_assert_int_eq(t.herd->state, HERD_WAITING_TO_STOP);
	stage_wait(&t, at - 1);
	ck_assert_uint_eq(t.told[EVENT_DRAIN_STARTED], 0);
	stage_wait(&t, at);
	ck_assert_uint_gt(t.told[EVENT_DRAIN_STARTED], 0);
	stage_close(&t);
}
END_TEST

START_TEST(an_end_that_nobody_may_have_heard_of_is_told_again)
{
	struct stage t;
	stage_start(&t, 1);
	stage_stop(&t);
	stage_wait(&t, t.now + 3 * MSEC_SECOND);
	stage_exited(&t, 1);
	ck_assert_int_eq(t.herd->state, HERD_LEFT);
	t.left = false;
	adopt(&t);
	ck_assert(t.left);
	stage_close(&t);
}
END_TEST

START_TEST(a_restart_goes_on_under_the_new_number)
{
	struct stage t;
	stage_start(&t, 2);
	stage_restart(&t, NULL, 0, false);
	adopt_renewed(&t, 7);
	ck_assert_uint_eq(t.herd->release, 7);
	ck_assert_uint_eq(stage_successor(&t, 0)->release, 7);
	for (unsigned slot = 0; slot < 2; slot++) {
		unsigned old = stage_resident(&t, slot)->id;
		stage_bring_up(&t, slot);
		stage_exited(&t, old);
	}
	ck_assert_uint_eq(t.told[EVENT_RESTART_DONE], 1);
	ck_assert_int_eq(stage_number(&t, EVENT_RESTART_DONE, "slots"), 2);
	stage_close(&t);
}
END_TEST

/* Or they would be shown as workers of another one, and restarted twice. */
START_TEST(who_serves_has_the_new_number_if_it_is_the_same_code)
{
	for (int same = 0; same < 2; same++) {
		struct stage t;
		stage_start(&t, 2);
		stage_resident(&t, 1)->release = 9;
		struct herd_event event = { .kind = HERD_ADOPT };
		event.adopt.release = 10;
		event.adopt.same_code = same;
		stage_feed(&t, event);
		ck_assert_uint_eq(stage_resident(&t, 0)->release, same ? 10 : 1);
		ck_assert_uint_eq(stage_resident(&t, 1)->release, 9);
		stage_close(&t);
	}
}
END_TEST

START_TEST(after_a_failure_it_goes_back_to_what_there_is)
{
	for (int deploys = 0; deploys < 2; deploys++) {
		struct stage t;
		stage_start(&t, 2);
		if (deploys)
			stage_deploy(&t, 2);
		else
			stage_restart(&t, NULL, 0, false);
		unsigned fresh = stage_successor(&t, 0)->id;
		stage_launched(&t, fresh);
		adopt_renewed(&t, 7);
		stage_exited(&t, fresh);
		ck_assert_uint_eq(t.told[EVENT_RESTART_DONE], 1);
		ck_assert_int_eq(stage_number(&t, EVENT_RESTART_DONE, "failed"), 1);
		ck_assert_uint_eq(t.herd->release, deploys ? 1 : 7);
		stage_close(&t);
	}
}
END_TEST

START_TEST(with_fewer_workers_configured_nobody_is_launched_who_would_have_to_go)
{
	struct stage t;
	stage_start(&t, 3);
	stage_exited(&t, stage_resident(&t, 2)->id);
	unsigned unborn = stage_resident(&t, 2)->id, surplus = stage_resident(&t, 1)->id;
	t.limits.workers = 1;
	herd_init(t.herd, &t.held[0], &t.limits);
	adopt(&t);
	ck_assert_uint_eq(stage_orders(&t, ORDER_LAUNCH), 0);
	ck_assert(is_ordered(&t, ORDER_FORGET, unborn));
	ck_assert_int_eq(herd_worker(t.herd, surplus)->life.state, WORKER_LEAVING);
	ck_assert_uint_eq(t.told[EVENT_WORKER_FAILED], 0);
	stage_close(&t);
}
END_TEST

START_TEST(what_is_configured_today_holds)
{
	struct stage t;
	stage_start(&t, 2);
	t.herd->n_slots = 7;
	t.herd->futile[CAUSE_SOFT].min_useful_life = 1;
	t.now += MSEC_HOUR;
	adopt(&t);
	ck_assert_uint_eq(t.herd->n_slots, 2);
	ck_assert_int_eq(t.herd->futile[CAUSE_SOFT].min_useful_life,
			 t.config.restart.min_useful_life);
	ck_assert_int_eq(t.herd->started, t.now);
	stage_close(&t);
}
END_TEST

START_TEST(a_process_is_known_by_when_it_started_as_well)
{
	struct stage t;
	const struct worker *w = boot_one(&t);
	stage_feed(&t, (struct herd_event){ .kind = HERD_LAUNCHED,
					    .worker = w->id,
					    .number = 4711,
					    .start_ticks = 815 });
	ck_assert_int_eq(w->pid, 4711);
	ck_assert_uint_eq(w->start_ticks, 815);
	stage_close(&t);
}
END_TEST

SUITE("herd_adopt", one_line_tells_of_the_herd_and_one_of_each_who_ended_meanwhile,
      a_quiet_herd_is_asked_for_its_readings_and_nothing_else_happens_to_it,
      silence_while_nobody_listened_is_no_sign_of_hanging,
      only_an_allocator_that_is_not_known_is_looked_for_again,
      a_drain_that_may_hear_of_its_term_only_now_has_all_of_its_patience,
      for_one_that_surely_had_its_term_the_time_goes_on,
      a_round_of_half_closing_that_may_be_lost_is_done_again, after_a_second_stop_drains_stay_short,
      who_was_killed_is_killed_again_and_counted_once,
      who_was_never_launched_is_launched_and_has_all_of_its_patience,
      who_boots_is_asked_anew_and_has_what_was_left_of_its_patience,
      who_is_given_up_is_told_to_go_again_or_over_if_it_never_was,
      who_can_not_become_a_mold_any_more_is_told_to_go, nor_can_one_whose_successor_boots,
      nobody_who_was_adopted_is_chosen_to_be_the_next_mold,
      another_daemons_mold_is_counted_until_ours_is_there,
      another_daemons_mold_is_not_kept_for_nothing,
      ours_is_made_of_the_same_release_beside_another_daemons,
      no_limit_acts_on_what_was_read_before, one_over_its_limit_is_seen_by_the_first_reading,
      a_guard_for_a_limit_that_was_changed_is_lifted, a_stop_that_was_waited_for_comes,
      an_end_that_nobody_may_have_heard_of_is_told_again, a_restart_goes_on_under_the_new_number,
      who_serves_has_the_new_number_if_it_is_the_same_code,
      after_a_failure_it_goes_back_to_what_there_is,
      with_fewer_workers_configured_nobody_is_launched_who_would_have_to_go,
      what_is_configured_today_holds, a_process_is_known_by_when_it_started_as_well)
