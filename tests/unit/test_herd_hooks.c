/* hooks.*: when a command runs, who waits for it, and that nobody waits for longer than its time. */
#include "core/hook.h"
#include "herd_world.h"

static void add_word(struct strings *words, const char *word) {
	ck_assert_int_eq(strings_add(words, word), 0);
}

static void stage_with_hook(struct stage *t, unsigned workers) {
	stage_open(t, workers);
	add_word(&t->config.hooks.before_restart, "bin/before_restart");
	t->config.restart.cooldown = 0;
	stage_begin(t);
}

static void leak(struct stage *t, unsigned slot) {
	stage_read(t, stage_resident(t, slot)->id, 700 * MIB);
}

/* The id of the hook that was ordered by the last step. */
static int ordered_hook(const struct stage *t) {
	const struct order *o = stage_order(t, ORDER_HOOK);
	ck_assert_ptr_nonnull(o);
	return o->number;
}

static void hook_ends(struct stage *t, int id, const char *why) {
	stage_feed(t, (struct herd_event){ .kind = HERD_HOOK_ENDED, .number = id, .text = why });
}

START_TEST(without_a_hook_nothing_is_run_and_nothing_waits)
{
	struct stage t;
	stage_start(&t, 2);
	unsigned old = stage_resident(&t, 0)->id;
	leak(&t, 0);
	ck_assert_ptr_null(stage_order(&t, ORDER_HOOK));
	stage_bring_up(&t, 0);
	ck_assert(stage_signalled(&t, old, SIGTERM));
	stage_tick(&t, 60 * MIB);
	ck_assert_ptr_null(stage_order(&t, ORDER_HOOK));
	stage_close(&t);
}
END_TEST

START_TEST(it_runs_while_the_successor_boots_and_the_old_one_goes_when_both_are_done)
{
	for (int hook_first = 0; hook_first < 2; hook_first++) {
		struct stage t;
		stage_with_hook(&t, 2);
		unsigned old = stage_resident(&t, 0)->id;
		leak(&t, 0);
		int hook = ordered_hook(&t);
		ck_assert_uint_eq(stage_order(&t, ORDER_HOOK)->worker, old);
		ck_assert_ptr_nonnull(stage_order(&t, ORDER_LAUNCH));
		unsigned fresh = stage_successor(&t, 0)->id;
		stage_launched(&t, fresh);
		t.now += MSEC_SECOND;
		if (hook_first)
			hook_ends(&t, hook, NULL);
		else
			stage_answered(&t, fresh);
		ck_assert(!stage_signalled(&t, old, SIGTERM));
		ck_assert_uint_eq(stage_resident(&t, 0)->id, old);
		if (hook_first)
			stage_answered(&t, fresh);
		else
			hook_ends(&t, hook, NULL);
		ck_assert(stage_signalled(&t, old, SIGTERM));
		ck_assert_uint_eq(stage_resident(&t, 0)->id, fresh);
		ck_assert_str_eq(stage_said(&t, EVENT_HOOK_DONE, "which"), "before_restart");
		ck_assert_int_eq(stage_number(&t, EVENT_HOOK_DONE, "took"), MSEC_SECOND);
		stage_exited(&t, old);
		ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_DONE], 1);
		ck_assert_uint_eq(t.told[EVENT_HOOK_FAILED], 0);
		stage_close(&t);
	}
}
END_TEST

