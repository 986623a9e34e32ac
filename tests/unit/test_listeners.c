#include "daemon/listeners.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "loopback.h"
#include "os/listen.h"
#include "os/sock_diag.h"
#include "suite.h"

static struct config config;
static struct inherited in;
static struct listener_set set;
static struct error err;
static char directory[64], path[100];

static void begin(void) {
	strings_finish(&config.app.listen);
	config.app.defer_accept = 5 * MSEC_SECOND;
	in.len = 0;
	memset(&err, 0, sizeof err);
}

static void configure(const char *url) {
	ck_assert_int_eq(strings_add(&config.app.listen, url), 0);
}

PRINTF(1, 2) static void configure_f(const char *fmt, ...) {
	char url[200];
	va_list args;
	va_start(args, fmt);
	vsnprintf(url, sizeof url, fmt, args);
	va_end(args);
	configure(url);
}

static void give(const char *name, int fd) {
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(inherited_add(&in, name, fd), 0);
}

static void open_all(void) {
	ck_assert_msg(listeners_open(&config, &in, &set, &err) == 0, "%s", err.text);
}

static void refused(const char *why) {
	ck_assert_int_eq(listeners_open(&config, &in, &set, &err), -1);
	ck_assert_msg(strstr(err.text, why) != NULL, "%s", err.text);
	ck_assert_uint_eq(set.len, 0);
	inherited_close_rest(&in, NULL);
	strings_finish(&config.app.listen);
}

static void finish(void) {
	listeners_close(&set, LISTENERS_ENDED);
	inherited_close_rest(&in, NULL);
	strings_finish(&config.app.listen);
}

static bool is_open(int fd) {
	return fcntl(fd, F_GETFD) >= 0;
}

static void noted(const char *what) {
	for (size_t i = 0; i < set.notes.len; i++) {
		if (strstr(set.notes.items[i], what) != NULL)
			return;
	}
	ck_abort_msg("no note says: %s", what);
}

static int deferred(int fd) {
	int seconds = -1;
	socklen_t len = sizeof seconds;
	ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, &len), 0);
	return seconds;
}

static unsigned backlog(int fd) {
	struct tcp_info info = { 0 };
	socklen_t len = sizeof info;
	ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
	return info.tcpi_sacked;
}

static void make_path(void) {
	strcpy(directory, "/tmp/test-listeners-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/puma.sock", directory);
}

static void remove_path(void) {
	unlink(path);
	ck_assert_int_eq(rmdir(directory), 0);
}

START_TEST(a_socket_at_the_address_is_used_and_the_others_are_opened)
{
	uint16_t port;
	begin();
	int fd = listener_tcp(AF_INET, false, &port);
	give("web", fd);
	configure("tcp://127.0.0.1:0");
	configure_f("tcp://127.0.0.1:%u", port);
	open_all();
	ck_assert_uint_eq(set.len, 2);
	ck_assert_int_eq(set.origins[0], LISTENER_OPENED);
	ck_assert_int_eq(set.fds[1], fd);
	ck_assert_int_eq(set.origins[1], LISTENER_PASSED);
	ck_assert_uint_eq(set.names[1].port, port);
	ck_assert_str_eq(listeners_store_name(&set, 0), "listener-0");
	ck_assert_str_eq(listeners_store_name(&set, 1), "web");
	ck_assert_uint_eq(set.notes.len, 0);
	finish();
	ck_assert(!is_open(fd));
}
END_TEST

START_TEST(a_given_socket_defers_and_queues_like_ours_and_blocks_as_it_did)
{
	static const int flags[] = { 0, O_NONBLOCK };
	uint16_t port;
	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		begin();
		int fd = listener_tcp(AF_INET, false, &port), ours[2];
		ck_assert_int_eq(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | flags[i]), 0);
		give("web", fd);
		configure_f("tcp://127.0.0.1:%u", port);
		open_all();
		ck_assert_int_ge(deferred(fd), 5); /* rounded up by the kernel */
		ck_assert_int_eq(listen_tcp("127.0.0.1", 0, ours, &err), 1);
		ck_assert_uint_eq(backlog(fd), backlog(ours[0]));
		ck_assert_int_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, flags[i]);
		close(ours[0]);
		finish();
	}
}
END_TEST

