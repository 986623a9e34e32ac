#include "os/preflight.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite.h"

static struct preflight result;
static enum spawn_step failed;

static int look(const char *script, msec_t patience) {
	const char *const argv[] = { "/bin/sh", "-c", script, NULL };
	const char *const envp[] = { "PATH=/bin:/usr/bin", NULL };
	free(result.told);
	return preflight_run(
		&(struct spawn){ .argv = (char *const *)argv, .envp = (char *const *)envp },
		patience, &result, &failed);
}

START_TEST(what_is_told_comes_back_as_one_line)
{
	ck_assert_int_eq(look("echo noise; echo '{\"pid\":1}' >&3; echo more >&3", 10000), 0);
	ck_assert_str_eq(result.told, "{\"pid\":1}");
	ck_assert_str_eq(result.output, "noise\n");
	ck_assert_int_gt(result.pid, 1);
}
END_TEST

START_TEST(a_program_that_goes_on_after_telling_is_ended)
{
	ck_assert_int_eq(look("echo told >&3; exec sleep 100", 10000), 0);
	ck_assert_str_eq(result.told, "told");
	ck_assert_int_eq(WTERMSIG(result.status), SIGKILL);
	ck_assert_int_eq(waitpid(result.pid, NULL, WNOHANG), -1); /* reaped */
}
END_TEST

START_TEST(one_that_ends_and_tells_nothing_is_quoted)
{
	ck_assert_int_eq(look("echo 'config/puma.rb:3: no such thing' >&2; exit 3", 10000),
			 -ENODATA);
	ck_assert_ptr_null(result.told);
	ck_assert_str_eq(result.output, "config/puma.rb:3: no such thing\n");
	ck_assert_int_eq(WEXITSTATUS(result.status), 3);
}
END_TEST

START_TEST(only_the_end_of_much_output_is_kept)
{
	ck_assert_int_eq(look("seq 1 100000; echo last", 10000), -ENODATA);
	ck_assert_uint_eq(strlen(result.output), sizeof result.output - 1);
	ck_assert_ptr_nonnull(strstr(result.output, "100000\nlast\n"));
}
END_TEST

START_TEST(patience_ends_and_takes_the_whole_group_with_it)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1); /* so that the grandchild's end is ours to see */
	ck_assert_int_eq(look("sleep 100 & sleep 100", 50), -ETIMEDOUT);
	ck_assert_int_eq(WTERMSIG(result.status), SIGKILL);
	int status = 0;
	ck_assert_int_gt(waitpid(-result.pid, &status, 0), 0);
	ck_assert_int_eq(WTERMSIG(status), SIGKILL);
	prctl(PR_SET_CHILD_SUBREAPER, 0);
}
END_TEST

START_TEST(a_child_that_keeps_the_pipe_open_costs_no_patience)
{
	ck_assert_int_eq(look("sleep 100 & exit 4", 60000), -ENODATA);
	ck_assert_int_eq(WEXITSTATUS(result.status), 4);
}
END_TEST

START_TEST(half_a_line_and_an_endless_one_are_nothing)
{
	ck_assert_int_eq(look("printf half >&3", 10000), -ENODATA);
	ck_assert_ptr_null(result.told);
	ck_assert_int_eq(look("exec yes | tr -d '\\n' >&3", 10000), -EMSGSIZE);
	ck_assert_ptr_null(result.told);
}
END_TEST

START_TEST(what_can_not_be_started_says_in_which_step)
{
	const char *const argv[] = { "/nowhere/puma", NULL };
	const char *const envp[] = { NULL };
	free(result.told);
	int error = preflight_run(
		&(struct spawn){ .argv = (char *const *)argv, .envp = (char *const *)envp }, 1000,
		&result, &failed);
	ck_assert_int_eq(error, -ENOENT);
	ck_assert_int_eq(failed, SPAWN_EXEC);
}
END_TEST

/* A signal ends who looks; the process whose pid `tells` writes to descriptor 9 ends, too. */
static void end_the_looker(const char *tells, int number) {
	int ends[2], status = 0;
	pid_t looked_at = 0;
	ck_assert_int_eq(pipe(ends), 0);
	pid_t looker = fork();
	if (looker == 0) {
		char script[160];
		signal(number, SIG_DFL); /* Check has handlers of its own */
		snprintf(script, sizeof script, "exec 9> /proc/%d/fd/%d; %s", (int)getpid(),
			 ends[1], tells);
		_exit(look(script, 100000) == 0);
	}
	close(ends[1]); /* so that a look that can't begin is an end of file, and not for ever */
	FILE *told = fdopen(ends[0], "r");
	ck_assert_int_eq(fscanf(told, "%d", &looked_at), 1);
	int pidfd = (int)syscall(SYS_pidfd_open, looked_at, 0);
	ck_assert_int_ge(pidfd, 0);
	kill(looker, number);
	ck_assert_int_eq(waitpid(looker, &status, 0), looker);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == number);
	struct pollfd gone = { .fd = pidfd, .events = POLLIN };
	ck_assert_int_eq(poll(&gone, 1, 10000), 1);
	close(pidfd);
	fclose(told);
}

START_TEST(a_look_ends_with_who_looks)
{ end_the_looker("echo $$ >&9; exec sleep 100 9>&-", SIGKILL); }
END_TEST

/* It is in a session of its own, so that only who looks gets the signal. */
START_TEST(after_a_ctrl_c_nothing_is_left_that_it_had_started)
{
	end_the_looker("sleep 100 9>&- & echo $! >&9; wait", SIGINT);
	end_the_looker("sleep 100 9>&- & echo $! >&9; wait", SIGTERM);
}
END_TEST

/* It would end a daemon in the middle of an upgrade, and its workers would be nobody's. */
START_TEST(a_signal_that_was_blocked_before_is_left_for_later)
{
	char sh[] = "/bin/sh", flag[] = "-c", script[] = "echo told >&3";
	char *const shell[] = { sh, flag, script, NULL };
	const struct spawn program = { .argv = shell, .envp = environ };
	static const int signals[] = { SIGTERM, SIGHUP, SIGINT };
	sigset_t held, pending;
	sigemptyset(&held);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		sigaddset(&held, signals[i]);
	sigprocmask(SIG_BLOCK, &held, NULL);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		raise(signals[i]);
	ck_assert_int_eq(preflight_run(&program, 10 * MSEC_SECOND, &result, &failed), 0);
	free(result.told);
	sigpending(&pending);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		ck_assert(sigismember(&pending, signals[i]));
		signal(signals[i], SIG_IGN);
	}
	sigprocmask(SIG_UNBLOCK, &held, NULL);
}
END_TEST

SUITE("preflight", what_is_told_comes_back_as_one_line,
      a_program_that_goes_on_after_telling_is_ended, one_that_ends_and_tells_nothing_is_quoted,
      only_the_end_of_much_output_is_kept, patience_ends_and_takes_the_whole_group_with_it,
      a_child_that_keeps_the_pipe_open_costs_no_patience,
      half_a_line_and_an_endless_one_are_nothing, what_can_not_be_started_says_in_which_step,
      a_look_ends_with_who_looks, after_a_ctrl_c_nothing_is_left_that_it_had_started,
      a_signal_that_was_blocked_before_is_left_for_later)
