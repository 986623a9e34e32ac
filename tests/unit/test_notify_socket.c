#include "os/notify_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "suite.h"

static char directory[] = "/tmp/pumakeeper-notify-XXXXXX", path[64];

static int open_here(void) {
	strcpy(directory + strlen(directory) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/notify", directory);
	int fd = notify_socket_open(path);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static void close_here(int fd) {
	close(fd);
	unlink(path);
	rmdir(directory);
}

static void say(const char *text, size_t n, int attached) {
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	strcpy(to.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct iovec io = { .iov_base = (char *)(uintptr_t)text, .iov_len = n };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr m = {
		.msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &io, .msg_iovlen = 1
	};
	if (attached >= 0) {
		m.msg_control = control.bytes;
		m.msg_controllen = sizeof control.bytes;
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &attached, sizeof attached);
	}
	ck_assert_int_eq(sendmsg(fd, &m, 0), (ssize_t)n);
	close(fd);
}

START_TEST(what_is_said_comes_with_the_pid_of_who_said_it)
{
	char text[64];
	pid_t pid;
	int fd = open_here();
	ck_assert_int_eq(notify_socket_receive(fd, text, sizeof text, &pid), -EAGAIN);
	say("READY=1\n", 8, -1);
	ck_assert_int_eq(notify_socket_receive(fd, text, sizeof text, &pid), 8);
	ck_assert_str_eq(text, "READY=1\n");
	ck_assert_int_eq(pid, getpid());
	close_here(fd);
}
END_TEST

START_TEST(a_message_that_was_cut_is_refused)
{
	char text[16], longer[100];
	pid_t pid;
	int fd = open_here();
	memset(longer, 'x', sizeof longer);
	say(longer, sizeof longer, -1);
	ck_assert_int_eq(notify_socket_receive(fd, text, sizeof text, &pid), -EBADMSG);
	ck_assert_int_eq(notify_socket_receive(fd, text, sizeof text, &pid), -EAGAIN);
	close_here(fd);
}
END_TEST

START_TEST(descriptors_that_come_along_are_closed)
{
	char text[64];
	pid_t pid;
	int ends[2], fd = open_here();
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	say("BARRIER=1", 9, ends[1]);
	close(ends[1]);
	ck_assert_int_eq(notify_socket_receive(fd, text, sizeof text, &pid), 9);
	ck_assert_int_eq(read(ends[0], text, 1), 0); /* nobody holds the other end any more */
	close(ends[0]);
	close_here(fd);
}
END_TEST

START_TEST(what_a_dead_daemon_left_is_replaced)
{
	int first = open_here();
	int second = notify_socket_open(path);
	ck_assert_int_ge(second, 0);
	close(first);
	close_here(second);
}
END_TEST

SUITE("notify_socket", what_is_said_comes_with_the_pid_of_who_said_it,
      a_message_that_was_cut_is_refused, descriptors_that_come_along_are_closed,
      what_a_dead_daemon_left_is_replaced)
