#include "core/connections.h"

#include <errno.h>
#include <string.h>

#include "fixture.h"
#include "suite.h"

/* The fixtures are of Linux 6.18: a v4 listener at 45872, a dual-stack one at 45871, two unix. */
static const struct listener_name names[] = {
	{ .kind = LISTENER_TCP, .port = 45872 },
	{ .kind = LISTENER_TCP, .port = 45871 },
	{ .kind = LISTENER_UNIX, .path = "/tmp/pk-fixture.sock" },
	{ .kind = LISTENER_UNIX, .path = "@pk-fixture" },
};
static const struct listeners all = { names, ARRAY_LEN(names) };
static struct connections c;

static const struct connection *at(uint64_t inode) {
	for (size_t i = 0; i < c.len; i++)
		if (c.list[i].inode == inode)
			return &c.list[i];
	ck_abort_msg("no connection of inode %lu", (unsigned long)inode);
	return NULL;
}

static int read_diag(const char *name) {
	struct fixture f = fixture_read(name);
	return connections_read_diag(&c, f.text, f.len, &all);
}

START_TEST(v4_connections_have_queues_ages_and_totals)
{
	ck_assert_int_eq(read_diag("netlink/tcp4"), 0);
	ck_assert_uint_eq(c.len, 2); /* the third was not accepted yet */
	const struct connection *unread = at(129246), *answered = at(129248);
	ck_assert(unread->counted && answered->counted);
	ck_assert_uint_eq(unread->rqueue, 5);
	ck_assert_uint_eq(unread->received, 5);
	ck_assert_uint_eq(unread->written, 0);
	ck_assert_uint_eq(answered->rqueue, 0);
	ck_assert_uint_eq(answered->received, 5);
	ck_assert_uint_eq(answered->written, 8);
	ck_assert_uint_ge(answered->recv_age_ms, answered->sent_age_ms + 290);
	ck_assert_int_eq(answered->fd, -1);
	connections_finish(&c);
}
END_TEST

START_TEST(a_dual_stack_listeners_v4_clients_are_among_the_v6_ones)
{
	ck_assert_int_eq(read_diag("netlink/tcp6"), 0);
	ck_assert_uint_eq(c.len, 2);
	ck_assert_uint_eq(at(129439)->received, 3);
	ck_assert_uint_eq(at(129437)->rqueue, 1); /* half-closed by the client: an unread end */
	connections_finish(&c);
}
END_TEST

START_TEST(accepted_unix_sockets_are_known_by_their_listeners_name)
{
	ck_assert_int_eq(read_diag("netlink/unix"), 0);
	ck_assert_uint_eq(c.len, 2); /* neither listeners nor the clients' ends */
	ck_assert(at(129445)->unix_socket && !at(129445)->counted);
	ck_assert_uint_eq(at(129445)->rqueue, 5);
	ck_assert_uint_gt(at(129447)->wqueue, 0);
	connections_finish(&c);
}
END_TEST

START_TEST(the_text_of_proc_tells_the_same_connections)
{
	struct fixture f = fixture_read("netlink/proc_tcp");
	ck_assert_int_eq(connections_read_proc_tcp(&c, f.text, f.len, &all), 0);
	f = fixture_read("netlink/proc_tcp6");
	ck_assert_int_eq(connections_read_proc_tcp(&c, f.text, f.len, &all), 0);
	f = fixture_read("netlink/proc_unix");
	ck_assert_int_eq(connections_read_proc_unix(&c, f.text, f.len, &all), 0);
	ck_assert_uint_eq(c.len, 6);
	ck_assert_uint_eq(at(129246)->rqueue, 5);
	ck_assert_uint_eq(at(129248)->rqueue, 0);
	ck_assert_uint_eq(at(129437)->rqueue, 1);
	ck_assert(!at(129246)->counted && !at(129246)->unix_socket);
	ck_assert(at(129445)->unix_socket && at(129447)->unix_socket);
	connections_finish(&c);
}
END_TEST

START_TEST(other_ports_and_names_are_nobodys)
{
	const struct listener_name other[] = {
		{ .kind = LISTENER_TCP, .port = 45873 },
		{ .kind = LISTENER_UNIX, .path = "/tmp/pk-fixture.soc" },
		{ .kind = LISTENER_UNIX, .path = "/tmp/pk-fixture.sock.probe" },
		{ .kind = LISTENER_UNIX, .path = "/pk-fixture" },
		{ .kind = LISTENER_UNIX, .path = "" },
	};
	const struct listeners l = { other, ARRAY_LEN(other) };
	const char *const dumps[] = { "netlink/tcp4", "netlink/tcp6", "netlink/unix" };
	for (size_t i = 0; i < ARRAY_LEN(dumps); i++) {
		struct fixture f = fixture_read(dumps[i]);
		ck_assert_int_eq(connections_read_diag(&c, f.text, f.len, &l), 0);
		ck_assert_uint_eq(c.len, 0);
	}
	connections_finish(&c);
}
END_TEST

START_TEST(only_what_the_worker_holds_is_kept_and_told_once)
{
	ck_assert_int_eq(read_diag("netlink/tcp4"), 0);
	ck_assert_int_eq(read_diag("netlink/tcp4"), 0);
	const uint64_t inodes[] = { 7, 129248, 8 };
	const int fds[] = { 3, 12, 4 };
	connections_own(&c, inodes, fds, 3);
	ck_assert_uint_eq(c.len, 1);
	ck_assert_int_eq(connections_find(&c, 129248)->fd, 12);
	ck_assert_ptr_null(connections_find(&c, 129246));
	connections_own(&c, NULL, NULL, 0);
	connections_clear(&c);
	ck_assert_ptr_null(connections_find(&c, 129248));
	connections_own(&c, inodes, fds, 3);
	connections_finish(&c);
}
END_TEST

