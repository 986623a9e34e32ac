#include "core/hook.h"

#include <errno.h>

#include "herd_play.h"

static const char *got(const struct strings *envp, const char *key) {
	const char *value = strings_get(envp, key);
	return value != NULL ? value : "(unset)";
}

static void stage_with_hooks(struct stage *t) {
	stage_open(t, 2);
	ck_assert_int_eq(strings_add(&t->config.hooks.before_restart, "a"), 0);
	ck_assert_int_eq(strings_add(&t->config.hooks.after_sample, "b"), 0);
	stage_begin(t);
}

static unsigned ordered(const struct stage *t) {
	return (unsigned)stage_order(t, ORDER_HOOK)->number;
}

START_TEST(before_a_restart_it_is_told_who_goes_and_why)
{
	struct stage t;
	struct strings envp = { 0 };
	char pid[16];
	stage_with_hooks(&t);
	snprintf(pid, sizeof pid, "%d", stage_resident(&t, 1)->pid);
	stage_read(&t, stage_resident(&t, 1)->id, 700 * MIB);
	ck_assert_int_eq(hook_environment(t.herd, ordered(&t), &envp), 0);
	ck_assert_str_eq(got(&envp, "PUMAKEEPER_EVENT"), "before_restart");
	ck_assert_str_eq(got(&envp, "PUMAKEEPER_SLOT"), "1");
	ck_assert_str_eq(got(&envp, "PUMAKEEPER_PID"), pid);
	ck_assert_str_eq(got(&envp, "PUMAKEEPER_CAUSE"), "hard");
	ck_assert_str_eq(got(&envp, "PUMAKEEPER_RSS_BYTES"), "754974720");
	ck_assert_str_eq(got(&envp, "PUMAKEEPER_PSS_BYTES"), "739246080");
	ck_assert_str_eq(got(&envp, "PUMAKEEPER_USS_BYTES"), "734003200");
	ck_assert_str_eq(got(&envp, "PUMAKEEPER_LIMIT_BYTES"), "629145600");
	ck_assert_str_eq(got(&envp, "PUMAKEEPER_PARENT_PID"), "(unset)");
	strings_finish(&envp);
	stage_close(&t);
}
END_TEST

static void mold_is_ready(struct stage *t, unsigned generation, int pid) {
	struct herd_event event = { .kind = HERD_PARENT, .generation = generation };
	event.parent.release = 1;
	event.parent.pid = pid;
	event.parent.state = MOLD_READY;
	stage_feed(t, event);
}

START_TEST(what_is_not_known_is_not_told)
{
	struct stage t;
	struct strings envp = { 0 };
	const unsigned slots[] = { 0 };
	stage_open(&t, 1);
	ck_assert_int_eq(strings_add(&t.config.hooks.before_restart, "a"), 0);
	t.held[0] = t.config;
	herd_init(t.herd, &t.held[0], &t.limits);
	stage_feed(&t, (struct herd_event){ .kind = HERD_START });
	stage_boot_all(&t);
	mold_is_ready(&t, 1, 55);
	stage_restart(&t, slots, 1, false);
	ck_assert_int_eq(hook_environment(t.herd, ordered(&t), &envp), 0);
	ck_assert_str_eq(got(&envp, "PUMAKEEPER_CAUSE"), "restart");
	ck_assert_str_eq(got(&envp, "PUMAKEEPER_PARENT_PID"), "55");
	ck_assert_str_eq(got(&envp, "PUMAKEEPER_RSS_BYTES"), "(unset)");
	ck_assert_str_eq(got(&envp, "PUMAKEEPER_USS_BYTES"), "(unset)");
	ck_assert_str_eq(got(&envp, "PUMAKEEPER_LIMIT_BYTES"), "(unset)");
	strings_finish(&envp);
	stage_close(&t);
}
END_TEST

START_TEST(after_a_sample_it_is_told_the_sums)
{
	struct stage t;
	struct strings envp = { 0 };
	stage_with_hooks(&t);
	stage_tick(&t, 70 * MIB);
	ck_assert_int_eq(hook_environment(t.herd, ordered(&t), &envp), 0);
	ck_assert_str_eq(got(&envp, "PUMAKEEPER_EVENT"), "after_sample");
	ck_assert_str_eq(got(&envp, "PUMAKEEPER_WORKERS"), "2");
	ck_assert_str_eq(got(&envp, "PUMAKEEPER_READY"), "2");
	ck_assert_str_eq(got(&envp, "PUMAKEEPER_RSS_BYTES"), "146800640");
	ck_assert_str_eq(got(&envp, "PUMAKEEPER_PSS_BYTES"), "115343360");
	ck_assert_str_eq(got(&envp, "PUMAKEEPER_USS_BYTES"), "104857600");
	ck_assert_str_eq(got(&envp, "PUMAKEEPER_SWAP_BYTES"), "0");
	ck_assert_str_eq(got(&envp, "PUMAKEEPER_LIMIT_BYTES"), "4294967296");
	ck_assert_str_eq(got(&envp, "PUMAKEEPER_SLOT"), "(unset)");
	strings_finish(&envp);
	stage_close(&t);
}
END_TEST

START_TEST(one_that_is_over_is_told_nothing)
{
	struct stage t;
	struct strings envp = { 0 };
	stage_with_hooks(&t);
	ck_assert_int_eq(hook_environment(t.herd, 0, &envp), -ESRCH);
	ck_assert_int_eq(hook_environment(t.herd, 7, &envp), -ESRCH);
	ck_assert_uint_eq(envp.len, 0);
	stage_close(&t);
}
END_TEST

SUITE("hook", before_a_restart_it_is_told_who_goes_and_why, what_is_not_known_is_not_told,
      after_a_sample_it_is_told_the_sums, one_that_is_over_is_told_nothing)
