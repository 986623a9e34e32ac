#include "os/notify_send.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "os/notify_socket.h"
#include "suite.h"

static char directory[] = "/tmp/pumakeeper-send-XXXXXX", path[64];

static int open_here(void) {
	strcpy(directory + strlen(directory) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/manager", directory);
	int fd = notify_socket_open(path);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static void close_here(int manager, int fd) {
	close(manager);
	close(fd);
	unlink(path);
	rmdir(directory);
}

START_TEST(what_is_sent_arrives_with_our_pid)
{
	char text[64];
	pid_t pid;
	int manager = open_here(), fd = notify_send_open();
	ck_assert_int_eq(notify_send(fd, path, "READY=1\nSTATUS=here", -1), 0);
	ck_assert_int_eq(notify_socket_receive(manager, text, sizeof text, &pid), 19);
	ck_assert_str_eq(text, "READY=1\nSTATUS=here");
	ck_assert_int_eq(pid, getpid());
	close_here(manager, fd);
}
END_TEST

START_TEST(a_descriptor_goes_along)
{
	struct msghdr m = { 0 };
	struct stat sent, got;
	char text[16], control[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
	struct iovec io = { text, sizeof text };
	int manager = open_here(), fd = notify_send_open();
	int file = open("/dev/null", O_RDONLY | O_CLOEXEC), copy = -1;
	ck_assert_int_eq(notify_send(fd, path, "FDSTORE=1", file), 0);
	m = (struct msghdr){ .msg_iov = &io,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof control };
	ck_assert_int_eq(recvmsg(manager, &m, MSG_CMSG_CLOEXEC), 9);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c != NULL; c = CMSG_NXTHDR(&m, c)) {
		if (c->cmsg_type == SCM_RIGHTS)
			memcpy(&copy, CMSG_DATA(c), sizeof copy);
	}
	ck_assert_int_eq(fstat(file, &sent), 0);
	ck_assert_int_eq(fstat(copy, &got), 0);
	ck_assert_uint_eq(sent.st_ino, got.st_ino);
	close(copy);
	close(file);
	close_here(manager, fd);
}
END_TEST

START_TEST(a_manager_that_does_not_read_holds_nobody_up)
{
	char text[64];
	pid_t pid;
	int manager = open_here(), fd = notify_send_open(), error = 0, n = 0;
	while (error == 0 && n++ < 1000000)
		error = notify_send(fd, path, "WATCHDOG=1", -1);
	ck_assert_int_eq(error, -EAGAIN);
	ck_assert_int_gt(notify_socket_receive(manager, text, sizeof text, &pid), 0);
	ck_assert_int_eq(notify_send(fd, path, "WATCHDOG=1", -1), 0);
	close_here(manager, fd);
}
END_TEST

START_TEST(an_abstract_name_is_an_address)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char name[64], text[16];
	int n = snprintf(name, sizeof name, "@pumakeeper-send-%d", (int)getpid());
	memcpy(at.sun_path + 1, name + 1, (size_t)n - 1);
	int manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), fd = notify_send_open();
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n);
	ck_assert_int_eq(bind(manager, (const struct sockaddr *)&at, len), 0);
	ck_assert_int_eq(notify_send(fd, name, "READY=1", -1), 0);
	ck_assert_int_eq(recv(manager, text, sizeof text, 0), 7);
	close(manager);
	close(fd);
}
END_TEST

START_TEST(an_address_that_leads_nowhere_is_an_error)
{
	char longer[200];
	const struct {
		const char *address;
		int error;
	} rows[] = {
		{ "", -EPROTONOSUPPORT },
		{ "/", -EPROTONOSUPPORT },
		{ "run/notify", -EPROTONOSUPPORT },
		{ "vsock:2:1234", -EPROTONOSUPPORT },
		{ "/tmp/pumakeeper-nobody-is-here", -ENOENT },
		{ longer, -ENAMETOOLONG },
	};
	memset(longer, '/', sizeof longer);
	longer[sizeof longer - 1] = '\0';
	int fd = notify_send_open();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_msg(notify_send(fd, rows[i].address, "READY=1", -1) == rows[i].error,
			      "row %zu", i);
	close(fd);
}
END_TEST

SUITE("notify_send", what_is_sent_arrives_with_our_pid, a_descriptor_goes_along,
      a_manager_that_does_not_read_holds_nobody_up, an_abstract_name_is_an_address,
      an_address_that_leads_nowhere_is_an_error)
