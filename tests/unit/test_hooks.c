/* Real processes on a real loop: how they end, and whom they take with them. */
#include "daemon/hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite.h"
#include "util/fd.h"

static struct ev_loop *loop;
static struct hooks *hooks;
static unsigned ended, last;
static char last_why[100];

static void on_ended(void *context UNUSED, unsigned id, const char *why) {
	ended++;
	last = id;
	snprintf(last_why, sizeof last_why, "%s", why != NULL ? why : "well");
	ev_break(loop, EVBREAK_ALL);
}

static void begin(void) {
	loop = ev_loop_new(0);
	hooks = hooks_create(loop, on_ended, NULL);
	ck_assert_ptr_nonnull(hooks);
	ended = 0;
}

static void finish(void) {
	hooks_destroy(hooks);
	ev_loop_destroy(loop);
}

static int start(unsigned id, const char *script, int output) {
	char word[] = "sh", flag[] = "-c", path[] = "PATH=/bin:/usr/bin", text[200];
	char *argv[] = { word, flag, text, NULL }, *envp[] = { path, NULL };
	const struct spawn program = {
		.argv = argv, .envp = envp, .dies_with_us = true, .output = output
	};
	enum spawn_step step;
	snprintf(text, sizeof text, "%s", script);
	return hooks_start(hooks, id, &program, &step);
}

START_TEST(one_that_has_ended_is_told_of_once_and_how)
{
	static const struct {
		const char *script, *why;
	} ways[] = {
		{ "exit 0", "well" },
		{ "exit 3", "exit status 3" },
		{ "kill -SEGV $$", "SIGSEGV" },
		{ "sleep 0.1 & exit 0", "well" }, /* what is left is its own business */
	};
	begin();
	for (unsigned i = 0; i < ARRAY_LEN(ways); i++) {
		ck_assert_int_eq(start(i + 1, ways[i].script, -1), 0);
		ev_run(loop, 0);
		ck_assert_uint_eq(ended, i + 1);
		ck_assert_uint_eq(last, i + 1);
		ck_assert_msg(strncmp(last_why, ways[i].why, strlen(ways[i].why)) == 0, "%s: %s",
			      ways[i].script, last_why);
	}
	ck_assert(!ev_run(loop, EVRUN_NOWAIT)); /* nobody is watched any more */
	finish();
}
END_TEST

/* Ends when nobody has the other end any more: a process and all that it has started. */
static void await_all_gone(int reading) {
	struct pollfd all = { .fd = reading, .events = POLLIN };
	char bytes[100];
	ssize_t n;
	do {
		ck_assert_int_eq(poll(&all, 1, 10000), 1);
		n = read(reading, bytes, sizeof bytes);
	} while (n > 0);
	ck_assert_int_eq(n, 0);
}

static void await_word(int reading) {
	char byte;
	struct pollfd word = { .fd = reading, .events = POLLIN };
	ck_assert_int_eq(poll(&word, 1, 10000), 1);
	ck_assert_int_eq(read(reading, &byte, 1), 1);
}

START_TEST(one_that_is_ended_goes_with_its_children_and_is_not_told_of)
{
	int ends[2];
	begin();
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_eq(start(7, "trap '' TERM; sleep 1000 & echo; wait", ends[1]), 0);
	ck_assert_int_eq(start(8, "exit 0", -1), 0);
	close(ends[1]);
	await_word(ends[0]);
	hooks_end(hooks, 7);
	hooks_end(hooks, 7);
	hooks_end(hooks, 99); /* nobody */
	await_all_gone(ends[0]);
	while (ev_run(loop, EVRUN_ONCE) != 0) /* until both are reaped */
		;
	ck_assert_uint_eq(ended, 1);
	ck_assert_uint_eq(last, 8);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	close(ends[0]);
	finish();
}
END_TEST

START_TEST(with_the_set_they_all_end)
{
	int ends[2];
	begin();
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_eq(start(1, "sleep 1000 & echo; wait", ends[1]), 0);
	ck_assert_int_eq(start(2, "sleep 1000 & echo; wait", ends[1]), 0);
	close(ends[1]);
	await_word(ends[0]);
	await_word(ends[0]);
	finish();
	await_all_gone(ends[0]);
	while (waitpid(-1, NULL, 0) > 0)
		;
	hooks_destroy(NULL);
	close(ends[0]);
}
END_TEST

START_TEST(what_cannot_be_started_is_an_error_and_nobody_is_told)
{
	char word[] = "no such program", *argv[] = { word, NULL }, *envp[] = { NULL };
	const struct spawn program = { .argv = argv, .envp = envp, .output = -1 };
	enum spawn_step step;
	begin();
	ck_assert_int_eq(hooks_start(hooks, 1, &program, &step), -ENOENT);
	ck_assert_int_eq(step, SPAWN_EXEC);
	ck_assert(!ev_run(loop, EVRUN_NOWAIT));
	ck_assert_uint_eq(ended, 0);
	ck_assert(!hooks_own(hooks, getpid()));
	finish();
}
END_TEST

SUITE("hooks", one_that_has_ended_is_told_of_once_and_how,
      one_that_is_ended_goes_with_its_children_and_is_not_told_of, with_the_set_they_all_end,
      what_cannot_be_started_is_an_error_and_nobody_is_told)