START_TEST(one_that_never_ends_delays_by_its_time_and_is_ended)
{
	struct stage t;
	stage_with_hook(&t, 2);
	unsigned old = stage_resident(&t, 0)->id;
	leak(&t, 0);
	int hook = ordered_hook(&t);
	msec_t late = t.now + t.config.hooks.timeout;
	stage_bring_up(&t, 0);
	stage_wait(&t, late - 1);
	ck_assert_uint_eq(t.told[EVENT_DRAIN_STARTED], 0);
	t.now = late;
	stage_feed(&t, (struct herd_event){ .kind = HERD_DEADLINE });
	ck_assert_int_eq(stage_order(&t, ORDER_END_HOOK)->number, hook);
	ck_assert(stage_signalled(&t, old, SIGTERM));
	ck_assert_int_eq(stage_number(&t, EVENT_HOOK_FAILED, "slot"), 0);
	ck_assert_ptr_nonnull(strstr(stage_said(&t, EVENT_HOOK_FAILED, "reason"), "late"));
	hook_ends(&t, hook, "SIGKILL"); /* it may be told of still */
	ck_assert_uint_eq(t.told[EVENT_HOOK_FAILED], 1);
	ck_assert_uint_eq(t.herd->counters.hooks_failed, 1);
	stage_close(&t);
}
END_TEST

START_TEST(one_that_fails_is_told_of_and_prevents_nothing)
{
	struct stage t;
	stage_with_hook(&t, 2);
	unsigned old = stage_resident(&t, 0)->id;
	leak(&t, 0);
	hook_ends(&t, ordered_hook(&t), "exit status 3");
	ck_assert_str_eq(stage_said(&t, EVENT_HOOK_FAILED, "reason"), "exit status 3");
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_FAILED], 0);
	stage_bring_up(&t, 0);
	ck_assert(stage_signalled(&t, old, SIGTERM));
	stage_close(&t);
}
END_TEST

/* `surge` is off: there is no successor that could boot meanwhile. */
static unsigned stop_first(struct stage *t) {
	stage_open(t, 2);
	add_word(&t->config.hooks.before_restart, "bin/before_restart");
	t->config.restart.surge = false;
	stage_begin(t);
	unsigned old = stage_resident(t, 0)->id;
	leak(t, 0);
	return old;
}

START_TEST(one_that_stops_first_serves_until_its_hook_has_ended)
{
	struct stage t;
	unsigned old = stop_first(&t);
	ck_assert_str_eq(stage_said(&t, EVENT_REPLACEMENT_STARTED, "order"), "stop first");
	ck_assert_uint_eq(t.told[EVENT_DRAIN_STARTED], 0);
	ck_assert_uint_eq(herd_serving(t.herd), 2);
	hook_ends(&t, ordered_hook(&t), NULL);
	ck_assert(stage_signalled(&t, old, SIGTERM));
	stage_exited(&t, old);
	ck_assert_ptr_nonnull(stage_order(&t, ORDER_LAUNCH));
	stage_boot_all(&t);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_DONE], 1);
	stage_close(&t);
}
END_TEST

START_TEST(one_that_dies_while_its_hook_runs_is_followed_at_once)
{
	struct stage t;
	unsigned old = stop_first(&t);
	t.now += 2 * MSEC_MINUTE; /* not young */
	stage_exited(&t, old);
	ck_assert_ptr_nonnull(stage_order(&t, ORDER_LAUNCH));
	stage_boot_all(&t);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_DONE], 1);
	stage_close(&t);
}
END_TEST

START_TEST(a_person_in_a_hurry_waits_for_no_hook)
{
	const unsigned slots[] = { 0 };
	for (int force = 0; force < 2; force++) {
		struct stage t;
		stage_with_hook(&t, 2);
		unsigned old = stage_resident(&t, 0)->id;
		stage_restart(&t, slots, 1, force);
		ck_assert_uint_eq(stage_orders(&t, ORDER_HOOK), !force);
		stage_bring_up(&t, 0);
		ck_assert(stage_signalled(&t, old, SIGTERM) == force);
		stage_close(&t);
	}
}
END_TEST

START_TEST(a_stop_waits_for_no_hook)
{
	struct stage t;
	stage_with_hook(&t, 2);
	unsigned old = stage_resident(&t, 0)->id;
	leak(&t, 0);
	t.now += MSEC_SECOND; /* or it would be the last one, which waits for the queue */
	stage_bring_up(&t, 0);
	stage_stop(&t);
	ck_assert(stage_signalled(&t, old, SIGTERM));
	for (unsigned i = 0; i < t.herd->cells; i++) {
		if (t.herd->workers[i].life.state != WORKER_GONE)
			stage_exited(&t, t.herd->workers[i].id);
		stage_wait(&t, t.now + 3 * MSEC_SECOND);
	}
	ck_assert(t.left);
	stage_close(&t);
}
END_TEST

