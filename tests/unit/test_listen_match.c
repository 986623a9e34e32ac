#include "os/listen_match.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "loopback.h"
#include "os/listen.h"
#include "suite.h"
#include "util/error.h"

static struct error err;

static uint16_t port_of(int fd) {
	struct sockaddr_in6 a = { 0 };
	socklen_t len = sizeof a;
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	return ntohs(a.sin6_port); /* at the same place in both families */
}

/* The place that `fd` is at, of those that `host` means; -1: none. */
static int place_of(int fd, const char *host, uint16_t port) {
	struct listen_places p;
	listen_places(host, port, &p);
	for (size_t i = 0; i < p.len; i++) {
		if (listen_is_at(fd, &p.list[i]))
			return (int)i;
	}
	return -1;
}

START_TEST(a_socket_is_where_it_was_bound_and_nowhere_else)
{
	uint16_t port;
	int fd = listener_tcp(AF_INET, false, &port);
	ck_assert_int_eq(place_of(fd, "127.0.0.1", port), 0);
	ck_assert_int_eq(place_of(fd, "localhost", port), 0);
	ck_assert_int_eq(place_of(fd, "127.0.0.1", 0), 0);
	ck_assert_int_eq(place_of(fd, "127.0.0.1", (uint16_t)(port ^ 1)), -1);
	ck_assert_int_eq(place_of(fd, "127.0.0.2", port), -1);
	ck_assert_int_eq(place_of(fd, "0.0.0.0", port), -1);
	ck_assert_int_eq(place_of(fd, "::1", port), -1);
	ck_assert_int_eq(place_of(fd, "no.such.host.invalid", port), -1);
	close(fd);
}
END_TEST

START_TEST(localhost_is_two_places_and_each_is_wanted)
{
	struct listen_places p;
	uint16_t port;
	listen_places("localhost", 80, &p);
	ck_assert(p.each && p.len == 2);
	listen_places("127.0.0.1", 80, &p);
	ck_assert(!p.each && p.len == 1);
	int fd = listener_tcp(AF_INET6, false, &port);
	if (fd < 0)
		return; /* no IPv6 here */
	ck_assert_int_eq(place_of(fd, "localhost", port), 1);
	ck_assert_int_eq(place_of(fd, "::1", port), 0);
	close(fd);
}
END_TEST

START_TEST(a_v6_wildcard_is_at_the_v4_one_if_it_takes_v4)
{
	static const int only[] = { 0, 1 };
	for (size_t i = 0; i < ARRAY_LEN(only); i++) {
		int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
		const struct sockaddr_in6 any = { .sin6_family = AF_INET6 };
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only[i], sizeof only[i]);
		if (fd < 0 || bind(fd, (const struct sockaddr *)&any, sizeof any) != 0)
			return; /* no IPv6 here */
		ck_assert_int_eq(listen(fd, 1), 0);
		ck_assert_int_eq(place_of(fd, "::", port_of(fd)), 0);
		ck_assert_int_eq(place_of(fd, "0.0.0.0", port_of(fd)), only[i] ? -1 : 1);
		ck_assert_int_eq(place_of(fd, "127.0.0.1", port_of(fd)), -1);
		ck_assert_int_eq(place_of(fd, "localhost", port_of(fd)), -1);
		close(fd);
	}
}
END_TEST

START_TEST(a_unix_socket_is_wherever_its_file_is_reached)
{
	char directory[] = "/tmp/test-listen-match-XXXXXX", path[100], link[100], by_link[150];
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/a.sock", directory);
	snprintf(link, sizeof link, "%s/run", directory);
	snprintf(by_link, sizeof by_link, "%s/a.sock", link);
	ck_assert_int_eq(symlink(directory, link), 0);
	int fd = listen_unix(path, 0600, &err);
	ck_assert(listen_is_at_path(fd, path));
	ck_assert(listen_is_at_path(fd, by_link));
	ck_assert(!listen_is_at_path(fd, directory));
	ck_assert(!listen_is_at_path(fd, "/tmp/a.sock"));
	ck_assert(!listen_is_at_path(STDERR_FILENO, path));
	unlink(path);
	ck_assert(!listen_is_at_path(fd, path)); /* nobody gets there any more */
	close(fd);
	unlink(link);
	rmdir(directory);
}
END_TEST

START_TEST(a_socket_bound_below_where_it_was_started_is_found_by_its_path)
{
	char directory[] = "/tmp/test-listen-match-XXXXXX", path[100], before[500];
	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_ptr_nonnull(getcwd(before, sizeof before));
	ck_assert_int_eq(chdir(directory), 0);
	snprintf(path, sizeof path, "%s/b.sock", directory);
	int fd = listener_unix("b.sock");
	ck_assert(listen_is_at_path(fd, path));
	close(fd);
	unlink(path);
	ck_assert_int_eq(chdir(before), 0);
	rmdir(directory);
}
END_TEST

START_TEST(an_abstract_name_is_compared_as_it_is)
{
	char name[60];
	snprintf(name, sizeof name, "@test-listen-match-%d", getpid());
	int fd = listener_unix(name);
	ck_assert(listen_is_at_path(fd, name));
	ck_assert(!listen_is_at_path(fd, "@other"));
	ck_assert(!listen_is_at_path(fd, "/tmp"));
	close(fd);
}
END_TEST

SUITE("listen_match", a_socket_is_where_it_was_bound_and_nowhere_else,
      localhost_is_two_places_and_each_is_wanted, a_v6_wildcard_is_at_the_v4_one_if_it_takes_v4,
      a_unix_socket_is_wherever_its_file_is_reached,
      a_socket_bound_below_where_it_was_started_is_found_by_its_path,
      an_abstract_name_is_compared_as_it_is)
