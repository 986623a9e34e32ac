#include "os/socket_inodes.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite.h"

static int holds(const struct socket_inodes *s, int fd) {
	struct stat st;
	ck_assert_int_eq(fstat(fd, &st), 0);
	for (size_t i = 0; i < s->len; i++)
		if (s->inodes[i] == st.st_ino && s->fds[i] == fd)
			return 1;
	return 0;
}

START_TEST(sockets_are_listed_with_their_numbers_and_files_are_not)
{
	int pair[2], file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	int proc = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct socket_inodes s = { 0 };
	ck_assert_int_eq(socket_inodes_read(proc, &s), 0);
	ck_assert(holds(&s, pair[0]) && holds(&s, pair[1]));
	ck_assert(!holds(&s, file));
	size_t before = s.len;
	close(pair[1]);
	ck_assert_int_eq(socket_inodes_read(proc, &s), 0); /* replaces */
	ck_assert_uint_eq(s.len, before - 1);
	socket_inodes_finish(&s);
	close(pair[0]);
	close(file);
	close(proc);
}
END_TEST

START_TEST(more_than_a_handful_are_listed)
{
	int pairs[100][2];
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pairs[i]), 0);
	int proc = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct socket_inodes s = { 0 };
	ck_assert_int_eq(socket_inodes_read(proc, &s), 0);
	ck_assert_uint_ge(s.len, 200);
	for (int i = 0; i < 100; i++) {
		ck_assert(holds(&s, pairs[i][0]));
		close(pairs[i][0]);
		close(pairs[i][1]);
	}
	socket_inodes_finish(&s);
	close(proc);
}
END_TEST

START_TEST(a_process_that_is_gone_is_an_error)
{
	pid_t pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	char path[32];
	snprintf(path, sizeof path, "/proc/%d", pid);
	int proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	struct socket_inodes s = { 0 };
	int error = socket_inodes_read(proc, &s);
	ck_assert(error == -ENOENT || error == -ESRCH);
	close(proc);
}
END_TEST

SUITE("socket_inodes", sockets_are_listed_with_their_numbers_and_files_are_not,
      more_than_a_handful_are_listed, a_process_that_is_gone_is_an_error)
