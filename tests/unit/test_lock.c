#include "os/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "os/clock.h"
#include "suite.h"

static char directory[64], path[100];
static pid_t holder;

static void make_place(void) {
	strcpy(directory, "/tmp/test-lock-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/lock", directory);
}

static void remove_place(void) {
	unlink(path);
	rmdir(directory);
}

START_TEST(a_second_one_is_told_who_holds_it)
{
	make_place();
	int fd = lock_take(AT_FDCWD, path, &holder);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(lock_take(AT_FDCWD, path, &holder), -EWOULDBLOCK);
	ck_assert_int_eq(holder, getpid());
	close(fd);
	fd = lock_take(AT_FDCWD, path, &holder);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(holder, 0);
	close(fd);
	remove_place();
}
END_TEST

/* flock(2) asks for no right to write. */
START_TEST(nobody_else_may_open_it_and_so_hold_it)
{
	struct stat st;
	make_place();
	close(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644)); /* of an older version */
	int fd = lock_take(AT_FDCWD, path, &holder);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	close(fd);
	unlink(path);
	fd = lock_take(AT_FDCWD, path, &holder);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	close(fd);
	remove_place();
}
END_TEST

START_TEST(a_handed_over_descriptor_holds_it_on)
{
	make_place();
	int fd = lock_take(AT_FDCWD, path, &holder);
	int handed = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	close(fd);
	ck_assert_int_eq(lock_take(AT_FDCWD, path, &holder), -EWOULDBLOCK);
	close(handed);
	remove_place();
}
END_TEST

START_TEST(garbage_in_the_file_is_no_pid)
{
	make_place();
	int fd = lock_take(AT_FDCWD, path, &holder);
	static const char *const garbage[] = { "", "x", "-5", "99999999999999999999" };
	for (size_t i = 0; i < ARRAY_LEN(garbage); i++) {
		ck_assert_int_eq(ftruncate(fd, 0), 0);
		ck_assert_int_ge(pwrite(fd, garbage[i], strlen(garbage[i]), 0), 0);
		ck_assert_int_eq(lock_take(AT_FDCWD, path, &holder), -EWOULDBLOCK);
		ck_assert_int_eq(holder, 0);
	}
	close(fd);
	remove_place();
}
END_TEST

/*
 * A daemon that was killed between the fork and the exec of a launch: the child has its lock for
 * `moment` nanoseconds more, or, when that is 0, until it is killed.
 */
struct leftover {
	pid_t daemon, child;
};

static void hold_on(int told, long moment) {
	struct timespec left = { .tv_nsec = moment };
	pid_t self = getpid();
	signal(SIGALRM, SIG_DFL);
	alarm(20); /* when a test fails nobody else would end it */
	(void)!write(told, &self, sizeof self);
	if (moment == 0)
		pause();
	nanosleep(&left, NULL);
	_exit(0);
}

static struct leftover leave_locked(long moment, bool reap) {
	int told[2];
	siginfo_t info;
	ck_assert_int_eq(pipe2(told, O_CLOEXEC), 0);
	struct leftover l = { .daemon = fork() };
	if (l.daemon == 0) {
		if (lock_take(AT_FDCWD, path, &holder) < 0)
			_exit(1);
		if (fork() == 0)
			hold_on(told[1], moment);
		pause();
	}
	close(told[1]);
	ck_assert_int_eq(read(told[0], &l.child, sizeof l.child), (ssize_t)sizeof l.child);
	close(told[0]);
	kill(l.daemon, SIGKILL);
	ck_assert_int_eq(waitid(P_PID, (id_t)l.daemon, &info, WEXITED | (reap ? 0 : WNOWAIT)), 0);
	return l;
}

START_TEST(what_a_killed_daemon_left_locked_is_waited_for)
{
	static const bool reaped[] = { true, false };
	for (size_t i = 0; i < ARRAY_LEN(reaped); i++) {
		make_place();
		struct leftover l = leave_locked(100 * 1000000L, reaped[i]);
		int fd = lock_take(AT_FDCWD, path, &holder);
		ck_assert_int_ge(fd, 0);
		ck_assert_int_eq(holder, 0);
		if (!reaped[i])
			waitpid(l.daemon, NULL, 0);
		close(fd);
		remove_place();
	}
}
END_TEST

START_TEST(but_not_for_ever)
{
	make_place();
	struct leftover l = leave_locked(0, true);
	msec_t began = clock_now();
	ck_assert_int_eq(lock_take_within(AT_FDCWD, path, 60, &holder), -EWOULDBLOCK);
	ck_assert_int_ge(clock_now() - began, 60);
	ck_assert_int_eq(holder, l.daemon);
	kill(l.child, SIGKILL);
	int fd = lock_take(AT_FDCWD, path, &holder);
	ck_assert_int_ge(fd, 0);
	close(fd);
	remove_place();
}
END_TEST

START_TEST(one_that_lives_is_not_waited_for)
{
	make_place();
	int fd = lock_take(AT_FDCWD, path, &holder);
	msec_t began = clock_now();
	ck_assert_int_eq(lock_take_within(AT_FDCWD, path, 60 * MSEC_SECOND, &holder), -EWOULDBLOCK);
	ck_assert_int_lt(clock_now() - began, 30 * MSEC_SECOND);
	close(fd);
	remove_place();
}
END_TEST

START_TEST(a_link_is_not_followed)
{
	make_place();
	ck_assert_int_eq(symlink("/tmp/elsewhere", path), 0);
	ck_assert_int_eq(lock_take(AT_FDCWD, path, &holder), -ELOOP);
	ck_assert_int_eq(access("/tmp/elsewhere", F_OK), -1);
	remove_place();
}
END_TEST

START_TEST(a_directory_is_held_as_long_as_it_is_open)
{
	char name[] = "/tmp/test-lock-XXXXXX";
	ck_assert_ptr_nonnull(mkdtemp(name));
	int one = open(name, O_RDONLY | O_DIRECTORY), other = open(name, O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(lock_directory(one, 0), 0);
	ck_assert_int_eq(lock_directory(other, 20), -EWOULDBLOCK);
	close(one);
	ck_assert_int_eq(lock_directory(other, 0), 0);
	close(other);
	rmdir(name);
}
END_TEST

SUITE("lock", a_second_one_is_told_who_holds_it, nobody_else_may_open_it_and_so_hold_it,
      a_handed_over_descriptor_holds_it_on, garbage_in_the_file_is_no_pid,
      what_a_killed_daemon_left_locked_is_waited_for, but_not_for_ever,
      one_that_lives_is_not_waited_for, a_link_is_not_followed,
      a_directory_is_held_as_long_as_it_is_open)