START_TEST(a_given_unix_socket_queues_like_ours_and_a_longer_queue_stays)
{
	static const struct {
		int given, becomes;
	} rows[] = { { 8, LISTEN_BACKLOG_UNIX }, { 2048, 2048 } };
	int diag = sock_diag_open();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		make_path();
		begin();
		int fd = listener_unix(path);
		ck_assert_int_eq(listen_resize(fd, (unsigned)rows[i].given), 0);
		give("web", fd);
		configure_f("unix://%s", path);
		open_all();
		int backlog_now = sock_diag_unix_backlog(diag, set.names[0].inode);
		ck_assert(backlog_now == rows[i].becomes || backlog_now == -ENOENT);
		finish();
		remove_path();
	}
	close(diag);
}
END_TEST

START_TEST(of_localhost_the_missing_one_is_opened)
{
	static const int families[] = { AF_INET, AF_INET6 };
	uint16_t port;
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		begin();
		int fd = listener_tcp(families[i], false, &port);
		if (fd < 0)
			return; /* no IPv6 here */
		give("web", fd);
		configure_f("tcp://localhost:%u", port);
		open_all();
		ck_assert_int_eq(set.fds[0], fd);
		ck_assert_int_eq(set.origins[0], LISTENER_PASSED);
		if (set.len == 2) {
			ck_assert_int_eq(set.origins[1], LISTENER_OPENED);
			ck_assert_uint_eq(set.names[1].port, port);
		}
		finish();
	}
}
END_TEST

START_TEST(both_of_localhost_are_used_where_both_are_there)
{
	int fds[2];
	begin();
	if (listen_tcp("localhost", 0, fds, &err) != 2)
		return; /* no IPv6 here */
	char url[128];
	ck_assert_int_eq(listen_url(fds[0], url, sizeof url), 0);
	give("web", fds[1]);
	give("web", fds[0]);
	configure_f("tcp://localhost:%s", strrchr(url, ':') + 1);
	open_all();
	ck_assert_uint_eq(set.len, 2);
	ck_assert_int_eq(set.fds[0], fds[0]);
	ck_assert_int_eq(set.fds[1], fds[1]);
	finish();
}
END_TEST

START_TEST(a_name_asks_for_every_socket_that_has_it)
{
	uint16_t port;
	begin();
	int a = listener_tcp(AF_INET, false, &port), b = listener_tcp(AF_INET, false, &port);
	give("shop.socket", a);
	give("shop.socket", b);
	configure("systemd:shop.socket");
	open_all();
	ck_assert_uint_eq(set.len, 2);
	ck_assert_int_eq(set.fds[0], a);
	ck_assert_int_eq(set.fds[1], b);
	finish();
}
END_TEST

START_TEST(a_name_that_nobody_has_is_an_error_that_says_what_to_write)
{
	uint16_t port;
	begin();
	give("wbe", listener_tcp(AF_INET, false, &port));
	configure("systemd:web");
	refused("FileDescriptorName=web");
	ck_assert_ptr_nonnull(strstr(err.text, "tcp://127.0.0.1:"));
}
END_TEST

START_TEST(the_socket_of_an_earlier_daemon_is_found_by_its_number_where_the_port_is_not_fixed)
{
	uint16_t ports[3];
	begin();
	int a = listener_tcp(AF_INET, false, &ports[0]),
	    b = listener_tcp(AF_INET, false, &ports[1]),
	    fixed = listener_tcp(AF_INET, false, &ports[2]);
	give("listener-10", b); /* a store keeps no order */
	give("listener-9", a);
	give("listener-2", fixed);
	configure("tcp://127.0.0.1:0");
	configure("tcp://127.0.0.1:0");
	configure_f("tcp://127.0.0.1:%u", ports[2]);
	configure("tcp://127.0.0.1:0");
	open_all();
	ck_assert_uint_eq(set.len, 4);
	ck_assert_int_eq(set.fds[0], a);
	ck_assert_int_eq(set.fds[1], b);
	ck_assert_int_eq(set.fds[2], fixed);
	ck_assert_int_eq(set.origins[0], LISTENER_KEPT);
	ck_assert_int_eq(set.origins[3], LISTENER_OPENED);
	ck_assert_str_eq(listeners_store_name(&set, 0), "listener-9");
	ck_assert_str_eq(listeners_store_name(&set, 3), "listener-0");
	ck_assert_uint_eq(set.notes.len, 0);
	finish();
}
END_TEST

