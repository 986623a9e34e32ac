#include "os/exit_status.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/fd.h"

/* Ours is the parent; who ends is its child, and is reaped when we say so. */
struct family {
	pid_t parent, child;
	int pidfd;       /* the child's */
	int says, hears; /* of the parent */
};

static void life_of_child(int wait, int how) {
	char byte;
	struct rlimit no_core = { 0 };
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CORE, &no_core);
	if (read(wait, &byte, 1) != 1)
		_exit(99);
	if (how < 0) {
		signal(-how, SIG_DFL); /* Check has a handler that ends its whole group */
		kill(getpid(), -how);
	}
	_exit(how);
}

static void life_of_parent(int says, int hears, int how) {
	char byte;
	int ends[2];
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (pipe2(ends, O_CLOEXEC) != 0)
		_exit(1);
	pid_t child = fork();
	if (child == 0)
		life_of_child(ends[0], how);
	(void)!write(says, &child, sizeof child);
	if (read(hears, &byte, 1) == 1)
		(void)!write(ends[1], "x", 1);
	if (read(hears, &byte, 1) == 1 && waitpid(child, NULL, 0) == child)
		(void)!write(says, "r", 1);
	_exit(0);
}

static struct family start(int how) {
	int up[2], down[2];
	ck_assert_int_eq(pipe2(up, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(down, O_CLOEXEC), 0);
	struct family f = { .says = up[0], .hears = down[1] };
	f.parent = fork();
	if (f.parent == 0)
		life_of_parent(up[1], down[0], how);
	close(up[1]);
	close(down[0]);
	ck_assert_int_eq(read(f.says, &f.child, sizeof f.child), (ssize_t)sizeof f.child);
	f.pidfd = (int)syscall(SYS_pidfd_open, f.child, 0);
	ck_assert_int_ge(f.pidfd, 0);
	return f;
}

static void end_child(const struct family *f) {
	struct pollfd ended = { .fd = f->pidfd, .events = POLLIN };
	ck_assert_int_eq(write(f->hears, "x", 1), 1);
	ck_assert_int_eq(poll(&ended, 1, 5000), 1);
}

static void reap_child(const struct family *f) {
	char byte;
	ck_assert_int_eq(write(f->hears, "x", 1), 1);
	ck_assert_int_eq(read(f->says, &byte, 1), 1);
}

static void finish(struct family *f) {
	fd_close(&f->pidfd);
	fd_close(&f->says);
	fd_close(&f->hears);
	waitpid(f->parent, NULL, 0);
}

static bool untold; /* this kernel can't */

/* A kernel of 6.13 or 6.14 shows it only now; older ones refuse any question. */
START_TEST(a_kernel_that_does_not_tell_is_known)
{
	struct family f = start(0);
	int status = 12345;
	int alive = exit_status(f.pidfd, &status);
	end_child(&f);
	reap_child(&f);
	int reaped = exit_status(f.pidfd, &status);
	untold = reaped == -ENOTSUP;
	ck_assert_int_eq(reaped, untold ? -ENOTSUP : 0);
	ck_assert(alive == -EAGAIN || (untold && alive == -ENOTSUP));
	finish(&f);
}
END_TEST

START_TEST(how_a_strangers_child_ended_is_told_once_it_is_reaped)
{
	if (untold)
		return; /* main() says so */
	static const int ways[] = { 0, 3, 255, -SIGTERM, -SIGKILL, -SIGSEGV };
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		struct family f = start(ways[i]);
		int status = 12345;
		end_child(&f);
		ck_assert_int_eq(exit_status(f.pidfd, &status), -EAGAIN);
		ck_assert_int_eq(status, 12345);
		reap_child(&f);
		ck_assert_int_eq(exit_status(f.pidfd, &status), 0);
		if (ways[i] >= 0)
			ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == ways[i]);
		else
			ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == -ways[i]);
		finish(&f);
	}
}
END_TEST

START_TEST(what_is_no_process_is_not_told)
{
	int status = 12345;
	AUTOCLOSE int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(exit_status(file, &status), -ENOTSUP);
	ck_assert_int_eq(exit_status(-1, &status), -EBADF);
	ck_assert_int_eq(status, 12345);
}
END_TEST

START_TEST(a_status_is_told_in_words)
{
	const struct {
		siginfo_t info;
		const char *words;
	} ways[] = {
		{ { .si_code = CLD_EXITED, .si_status = 0 }, "exit status 0" },
		{ { .si_code = CLD_EXITED, .si_status = 3 }, "exit status 3" },
		{ { .si_code = CLD_KILLED, .si_status = SIGKILL }, "SIGKILL" },
		{ { .si_code = CLD_DUMPED, .si_status = SIGSEGV }, "SIGSEGV, core dumped" },
	};
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		char text[64];
		exit_status_print(exit_status_of(&ways[i].info), text, sizeof text);
		ck_assert_str_eq(text, ways[i].words);
	}
}
END_TEST

/* suite.h knows no skip. In order and in this process: the first one says what the kernel can. */
int main(void) {
	Suite *suite = suite_create("exit_status");
	TCase *tcase = tcase_create("exit_status");
	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, a_kernel_that_does_not_tell_is_known);
	tcase_add_test(tcase, how_a_strangers_child_ended_is_told_once_it_is_reaped);
	tcase_add_test(tcase, what_is_no_process_is_not_told);
	tcase_add_test(tcase, a_status_is_told_in_words);
	SRunner *runner = srunner_create(suite);
	srunner_set_fork_status(runner, CK_NOFORK);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	if (failed > 0)
		return EXIT_FAILURE;
	if (untold)
		puts("skipped: this kernel (before 6.15) tells nobody how a stranger ended");
	return untold ? 77 : EXIT_SUCCESS;
}
