#include "os/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "suite.h"
#include "util/fd.h"

static struct error err;
static char directory[64], path[100];

static void make_path(void) {
	strcpy(directory, "/tmp/test-listen-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/puma.sock", directory);
}

static void remove_path(void) {
	unlink(path);
	rmdir(directory);
}

static int port(int fd) {
	struct sockaddr_in6 a = { 0 };
	socklen_t len = sizeof a;
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	return ntohs(a.sin6_port); /* at the same place in both families */
}

/* A client's descriptor, or -1. */
static int dial(const char *host, int to) {
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)to) };
	inet_pton(AF_INET, host, &a.sin_addr);
	AUTOCLOSE int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(fd, (struct sockaddr *)&a, sizeof a) != 0)
		return -1;
	return fd_take(&fd);
}

START_TEST(a_numeric_address_gives_one_listener_that_says_its_url)
{
	int fds[2] = { -1, -1 };
	ck_assert_int_eq(listen_tcp("127.0.0.1", 0, fds, &err), 1);
	char url[64], expected[64];
	ck_assert_int_eq(listen_url(fds[0], url, sizeof url), 0);
	snprintf(expected, sizeof expected, "tcp://127.0.0.1:%d", port(fds[0]));
	ck_assert_str_eq(url, expected);
	ck_assert_int_eq(listen_kind(fds[0]), LISTEN_LISTENS);
	ck_assert_int_eq(listen_url(fds[0], url, 10), -ENAMETOOLONG);
	close(fds[0]);
}
END_TEST

START_TEST(localhost_is_both_loopbacks_on_one_port)
{
	int fds[2] = { -1, -1 };
	int n = listen_tcp("localhost", 0, fds, &err);
	ck_assert_int_ge(n, 1);
	if (n == 2)
		ck_assert_int_eq(port(fds[0]), port(fds[1]));
	for (int i = 0; i < n; i++)
		close(fds[i]);
}
END_TEST

START_TEST(the_v6_wildcard_takes_v4_as_well)
{
	int fds[2];
	if (listen_tcp("::", 0, fds, &err) != 1)
		return; /* no IPv6 here */
	int client = dial("127.0.0.1", port(fds[0]));
	ck_assert_int_ge(client, 0);
	char url[64];
	ck_assert_int_eq(listen_url(fds[0], url, sizeof url), 0);
	ck_assert_int_eq(strncmp(url, "tcp://[::]:", 11), 0);
	close(client);
	close(fds[0]);
}
END_TEST

START_TEST(a_taken_port_is_said_so)
{
	int fds[2], again[2];
	ck_assert_int_eq(listen_tcp("127.0.0.1", 0, fds, &err), 1);
	ck_assert_int_eq(listen_tcp("127.0.0.1", (uint16_t)port(fds[0]), again, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "another server is listening"));
	ck_assert_ptr_nonnull(strstr(err.text, "tcp://127.0.0.1:"));
	close(fds[0]);
}
END_TEST

START_TEST(a_name_that_does_not_resolve_and_an_address_that_is_not_ours_are_errors)
{
	int fds[2];
	ck_assert_int_eq(listen_tcp("no.such.host.invalid", 0, fds, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "no.such.host.invalid"));
	ck_assert_int_eq(listen_tcp("203.0.113.7", 0, fds, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "no interface of this machine"));
}
END_TEST

START_TEST(the_accept_queue_is_counted)
{
	int fds[2];
	ck_assert_int_eq(listen_tcp("127.0.0.1", 0, fds, &err), 1);
	ck_assert_int_eq(listen_queue(fds[0]), 0);
	int a = dial("127.0.0.1", port(fds[0])), b = dial("127.0.0.1", port(fds[0]));
	ck_assert_int_eq(listen_queue(fds[0]), 2);
	int accepted = accept(fds[0], NULL, NULL);
	ck_assert_int_eq(listen_queue(fds[0]), 1);
	close(accepted);
	close(a);
	close(b);
	close(fds[0]);
}
END_TEST

START_TEST(a_deferred_connection_waits_in_no_queue_until_it_speaks)
{
	int fds[2];
	ck_assert_int_eq(listen_tcp("127.0.0.1", 0, fds, &err), 1);
	ck_assert_int_eq(listen_defer(fds[0], 30), 0);
	int silent = dial("127.0.0.1", port(fds[0])), speaks = dial("127.0.0.1", port(fds[0]));
	ck_assert_int_eq(write(speaks, "G", 1), 1);
	ck_assert_int_eq(listen_queue(fds[0]), 1);
	ck_assert_int_eq(listen_defer(fds[0], 0), 0);
	close(silent);
	close(speaks);
	close(fds[0]);
}
END_TEST