START_TEST(a_rehearsal_runs_none)
{
	struct stage t;
	stage_open(&t, 2);
	add_word(&t.config.hooks.before_restart, "bin/before_restart");
	t.config.restart.rehearse = true;
	stage_begin(&t);
	leak(&t, 0);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_REHEARSED], 1);
	ck_assert_ptr_null(stage_order(&t, ORDER_HOOK));
	stage_close(&t);
}
END_TEST

START_TEST(a_successor_that_dies_meanwhile_leaves_the_old_one_where_it_is)
{
	struct stage t;
	stage_with_hook(&t, 2);
	unsigned old = stage_resident(&t, 0)->id;
	leak(&t, 0);
	unsigned fresh = stage_bring_up(&t, 0);
	stage_exited(&t, fresh);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_FAILED], 1);
	ck_assert_uint_eq(stage_resident(&t, 0)->id, old);
	ck_assert_uint_eq(herd_in_flight(t.herd), 0);
	ck_assert_uint_eq(t.told[EVENT_DRAIN_STARTED], 0);
	stage_close(&t);
}
END_TEST

START_TEST(an_old_one_that_dies_meanwhile_is_replaced)
{
	struct stage t;
	stage_with_hook(&t, 2);
	unsigned old = stage_resident(&t, 0)->id;
	leak(&t, 0);
	unsigned fresh = stage_bring_up(&t, 0);
	stage_exited(&t, old);
	ck_assert_uint_eq(stage_resident(&t, 0)->id, fresh);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_DONE], 1);
	ck_assert_uint_eq(herd_in_flight(t.herd), 0);
	stage_close(&t);
}
END_TEST

START_TEST(a_successor_that_execs_meanwhile_has_to_prove_itself_again)
{
	struct stage t;
	stage_with_hook(&t, 2);
	unsigned old = stage_resident(&t, 0)->id;
	leak(&t, 0);
	int hook = ordered_hook(&t);
	unsigned fresh = stage_bring_up(&t, 0);
	stage_happens(&t, HERD_REBOOTED, fresh);
	hook_ends(&t, hook, NULL);
	ck_assert(!stage_signalled(&t, old, SIGTERM));
	stage_answered(&t, fresh);
	ck_assert(stage_signalled(&t, old, SIGTERM));
	stage_close(&t);
}
END_TEST

START_TEST(a_successor_that_grows_over_the_limit_meanwhile_speaks_of_its_futility)
{
	struct stage t;
	stage_with_hook(&t, 2);
	leak(&t, 0);
	for (int i = 0; i < 3; i++) {
		int hook = ordered_hook(&t);
		unsigned old = stage_resident(&t, 0)->id;
		unsigned fresh = stage_bring_up(&t, 0);
		stage_read(&t, fresh, 50 * MIB);
		stage_read(&t, fresh, 700 * MIB);
		ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_FUTILE], i == 2);
		hook_ends(&t, hook, NULL);
		stage_exited(&t, old);
	}
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], 3); /* and no fourth one */
	stage_close(&t);
}
END_TEST

START_TEST(a_hook_that_outlasts_its_replacement_ends_when_the_next_one_begins)
{
	struct stage t;
	stage_with_hook(&t, 2);
	t.config.hooks.timeout = 10 * MSEC_MINUTE;
	stage_reload(&t);
	leak(&t, 0);
	int first = ordered_hook(&t);
	stage_exited(&t, stage_bring_up(&t, 0)); /* failed; it is tried again after a pause */
	msec_t end = t.now + MSEC_MINUTE;
	while (t.told[EVENT_REPLACEMENT_STARTED] < 2 && t.now < end)
		stage_wait(&t, msec_max(herd_deadline(t.herd), t.now + 1));
	ck_assert_int_eq(stage_order(&t, ORDER_END_HOOK)->number, first);
	ck_assert_int_ne(ordered_hook(&t), first);
	hook_ends(&t, first, "SIGKILL");
	ck_assert_uint_ne(t.herd->slots[0].hook.id, 0);
	stage_close(&t);
}
END_TEST