START_TEST(an_older_kernels_short_tcp_info_gives_no_totals_and_no_rubbish)
{
	struct fixture f = fixture_read("netlink/tcp4");
	/* Shorten the INET_DIAG_INFO attribute (type 2) of the first message to 104 bytes (3.x). */
	for (size_t i = 16 + 72; i + 4 < f.len; i += 4) {
		uint16_t head[2];
		memcpy(head, f.text + i, sizeof head);
		if (head[1] != 2 || head[0] < 200)
			continue;
		uint16_t was = head[0], rest[2] = { (uint16_t)(was - 104), 99 };
		head[0] = 104;
		memcpy(f.text + i, head, sizeof head);
		memcpy(f.text + i + 104, rest, sizeof rest);
		break;
	}
	ck_assert_int_eq(connections_read_diag(&c, f.text, f.len, &all), 0);
	ck_assert_uint_eq(c.len, 2);
	ck_assert_int_eq(c.list[0].counted + c.list[1].counted, 1);
	connections_finish(&c);
}
END_TEST

/* Any byte of any dump may be anything: nothing worse than an error, or fewer connections. */
static void hurt(const char *name) {
	struct fixture f = fixture_read(name);
	for (size_t len = 0; len < f.len; len++) {
		char *exact = malloc(len + 1); /* so that a sanitizer sees a read past the end */
		memcpy(exact, f.text, len);
		int error = connections_read_diag(&c, exact, len, &all);
		ck_assert(error == 0 || error == -EBADMSG);
		ck_assert_uint_le(c.len, 2);
		connections_clear(&c);
		free(exact);
	}
	for (size_t i = 0; i < f.len; i++) {
		const char was = f.text[i];
		for (int bit = 0; bit < 8; bit++) {
			f.text[i] = (char)(was ^ (1 << bit));
			(void)!connections_read_diag(&c, f.text, f.len, &all);
			ck_assert_uint_le(c.len, 3); /* one that waited may now have an inode */
			connections_clear(&c);
		}
		f.text[i] = was;
	}
	connections_finish(&c);
}

START_TEST(a_cut_off_or_mangled_dump_is_survived)
{
	hurt("netlink/tcp4");
	hurt("netlink/tcp6");
	hurt("netlink/unix");
}
END_TEST

START_TEST(the_kernels_refusal_is_handed_on)
{
	/* nlmsghdr { 36, NLMSG_ERROR }, nlmsgerr { error } and the request's head */
	int32_t words[9] = { 36, 2, 1, 0, -ENOENT };
	ck_assert_int_eq(connections_read_diag(&c, words, sizeof words, &all), -ENOENT);
	words[4] = 12345;
	ck_assert_int_eq(connections_read_diag(&c, words, sizeof words, &all), -EBADMSG);
	words[4] = 0;
	ck_assert_int_eq(connections_read_diag(&c, words, sizeof words, &all), 0);
	words[0] = 17;
	ck_assert_int_eq(connections_read_diag(&c, words, 17, &all), -EBADMSG);
	connections_finish(&c);
}
END_TEST

START_TEST(lines_that_are_no_sockets_are_passed_over)
{
	static const char *const lines[] = {
		"",
		"\n\n\n",
		"  0: 0100007F:B330",
		"  0: 0100007F:B330 x 01",
		"  0: 0100007F:B330 x 01 00000000 x x x x 12",
		"  0: 0100007F:B330 x 01 0:0 x x x x 0", /* not accepted */
		"  0: 0100007F:B330 x 01 0:0 x x x x -1",
		"  0: 0100007F:B330 x 0A 0:0 x x x x 12",  /* listens */
		"  0: 0100007F:1B330 x 01 0:0 x x x x 12", /* no port */
		"  0: 0100007FB330 x 01 0:0 x x x x 12",
		"  0: 0100007F:B330 x 01 0:0 x x x x 99999999999999999999999999",
	};
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		size_t len = strlen(lines[i]);
		ck_assert_int_eq(connections_read_proc_tcp(&c, lines[i], len, &all), 0);
		ck_assert_int_eq(connections_read_proc_unix(&c, lines[i], len, &all), 0);
		ck_assert_msg(c.len == 0, "line %zu", i);
	}
	static const char good[] = "  0: 0100007F:B330 x 01 0:0 x x x x 12";
	ck_assert_int_eq(connections_read_proc_tcp(&c, good, strlen(good), &all), 0);
	ck_assert_uint_eq(c.len, 1);
	connections_finish(&c);
}
END_TEST

SUITE("connections", v4_connections_have_queues_ages_and_totals,
      a_dual_stack_listeners_v4_clients_are_among_the_v6_ones,
      accepted_unix_sockets_are_known_by_their_listeners_name,
      the_text_of_proc_tells_the_same_connections, other_ports_and_names_are_nobodys,
      only_what_the_worker_holds_is_kept_and_told_once,
      an_older_kernels_short_tcp_info_gives_no_totals_and_no_rubbish,
      a_cut_off_or_mangled_dump_is_survived, the_kernels_refusal_is_handed_on,
      lines_that_are_no_sockets_are_passed_over)
