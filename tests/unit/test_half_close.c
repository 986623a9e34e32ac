#include "os/half_close.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "loopback.h"
#include "os/borrow.h"
#include "suite.h"
#include "util/fd.h"

/* This process is the worker, so the numbers are known. */
static int self(void) {
	return (int)syscall(SYS_pidfd_open, getpid(), 0);
}

static uint64_t inode_of(int fd) {
	struct stat st;
	ck_assert_int_eq(fstat(fd, &st), 0);
	return st.st_ino;
}

struct pair {
	int listener, client, served;
};

static struct pair tcp_pair(void) {
	uint16_t port;
	struct pair p = { .listener = listener_tcp(AF_INET, false, &port) };
	p.client = dial_tcp(AF_INET, port);
	p.served = accept(p.listener, NULL, NULL);
	return p;
}

static void end(struct pair *p) {
	fd_close(&p->listener);
	fd_close(&p->client);
	fd_close(&p->served);
}

START_TEST(what_has_arrived_is_read_then_the_end_and_answers_still_go_out)
{
	AUTOCLOSE int pidfd = self();
	struct pair p = tcp_pair();
	char bytes[8];
	ck_assert_int_eq(write(p.client, "ask", 3), 3);
	AUTOCLOSE int borrowed = borrow_socket(pidfd, p.served, inode_of(p.served));
	ck_assert_int_ge(borrowed, 0);
	ck_assert_int_eq(half_close(borrowed), 0);
	ck_assert_int_eq(read(p.served, bytes, sizeof bytes), 3);
	ck_assert_int_eq(read(p.served, bytes, sizeof bytes), 0);
	ck_assert_int_eq(write(p.served, "a", 1), 1);
	ck_assert_int_eq(client_reads(p.client), 'a');
	end(&p);
}
END_TEST

START_TEST(the_borrowed_socket_tells_its_totals)
{
	AUTOCLOSE int pidfd = self();
	struct pair p = tcp_pair();
	struct half_close_look look;
	char bytes[8];
	AUTOCLOSE int borrowed = borrow_socket(pidfd, p.served, inode_of(p.served));
	ck_assert_int_eq(half_close_look(borrowed, &look), 0);
	ck_assert_uint_eq(look.received + look.written + look.unread, 0);
	ck_assert_int_eq(write(p.client, "ask", 3), 3);
	ck_assert_int_eq(half_close_look(borrowed, &look), 0);
	ck_assert_uint_eq(look.received, 3);
	ck_assert_uint_eq(look.unread, 3);
	ck_assert_int_eq(read(p.served, bytes, sizeof bytes), 3);
	ck_assert_int_eq(write(p.served, "answer", 6), 6);
	ck_assert_int_eq(half_close_look(borrowed, &look), 0);
	ck_assert_uint_eq(look.unread, 0);
	ck_assert_uint_eq(look.written, 6);
	end(&p);
}
END_TEST

START_TEST(a_unix_socket_tells_its_queues_only)
{
	AUTOCLOSE int pidfd = self();
	int pair[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert_int_eq(write(pair[0], "ask", 3), 3);
	AUTOCLOSE int borrowed = borrow_socket(pidfd, pair[1], inode_of(pair[1]));
	struct half_close_look look;
	ck_assert_int_eq(half_close_look(borrowed, &look), -ENOTSUP);
	ck_assert_uint_eq(look.unread, 3);
	ck_assert_int_eq(half_close(borrowed), 0);
	ck_assert_int_eq(send(pair[0], "x", 1, MSG_NOSIGNAL), -1);
	ck_assert_int_eq(errno, EPIPE);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

START_TEST(a_socket_without_a_peer_is_not_connected)
{
	AUTOCLOSE int alone = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(half_close(alone), -ENOTCONN);
}
END_TEST

SUITE("half_close", what_has_arrived_is_read_then_the_end_and_answers_still_go_out,
      the_borrowed_socket_tells_its_totals, a_unix_socket_tells_its_queues_only,
      a_socket_without_a_peer_is_not_connected)