START_TEST(a_port_that_is_not_fixed_takes_none_of_systemds)
{
	uint16_t port;
	begin();
	int fd = listener_tcp(AF_INET, false, &port);
	give("web", fd);
	configure("tcp://127.0.0.1:0");
	open_all();
	ck_assert_int_eq(set.origins[0], LISTENER_OPENED);
	noted("which app.listen doesn't name: it is not served");
	noted("`web`");
	ck_assert(!is_open(fd));
	finish();
}
END_TEST

START_TEST(two_descriptors_of_one_socket_are_one_and_systemds_comes_first)
{
	uint16_t port;
	begin();
	int ours = listener_tcp(AF_INET, false, &port), systemds = dup(ours), again = dup(ours);
	give("listener-0", ours);
	give("web", systemds);
	give("web", again);
	configure_f("tcp://127.0.0.1:%u", port);
	open_all();
	ck_assert_uint_eq(set.len, 1);
	ck_assert_int_eq(set.fds[0], systemds);
	ck_assert(!is_open(ours) && !is_open(again));
	ck_assert_uint_eq(set.notes.len, 0);
	finish();
}
END_TEST

START_TEST(what_is_no_listening_stream_is_refused_by_name_and_what_is_no_socket_left_alone)
{
	int ends[2];
	begin();
	configure("tcp://127.0.0.1:0");
	give("mail", socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	refused("`mail`");
	ck_assert_ptr_nonnull(strstr(err.text, "ListenStream="));

	begin();
	configure("tcp://127.0.0.1:0");
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	give("one", ends[0]);
	refused("Accept=yes");
	close(ends[1]);

	begin();
	configure("tcp://127.0.0.1:0");
	ck_assert_int_eq(pipe(ends), 0);
	give("state", ends[0]);
	open_all();
	ck_assert_int_eq(inherited_named(&in, "state"), ends[0]);
	close(ends[0]);
	close(ends[1]);
	finish();
}
END_TEST

START_TEST(one_of_ours_that_no_longer_listens_is_opened_anew)
{
	uint16_t port;
	begin();
	int fd = listener_tcp(AF_INET, false, &port);
	ck_assert_int_eq(shutdown(fd, SHUT_RDWR), 0); /* as a worker could */
	give("listener-0", fd);
	configure_f("tcp://127.0.0.1:%u", port);
	open_all();
	ck_assert_int_eq(set.origins[0], LISTENER_OPENED);
	ck_assert_uint_eq(set.names[0].port, port);
	noted("no longer listens");
	ck_assert_str_eq(set.dropped.items[0], "listener-0");
	ck_assert_str_eq(listeners_store_name(&set, 0), "listener-1");
	finish();
}
END_TEST

static const struct {
	const char *name;
	enum listeners_end end;
	bool stays;
} ends[] = {
	{ NULL, LISTENERS_FAILED, false },        { NULL, LISTENERS_ENDED, false },
	{ NULL, LISTENERS_LEFT, true },           { "listener-0", LISTENERS_FAILED, true },
	{ "listener-0", LISTENERS_ENDED, false }, { "listener-0", LISTENERS_LEFT, true },
	{ "web", LISTENERS_FAILED, true },        { "web", LISTENERS_ENDED, true },
	{ "web", LISTENERS_LEFT, true },
};

START_TEST(a_file_goes_with_whoever_it_belongs_to)
{
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		make_path();
		begin();
		if (ends[i].name != NULL)
			give(ends[i].name, listen_unix(path, 0600, &err));
		configure_f("unix://%s", path);
		open_all();
		ck_assert_uint_eq(set.len, 1);
		ck_assert_str_eq(set.names[0].path, path);
		listeners_close(&set, ends[i].end);
		ck_assert_msg((access(path, F_OK) == 0) == ends[i].stays, "row %zu", i);
		finish();
		remove_path();
	}
}
END_TEST

