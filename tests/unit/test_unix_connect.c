#include "os/unix_connect.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "loopback.h"
#include "suite.h"

static char path[40];

START_TEST(a_listener_is_reached_by_path_and_by_abstract_name)
{
	static const char *const names[] = { "/tmp/test-unix-connect", "@test-unix-connect" };
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s-%d", names[i], getpid());
		int listener = listener_unix(path), fd = unix_connect(path);
		ck_assert_int_ge(fd, 0);
		ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
		ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
		ck_assert_int_eq(write(fd, "x", 1), 1);
		close(fd);
		close(listener);
		unlink(path);
	}
}
END_TEST

START_TEST(a_full_queue_is_told_instead_of_waited_for)
{
	snprintf(path, sizeof path, "@uc-full-%d", getpid());
	int listener = listener_unix(path);
	ck_assert_int_eq(listen(listener, 0), 0);
	int first = unix_connect(path);
	ck_assert_int_ge(first, 0);
	ck_assert_int_eq(unix_connect(path), -EAGAIN);
	close(first);
	close(listener);
	ck_assert_int_eq(unix_connect(path), -ECONNREFUSED);
}
END_TEST

START_TEST(a_path_too_long_is_refused_rather_than_cut)
{
	char longest[109];
	memset(longest, 'x', sizeof longest - 1);
	memcpy(longest, "/tmp/", 5);
	longest[108] = '\0';
	ck_assert_int_eq(unix_connect(longest), -ENAMETOOLONG);
	longest[107] = '\0';
	ck_assert_int_eq(unix_connect(longest), -ENOENT);
	ck_assert_int_eq(unix_connect(""), -ENOENT);
}
END_TEST

START_TEST(what_waits_in_the_queue_is_not_read_and_then_it_is)
{
	char byte;
	snprintf(path, sizeof path, "@uc-read-%d", getpid());
	int listener = listener_unix(path), fd = unix_connect(path);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	ck_assert(!unix_connect_is_read(fd));
	int taken = accept(listener, NULL, NULL);
	ck_assert(!unix_connect_is_read(fd));
	ck_assert_int_eq(read(taken, &byte, 1), 1);
	ck_assert(unix_connect_is_read(fd));
	close(taken);
	close(fd);
	close(listener);
}
END_TEST

SUITE("unix_connect", a_listener_is_reached_by_path_and_by_abstract_name,
      a_full_queue_is_told_instead_of_waited_for, a_path_too_long_is_refused_rather_than_cut,
      what_waits_in_the_queue_is_not_read_and_then_it_is)
