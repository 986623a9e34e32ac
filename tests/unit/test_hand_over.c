#include "os/hand_over.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite.h"

static struct inherited in;
static char self[4096];

#define SECOND "PUMAKEEPER_TEST_SECOND_LIFE"

/* The other image: what it was given, and whether a TERM that came meanwhile was kept for it. */
static int second_life(void) {
	sigset_t pending;
	if (hand_over_take(&in) != 0 || in.len != 2)
		return 10;
	if (strcmp(in.list[0].name, "state") != 0 || strcmp(in.list[1].name, "a b=c,d") != 0)
		return 11;
	if (fcntl(in.list[0].fd, F_GETFD) != FD_CLOEXEC || write(in.list[0].fd, "x", 1) != 1)
		return 12;
	if (getenv("PUMAKEEPER_HANDED_OVER") != NULL)
		return 13;
	sigpending(&pending);
	if (!sigismember(&pending, SIGTERM))
		return 14;
	hand_over_listen();
	return 15; /* not reached: the TERM ends us */
}

static void on_early(int number UNUSED) {
	_exit(3);
}

START_TEST(the_next_image_has_the_descriptors_by_name_and_no_signal_is_lost)
{
	int ends[2];
	char byte;
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		const struct handed_over list[] = { { "state", ends[1] }, { "a b=c,d", ends[0] } };
		char *const argv[] = { self, NULL };
		setenv(SECOND, "1", 1);
		signal(SIGTERM, on_early);
		hand_over_hold();
		raise(SIGTERM); /* it would be this image's, which does nothing any more */
		_exit(hand_over(self, argv, list, 2) == 0 ? 1 : 2);
	}
	int status = 0;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM, "status %x", status);
	ck_assert_int_eq(read(ends[0], &byte, 1), 1);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(an_image_that_is_not_there_leaves_everything_as_it_was)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	const struct handed_over list[] = { { "state", fd } };
	char word[] = "x", *const argv[] = { word, NULL };
	sigset_t mask;
	ck_assert_int_eq(hand_over("/nowhere/pumakeeperd", argv, list, 1), -ENOENT);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_ptr_null(getenv("PUMAKEEPER_HANDED_OVER"));
	sigprocmask(SIG_BLOCK, NULL, &mask);
	ck_assert(!sigismember(&mask, SIGTERM));
	close(fd);
}
END_TEST

START_TEST(what_was_meant_for_another_process_or_is_none_is_not_taken)
{
	char value[64];
	static const char *const others[] = { "1\n0 state\n", "", "x", "\n", "1" };
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		in.len = 0;
		setenv("PUMAKEEPER_HANDED_OVER", others[i], 1);
		ck_assert_int_eq(hand_over_take(&in), 0);
		ck_assert_uint_eq(in.len, 0);
		ck_assert_ptr_null(getenv("PUMAKEEPER_HANDED_OVER"));
	}
	static const char *const lines[] = { "987 closed\n", "x\n", "\n\n", "-1 a\n", "" };
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		in.len = 0;
		snprintf(value, sizeof value, "%d\n%s", (int)getpid(), lines[i]);
		setenv("PUMAKEEPER_HANDED_OVER", value, 1);
		ck_assert_int_eq(hand_over_take(&in), 0);
		ck_assert_msg(in.len == 0, "%s", lines[i]);
	}
}
END_TEST

int main(void) {
	if (getenv(SECOND) != NULL)
		return second_life();
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	self[n > 0 ? n : 0] = '\0';
	const TTest *const tests[] = {
		the_next_image_has_the_descriptors_by_name_and_no_signal_is_lost,
		an_image_that_is_not_there_leaves_everything_as_it_was,
		what_was_meant_for_another_process_or_is_none_is_not_taken,
	};
	return suite_run("hand_over", tests, ARRAY_LEN(tests));
}