START_TEST(the_mode_of_our_file_is_as_configured_and_systemds_is_systemds)
{
	static const struct {
		const char *name;
		unsigned mode;
	} rows[] = { { "listener-0", 0660 }, { "web", 0640 } };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct stat st;
		make_path();
		begin();
		give(rows[i].name, listen_unix(path, 0640, &err));
		configure_f("unix://%s?mode=0660", path);
		open_all();
		ck_assert_int_eq(stat(path, &st), 0);
		ck_assert_uint_eq(st.st_mode & 07777, rows[i].mode);
		finish();
		remove_path();
	}
}
END_TEST

START_TEST(a_socket_whose_file_is_gone_is_opened_anew)
{
	make_path();
	begin();
	give("web", listen_unix(path, 0600, &err));
	unlink(path);
	configure_f("unix://%s", path);
	open_all();
	ck_assert_int_eq(set.origins[0], LISTENER_OPENED);
	noted("of two sockets at unix://");
	finish();
	remove_path();
}
END_TEST

START_TEST(one_of_ours_that_is_no_longer_configured_goes_with_its_file)
{
	make_path();
	begin();
	give("listener-4", listen_unix(path, 0600, &err));
	configure("tcp://127.0.0.1:0");
	open_all();
	noted("no longer names");
	ck_assert_uint_eq(set.dropped.len, 1);
	ck_assert_str_eq(set.dropped.items[0], "listener-4");
	ck_assert_int_eq(access(path, F_OK), -1);
	finish();
	remove_path();
}
END_TEST

START_TEST(a_file_that_systemd_has_made_anew_is_not_removed_with_the_old_socket)
{
	make_path();
	begin();
	int old = listen_unix(path, 0600, &err);
	unlink(path);
	int fresh = listen_unix(path, 0600, &err);
	give("listener-0", old);
	give("web", fresh);
	configure_f("unix://%s", path);
	open_all();
	ck_assert_uint_eq(set.len, 1);
	ck_assert_int_eq(set.fds[0], fresh);
	ck_assert(!is_open(old));
	ck_assert_int_eq(access(path, F_OK), 0);
	noted("of two sockets at unix://");
	ck_assert_str_eq(set.dropped.items[0], "listener-0");
	finish();
	remove_path();
}
END_TEST

START_TEST(a_start_that_fails_takes_away_only_what_it_has_opened)
{
	char other[120];
	uint16_t port;
	make_path();
	snprintf(other, sizeof other, "%s.2", path);
	begin();
	int taken = listener_tcp(AF_INET, false, &port);
	give("listener-0", listen_unix(path, 0600, &err));
	configure_f("unix://%s", path);
	configure_f("unix://%s", other);
	configure_f("tcp://127.0.0.1:%u", port);
	refused("another server is listening");
	ck_assert_int_eq(access(path, F_OK), 0);
	ck_assert_int_eq(access(other, F_OK), -1);
	close(taken);
	remove_path();
}
END_TEST

SUITE("listeners", a_socket_at_the_address_is_used_and_the_others_are_opened,
      a_given_socket_defers_and_queues_like_ours_and_blocks_as_it_did,
      a_given_unix_socket_queues_like_ours_and_a_longer_queue_stays,
      of_localhost_the_missing_one_is_opened, both_of_localhost_are_used_where_both_are_there,
      a_name_asks_for_every_socket_that_has_it,
      a_name_that_nobody_has_is_an_error_that_says_what_to_write,
      the_socket_of_an_earlier_daemon_is_found_by_its_number_where_the_port_is_not_fixed,
      a_port_that_is_not_fixed_takes_none_of_systemds,
      two_descriptors_of_one_socket_are_one_and_systemds_comes_first,
      what_is_no_listening_stream_is_refused_by_name_and_what_is_no_socket_left_alone,
      one_of_ours_that_no_longer_listens_is_opened_anew, a_file_goes_with_whoever_it_belongs_to,
      the_mode_of_our_file_is_as_configured_and_systemds_is_systemds,
      a_socket_whose_file_is_gone_is_opened_anew,
      one_of_ours_that_is_no_longer_configured_goes_with_its_file,
      a_file_that_systemd_has_made_anew_is_not_removed_with_the_old_socket,
      a_start_that_fails_takes_away_only_what_it_has_opened)