static struct world *world_with_hook(msec_t timeout, bool surge, unsigned max_surge) {
	struct world *w = calloc(1, sizeof *w);
	world_open(w, 3);
	struct stage *t = &w->stage;
	add_word(&t->config.hooks.before_restart, "bin/before_restart");
	t->config.hooks.timeout = timeout;
	t->config.restart.surge = surge;
	t->config.restart.max_surge = max_surge;
	t->held[0] = t->config;
	herd_init(t->herd, &t->held[0], &t->limits);
	world_feed(w, (struct herd_event){ .kind = HERD_START });
	for (msec_t end = t->now + 10 * MSEC_SECOND; world_go_on(w, end);)
		;
	MUST(herd_serving(t->herd) == 3);
	w->least = UINT32_MAX;
	world_feed(w, (struct herd_event){ .kind = HERD_RESTART, .text = "a test" });
	return w;
}

START_TEST(the_next_daemon_waits_for_none_of_the_last_ones)
{
	for (int surge = 0; surge < 2; surge++) {
		struct world *w = world_with_hook(10 * MSEC_MINUTE, surge, 1);
		struct stage *t = &w->stage;
		for (msec_t end = t->now + 30 * MSEC_SECOND; world_go_on(w, end);)
			;
		ck_assert_uint_eq(t->told[EVENT_DRAIN_STARTED], 0);
		world_adopt(w, true, true, 0);
		ck_assert_uint_eq(t->told[EVENT_HOOK_FAILED], 1);
		ck_assert_ptr_nonnull(
			strstr(stage_said(t, EVENT_HOOK_FAILED, "reason"), "has ended"));
		for (msec_t end = t->now + 30 * MSEC_SECOND; world_go_on(w, end);)
			;
		ck_assert_uint_eq(t->told[EVENT_REPLACEMENT_DONE], 1);
		ck_assert_uint_eq(w->least, surge ? 3 : 2);
		world_close(w);
		free(w);
	}
}
END_TEST

START_TEST(each_sample_has_its_hook_but_never_two_at_a_time)
{
	struct stage t;
	stage_open(&t, 2);
	add_word(&t.config.hooks.after_sample, "bin/after_sample");
	stage_begin(&t);
	stage_tick(&t, 60 * MIB);
	int first = ordered_hook(&t);
	ck_assert_uint_eq(stage_order(&t, ORDER_HOOK)->worker, 0);
	stage_tick(&t, 60 * MIB);
	ck_assert_ptr_null(stage_order(&t, ORDER_HOOK));
	hook_ends(&t, first, NULL);
	ck_assert_uint_eq(t.told[EVENT_HOOK_DONE], 0); /* nobody waited for it */
	stage_tick(&t, 60 * MIB);
	int second = ordered_hook(&t);
	ck_assert_int_ne(second, first);
	hook_ends(&t, first, "late news");
	ck_assert_uint_eq(t.told[EVENT_HOOK_FAILED], 0);
	stage_wait(&t, t.now + t.config.hooks.timeout);
	ck_assert_uint_eq(t.told[EVENT_HOOK_FAILED], 1);
	stage_tick(&t, 60 * MIB);
	ck_assert_ptr_nonnull(stage_order(&t, ORDER_HOOK));
	stage_close(&t);
}
END_TEST

static void sample_hook_ends(struct stage *t, const char *why) {
	stage_tick(t, 60 * MIB);
	hook_ends(t, ordered_hook(t), why);
}

