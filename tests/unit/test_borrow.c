#include "os/borrow.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

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

SUITE("borrow", the_duplicate_is_the_same_socket, a_number_that_was_reused_is_stale)
