#include "os/borrow.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loopback.h"
#include "suite.h"
#include "util/fd.h"

static int self(void) {
	int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	ck_assert_int_ge(pidfd, 0);
	return pidfd;
}

static int tcp(void) {
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static uint64_t inode_of(int fd) {
	struct stat st;
	ck_assert_int_eq(fstat(fd, &st), 0);
	return st.st_ino;
}

START_TEST(the_duplicate_is_the_same_socket)
{
	AUTOCLOSE int pidfd = self();
	AUTOCLOSE int fd = tcp();
	AUTOCLOSE int proc = open("/proc/self", O_PATH | O_CLOEXEC);
	AUTOCLOSE int by_number = borrow_socket(pidfd, fd, inode_of(fd));
	ck_assert_int_ge(by_number, 0);
	ck_assert_uint_eq(inode_of(by_number), inode_of(fd));
	AUTOCLOSE int found = borrow_socket_of(pidfd, proc, inode_of(fd));
	ck_assert_int_ge(found, 0);
	ck_assert_uint_eq(inode_of(found), inode_of(fd));
	ck_assert_int_ne(fcntl(found, F_GETFD) & FD_CLOEXEC, 0);
}
END_TEST

START_TEST(a_number_that_was_reused_is_stale)
{
	AUTOCLOSE int pidfd = self();
	AUTOCLOSE int fd = tcp();
	AUTOCLOSE int other = tcp();
	AUTOCLOSE int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	AUTOCLOSE int proc = open("/proc/self", O_PATH | O_CLOEXEC);
	ck_assert_int_eq(borrow_socket(pidfd, fd, inode_of(other)), -ESTALE);
	ck_assert_int_eq(borrow_socket(pidfd, file, inode_of(file)), -ESTALE);
	ck_assert_int_eq(borrow_socket(pidfd, 987, 1), -EBADF);
	ck_assert_int_lt(borrow_socket(file, fd, 1), 0);
	uint64_t gone = inode_of(other);
	fd_close(&other);
	ck_assert_int_eq(borrow_socket_of(pidfd, proc, gone), -ENOENT);
	ck_assert_int_lt(borrow_socket_of(pidfd, file, inode_of(fd)), 0);
}
END_TEST

/* A process that has what we had when it was made, and has said so. */
static pid_t start(bool dumpable, int *pidfd) {
	int told[2];
	char byte;
	ck_assert_int_eq(pipe2(told, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_DUMPABLE, dumpable ? 1 : 0);
		(void)!write(told[1], "x", 1);
		for (;;)
			pause();
	}
	ck_assert_int_eq(read(told[0], &byte, 1), 1);
	close(told[0]);
	close(told[1]);
	*pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	return pid;
}

static void end(pid_t pid) {
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int proc_of(pid_t pid) {
	char path[32];
	snprintf(path, sizeof path, "/proc/%d", pid);
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	return fd;
}

START_TEST(a_listener_that_only_they_had_serves_us_again)
{
	uint16_t port;
	int listener = listener_tcp(AF_INET, false, &port), pidfd;
	uint64_t inode = inode_of(listener);
	pid_t pid = start(true, &pidfd);
	AUTOCLOSE int proc = proc_of(pid);
	fd_close(&listener);
	AUTOCLOSE int back = borrow_listener(pidfd, proc, inode);
	ck_assert_int_ge(back, 0);
	ck_assert_int_eq(fcntl(back, F_GETFD), FD_CLOEXEC);
	end(pid);
	AUTOCLOSE int client = dial_tcp(AF_INET, port);
	ck_assert_int_ge(client, 0);
	AUTOCLOSE int served = accept(back, NULL, NULL);
	ck_assert_int_ge(served, 0);
	ck_assert_int_lt(borrow_listener(pidfd, proc, inode), 0);
	close(pidfd);
}
END_TEST

START_TEST(what_does_not_listen_is_no_listener)
{
	AUTOCLOSE int pidfd = self();
	AUTOCLOSE int proc = proc_of(getpid());
	uint16_t port;
	AUTOCLOSE int listener = listener_tcp(AF_INET, false, &port);
	AUTOCLOSE int client = dial_tcp(AF_INET, port);
	ck_assert_int_eq(borrow_listener(pidfd, proc, inode_of(client)), -EINVAL);
	AUTOCLOSE int back = borrow_listener(pidfd, proc, inode_of(listener));
	ck_assert_int_ge(back, 0);
	fd_close(&back);
	ck_assert_int_eq(shutdown(listener, SHUT_RD), 0);
	ck_assert_int_eq(borrow_listener(pidfd, proc, inode_of(listener)), -EINVAL);
}
END_TEST

/* As root too: the one that tries has given its rights up. */
static int try_without_rights(int pidfd, int fd, uint64_t inode) {
	if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0)
		return 1;
	return borrow_socket(pidfd, fd, inode) == -EPERM ? 0 : 2;
}

START_TEST(without_the_right_to_attach_it_is_forbidden)
{
	int pidfd, status;
	AUTOCLOSE int fd = tcp();
	pid_t other = start(false, &pidfd);
	pid_t taker = fork();
	if (taker == 0)
		_exit(try_without_rights(pidfd, fd, inode_of(fd)));
	ck_assert_int_eq(waitpid(taker, &status, 0), taker);
	ck_assert_int_eq(status, 0);
	end(other);
	close(pidfd);
}
END_TEST

SUITE("borrow", the_duplicate_is_the_same_socket, a_number_that_was_reused_is_stale,
      a_listener_that_only_they_had_serves_us_again, what_does_not_listen_is_no_listener,
      without_the_right_to_attach_it_is_forbidden)