START_TEST(a_sample_s_hook_that_fails_is_told_once_until_it_is_mended)
{
	struct stage t;
	stage_open(&t, 2);
	add_word(&t.config.hooks.after_sample, "bin/after_sample");
	stage_begin(&t);
	for (int i = 0; i < 3; i++)
		sample_hook_ends(&t, "exit status 1");
	ck_assert_uint_eq(t.told[EVENT_HOOK_FAILED], 1);
	ck_assert_str_eq(stage_said(&t, EVENT_HOOK_FAILED, "which"), "after_sample");
	sample_hook_ends(&t, NULL);
	sample_hook_ends(&t, "exit status 1");
	ck_assert_uint_eq(t.told[EVENT_HOOK_FAILED], 2);
	stage_reload(&t);
	sample_hook_ends(&t, "exit status 1");
	ck_assert_uint_eq(t.told[EVENT_HOOK_FAILED], 3);
	ck_assert_uint_eq(t.herd->counters.hooks_failed, 5);
	stage_close(&t);
}
END_TEST

START_TEST(a_tick_without_figures_has_no_hook)
{
	struct stage t;
	stage_open(&t, 1);
	add_word(&t.config.hooks.after_sample, "bin/after_sample");
	stage_begin(&t);
	stage_happens(&t, HERD_READINGS, 0);
	ck_assert_ptr_null(stage_order(&t, ORDER_HOOK));
	stage_close(&t);
}
END_TEST

static void be_over_in_time(msec_t timeout, bool surge, unsigned max_surge) {
	struct world *w = world_with_hook(timeout, surge, max_surge);
	struct stage *t = &w->stage;
	msec_t each = timeout + BOOT_TAKES + DRAIN_TAKES + MSEC_SECOND;
	msec_t end = t->now + 3 * each;
	while (t->told[EVENT_RESTART_DONE] == 0 && world_go_on(w, end))
		;
	ck_assert_uint_eq(t->told[EVENT_RESTART_DONE], 1);
	ck_assert_uint_eq(t->told[EVENT_HOOK_FAILED], 3);
	ck_assert_uint_eq(t->herd->counters.replacements, 3);
	ck_assert_uint_ge(w->least, surge ? 3 : 2);
	world_close(w);
	free(w);
}

START_TEST(with_a_hook_that_never_ends_a_replacement_is_over_in_its_time)
{
	for (msec_t timeout = 100; timeout <= 10 * MSEC_MINUTE; timeout *= 7) {
		be_over_in_time(timeout, true, 1);
		be_over_in_time(timeout, true, 3);
		be_over_in_time(timeout, false, 1);
	}
}
END_TEST

SUITE("herd_hooks", without_a_hook_nothing_is_run_and_nothing_waits,
      it_runs_while_the_successor_boots_and_the_old_one_goes_when_both_are_done,
      one_that_never_ends_delays_by_its_time_and_is_ended,
      one_that_fails_is_told_of_and_prevents_nothing,
      one_that_stops_first_serves_until_its_hook_has_ended,
      one_that_dies_while_its_hook_runs_is_followed_at_once, a_person_in_a_hurry_waits_for_no_hook,
      a_stop_waits_for_no_hook, a_rehearsal_runs_none,
      a_successor_that_dies_meanwhile_leaves_the_old_one_where_it_is,
      an_old_one_that_dies_meanwhile_is_replaced,
      a_successor_that_execs_meanwhile_has_to_prove_itself_again,
      a_successor_that_grows_over_the_limit_meanwhile_speaks_of_its_futility,
      a_hook_that_outlasts_its_replacement_ends_when_the_next_one_begins,
      the_next_daemon_waits_for_none_of_the_last_ones,
      each_sample_has_its_hook_but_never_two_at_a_time,
      a_sample_s_hook_that_fails_is_told_once_until_it_is_mended,
      a_tick_without_figures_has_no_hook,
      with_a_hook_that_never_ends_a_replacement_is_over_in_its_time)
