#include "os/sock_diag.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "loopback.h"
#include "suite.h"
#include "util/base.h"

static uint64_t inode_of(int fd) {
	struct stat st;
	ck_assert_int_eq(fstat(fd, &st), 0);
	return st.st_ino;
}

START_TEST(a_dump_is_of_its_port_only)
{
	uint16_t port, other;
	int a = listener_tcp(AF_INET, false, &port), b = listener_tcp(AF_INET, false, &other);
	int diag = sock_diag_open();
	ck_assert_int_ge(diag, 0);
	CLEANUP(sock_dump_finish) struct sock_dump none = { 0 }, one = { 0 };
	ck_assert_int_eq(sock_diag_tcp(diag, AF_INET, other, &none), 0);
	int client = dial_tcp(AF_INET, port);
	ck_assert_int_eq(sock_diag_tcp(diag, AF_INET, port, &one), 0);
	ck_assert_uint_gt(one.len, none.len + 72);
	size_t before = one.len;
	ck_assert_int_eq(sock_diag_tcp(diag, AF_INET, other, &one), 0); /* appends */
	ck_assert_uint_eq(one.len, before + none.len);
	sock_dump_clear(&one);
	ck_assert_uint_eq(one.len, 0);
	close(client);
	close(diag);
	close(a);
	close(b);
}
END_TEST

START_TEST(many_connections_come_in_many_datagrams)
{
	enum { MANY = 300 };
	uint16_t port;
	int listener = listener_tcp(AF_INET, false, &port), pairs[MANY][2];
	for (int i = 0; i < MANY; i++) {
		pairs[i][0] = dial_tcp(AF_INET, port);
		pairs[i][1] = accept(listener, NULL, NULL);
	}
	int diag = sock_diag_open();
	CLEANUP(sock_dump_finish) struct sock_dump dump = { 0 };
	ck_assert_int_eq(sock_diag_tcp(diag, AF_INET, port, &dump), 0);
	ck_assert_uint_gt(dump.len, 64u << 10);
	for (int i = 0; i < MANY; i++) {
		close(pairs[i][0]);
		close(pairs[i][1]);
	}
	close(diag);
	close(listener);
}
END_TEST

START_TEST(a_unix_listeners_queue_is_counted)
{
	char path[40];
	snprintf(path, sizeof path, "@test-sock-diag-%d", getpid());
	int listener = listener_unix(path), diag = sock_diag_open();
	ck_assert_int_eq(sock_diag_unix_queue(diag, inode_of(listener)), 0);
	int a = dial_unix(path), b = dial_unix(path);
	ck_assert_int_eq(sock_diag_unix_queue(diag, inode_of(listener)), 2);
	int accepted = accept(listener, NULL, NULL);
	ck_assert_int_eq(sock_diag_unix_queue(diag, inode_of(listener)), 1);
	uint64_t inode = inode_of(listener);
	close(listener);
	ck_assert_int_eq(sock_diag_unix_queue(diag, inode), -ENOENT);
	ck_assert_int_eq(sock_diag_unix_queue(diag, 0), -ENOENT);
	close(a);
	close(b);
	close(accepted);
	close(diag);
}
END_TEST

START_TEST(a_socket_that_is_no_sock_diag_fails_and_leaves_the_dump_alone)
{
	int plain = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CLEANUP(sock_dump_finish) struct sock_dump dump = { 0 };
	ck_assert_int_lt(sock_diag_tcp(plain, AF_INET, 1, &dump), 0);
	ck_assert_int_lt(sock_diag_unix(plain, &dump), 0);
	ck_assert_uint_eq(dump.len, 0);
	close(plain);
}
END_TEST

START_TEST(files_of_proc_are_appended_whole)
{
	int proc = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(sock_dump_finish) struct sock_dump dump = { 0 };
	ck_assert_int_eq(sock_dump_read_proc(proc, "unix", &dump), 0);
	ck_assert_int_eq(memcmp(dump.bytes, "Num ", 4), 0);
	size_t len = dump.len;
	ck_assert_int_eq(sock_dump_read_proc(proc, "no-such-file", &dump), -ENOENT);
	ck_assert_int_eq(sock_dump_read_proc(proc, "a-name-that-is-longer-than-any-of-them", &dump),
			 -ENAMETOOLONG);
	ck_assert_uint_eq(dump.len, len);
	close(proc);
}
END_TEST

SUITE("sock_diag", a_dump_is_of_its_port_only, many_connections_come_in_many_datagrams,
      a_unix_listeners_queue_is_counted,
      a_socket_that_is_no_sock_diag_fails_and_leaves_the_dump_alone,
      files_of_proc_are_appended_whole)