START_TEST(a_queue_may_be_made_longer_or_shorter_while_it_listens)
{
	make_path();
	int fd = listen_unix(path, 0600, &err);
	ck_assert_int_eq(listen_resize(fd, 0), 0); /* one may wait */
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	strcpy(a.sun_path, path);
	int clients[2];
	for (int i = 0; i < 2; i++)
		clients[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(connect(clients[0], (struct sockaddr *)&a, sizeof a), 0);
	ck_assert_int_eq(connect(clients[1], (struct sockaddr *)&a, sizeof a), -1);
	ck_assert_int_eq(listen_resize(fd, 10), 0);
	ck_assert_int_eq(connect(clients[1], (struct sockaddr *)&a, sizeof a), 0);
	close(clients[0]);
	close(clients[1]);
	close(fd);
	remove_path();
}
END_TEST

START_TEST(a_unix_socket_has_exactly_its_mode_whatever_the_umask)
{
	make_path();
	mode_t before = umask(0077);
	int fd = listen_unix(path, 0766, &err);
	umask(before);
	ck_assert_int_ge(fd, 0);
	struct stat st;
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0766);
	char url[120], expected[120];
	snprintf(expected, sizeof expected, "unix://%s", path);
	ck_assert_int_eq(listen_url(fd, url, sizeof url), 0);
	ck_assert_str_eq(url, expected);
	ck_assert_int_eq(listen_defer(fd, 1), -ENOTSUP);
	ck_assert_int_eq(listen_queue(fd), -ENOTSUP);
	listen_unlink(fd);
	ck_assert_int_eq(access(path, F_OK), -1);
	close(fd);
	remove_path();
}
END_TEST

START_TEST(a_stale_socket_is_replaced_and_a_living_one_is_not)
{
	make_path();
	int dead = listen_unix(path, 0600, &err);
	ck_assert_int_ge(dead, 0);
	ck_assert_int_eq(listen_unix(path, 0600, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "another server is listening"));
	close(dead); /* the file stays behind, as after a crash */
	int fd = listen_unix(path, 0600, &err);
	ck_assert_int_ge(fd, 0);
	close(fd);
	remove_path();
}
END_TEST

START_TEST(a_server_too_busy_to_take_another_connection_is_a_living_one)
{
	make_path();
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	strcpy(a.sun_path, path);
	int busy = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(busy, (struct sockaddr *)&a, sizeof a), 0);
	ck_assert_int_eq(listen(busy, 0), 0);
	int waiting = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(waiting, (struct sockaddr *)&a, sizeof a), 0);
	ck_assert_int_eq(listen_unix(path, 0600, &err), -1);
	ck_assert_int_eq(access(path, F_OK), 0);
	close(waiting);
	close(busy);
	remove_path();
}
END_TEST

START_TEST(a_file_that_is_no_socket_is_never_removed)
{
	make_path();
	close(creat(path, 0600));
	ck_assert_int_eq(listen_unix(path, 0600, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "not a socket"));
	ck_assert_int_eq(access(path, F_OK), 0);
	unlink(path);
	ck_assert_int_eq(symlink("/etc/passwd", path), 0);
	ck_assert_int_eq(listen_unix(path, 0600, &err), -1);
	remove_path();
}
END_TEST

START_TEST(a_path_too_long_is_refused_rather_than_cut)
{
	char endless[200];
	memset(endless, 'a', sizeof endless - 1);
	endless[0] = '/';
	endless[sizeof endless - 1] = '\0';
	ck_assert_int_eq(listen_unix(endless, 0600, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "107 bytes"));
	ck_assert_int_eq(listen_unix("", 0600, &err), -1);
}
END_TEST

START_TEST(an_abstract_name_leaves_no_file)
{
	char name[64], url[100];
	snprintf(name, sizeof name, "@test-listen-%d", getpid());
	int fd = listen_unix(name, 0600, &err);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(listen_url(fd, url, sizeof url), 0);
	ck_assert_str_eq(url + strlen("unix://"), name);
	ck_assert_int_eq(access(name, F_OK), -1);
	ck_assert_int_eq(listen_unix(name, 0600, &err), -1);
	close(fd);
}
END_TEST

START_TEST(what_does_not_listen_is_told_apart)
{
	int plain = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), pair[2];
	int datagram = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert_int_eq(listen_kind(plain), LISTEN_CONNECTED);
	ck_assert_int_eq(listen_kind(pair[0]), LISTEN_CONNECTED);
	ck_assert_int_eq(listen_kind(datagram), LISTEN_DATAGRAM);
	ck_assert_int_eq(listen_kind(STDERR_FILENO), LISTEN_NO_SOCKET);
	ck_assert_int_eq(listen_kind(987), LISTEN_NO_SOCKET);
	close(plain);
	close(datagram);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

SUITE("listen", a_numeric_address_gives_one_listener_that_says_its_url,
      localhost_is_both_loopbacks_on_one_port, the_v6_wildcard_takes_v4_as_well,
      a_taken_port_is_said_so,
      a_name_that_does_not_resolve_and_an_address_that_is_not_ours_are_errors,
      the_accept_queue_is_counted, a_deferred_connection_waits_in_no_queue_until_it_speaks,
      a_queue_may_be_made_longer_or_shorter_while_it_listens,
      a_unix_socket_has_exactly_its_mode_whatever_the_umask,
      a_stale_socket_is_replaced_and_a_living_one_is_not,
      a_server_too_busy_to_take_another_connection_is_a_living_one,
      a_file_that_is_no_socket_is_never_removed, a_path_too_long_is_refused_rather_than_cut,
      an_abstract_name_leaves_no_file, what_does_not_listen_is_told_apart)
