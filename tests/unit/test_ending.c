#include "daemon/ending.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/clock.h"
#include "suite.h"

static struct ending e;

/* Adds a child that ends with TERM, or that does not want to. */
static pid_t add(bool is_stubborn) {
	int ready[2];
	char byte;
	ck_assert_int_eq(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0) {
		signal(SIGTERM, is_stubborn ? SIG_IGN : SIG_DFL);
		close(ready[0]);
		close(ready[1]);
		for (;;)
			pause();
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 0);
	close(ready[0]);
	ending_add(&e, pid, (int)syscall(SYS_pidfd_open, pid, 0), "worker", 3);
	return pid;
}

static int signal_of(pid_t pid) {
	int status;
	ck_assert_int_eq(waitpid(pid, &status, WNOHANG), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

START_TEST(who_obeys_is_not_killed_and_who_does_not_is)
{
	pid_t good = add(false), bad = add(true);
	ck_assert_uint_eq(e.len, 2);
	ck_assert_uint_eq(ending_run(&e, 300), 0);
	ck_assert_int_eq(signal_of(good), SIGTERM);
	ck_assert_int_eq(signal_of(bad), SIGKILL);
	ck_assert_uint_eq(e.len, 0);
}
END_TEST

START_TEST(one_that_is_stopped_reads_its_term_too)
{
	pid_t pid = add(false);
	kill(pid, SIGSTOP);
	ck_assert_uint_eq(ending_run(&e, 10000), 0);
	ck_assert_int_eq(signal_of(pid), SIGTERM);
}
END_TEST

START_TEST(who_is_gone_is_not_added)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), copy = fcntl(pidfd, F_DUPFD, 100);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ending_add(&e, pid, pidfd, "worker", 0);
	ending_add(&e, pid, -1, "worker", 0);
	ck_assert_uint_eq(e.len, 0);
	ck_assert_int_eq(fcntl(pidfd, F_GETFD), -1);
	close(copy);
	ck_assert_uint_eq(ending_run(&e, 10000), 0);
}
END_TEST

START_TEST(nobody_waits_any_longer_for_the_patience_after_a_ctrl_c)
{
	pid_t pid = add(true);
	msec_t began = clock_now();
	ending_obey();
	raise(SIGINT);
	ck_assert_uint_eq(ending_run(&e, 60000), 0);
	ck_assert_int_lt(clock_now() - began, 10000);
	ck_assert_int_eq(signal_of(pid), SIGKILL);
}
END_TEST

SUITE("ending", who_obeys_is_not_killed_and_who_does_not_is, one_that_is_stopped_reads_its_term_too,
      who_is_gone_is_not_added, nobody_waits_any_longer_for_the_patience_after_a_ctrl_c)
