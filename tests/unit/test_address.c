#include "core/address.h"

#include <string.h>

#include "suite.h"

static struct error err;

static struct address parsed(const char *url) {
	struct address a;
	ck_assert_msg(address_parse(url, &a, &err) == 0, "%s", err.text);
	return a;
}

START_TEST(tcp_addresses_are_a_host_and_a_port)
{
	static const struct {
		const char *url, *host;
		unsigned port;
	} rows[] = {
		{ "tcp://127.0.0.1:9292", "127.0.0.1", 9292 },
		{ "tcp://0.0.0.0:0", "0.0.0.0", 0 },
		{ "tcp://[::1]:9292", "::1", 9292 },
		{ "tcp://[fe80::1%eth0]:80", "fe80::1%eth0", 80 },
		{ "tcp://localhost:65535", "localhost", 65535 },
		{ "tcp://my-host.example_1:00080", "my-host.example_1", 80 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct address a = parsed(rows[i].url);
		ck_assert_int_eq(a.kind, ADDRESS_TCP);
		ck_assert_str_eq(a.host, rows[i].host);
		ck_assert_uint_eq(a.port, rows[i].port);
	}
}
END_TEST

START_TEST(unix_addresses_are_a_path_and_a_mode)
{
	static const struct {
		const char *url, *path;
		unsigned mode;
	} rows[] = {
		{ "unix:///run/x.sock", "/run/x.sock", 0777 },
		{ "unix:///run/x.sock?mode=0660", "/run/x.sock", 0660 },
		{ "unix:///run/x.sock?mode=660", "/run/x.sock", 0660 },
		{ "unix://@shop", "@shop", 0777 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct address a = parsed(rows[i].url);
		ck_assert_int_eq(a.kind, ADDRESS_UNIX);
		ck_assert_str_eq(a.path, rows[i].path);
		ck_assert_uint_eq(a.mode, rows[i].mode);
	}
}
END_TEST

START_TEST(a_name_is_what_a_socket_unit_calls_it)
{
	struct address a = parsed("systemd:pumakeeper@shop.socket");
	ck_assert_int_eq(a.kind, ADDRESS_SYSTEMD);
	ck_assert_str_eq(a.name, "pumakeeper@shop.socket");
	ck_assert_str_eq(parsed("systemd:listener-of-shop").name, "listener-of-shop");
}
END_TEST

START_TEST(what_is_no_address_is_answered_with_what_to_write)
{
	static const struct {
		const char *url, *says;
	} rows[] = {
		{ "", "expected tcp://0.0.0.0:9292 or unix:///run/shop.sock" },
		{ "9292", "expected tcp://" },
		{ "http://a:1", "expected tcp://" },
		{ "ssl://0.0.0.0:9292?key=x", "terminate TLS in front" },
		{ "tcp://localhost", "has no port" },
		{ "tcp://[::1]", "has no port" },
		{ "tcp://[::1", "has no port" },
		{ "tcp://localhost:", "is not a port" },
		{ "tcp://localhost:65536", "expected 0 to 65535" },
		{ "tcp://localhost:-1", "is not a port" },
		{ "tcp://localhost:80x", "is not a port" },
		{ "tcp://localhost:80/", "is not a port" },
		{ "tcp://localhost:000080", "is not a port" },
		{ "tcp://::1:9292", "needs brackets" },
		{ "tcp://*:80", "write tcp://0.0.0.0:PORT" },
		{ "tcp://:80", "is not a host" },
		{ "tcp://[]:80", "is not a host" },
		{ "tcp://a b:80", "is not a host" },
		{ "tcp://a:80?low_latency=true", "no parameters" },
		{ "unix://run/x.sock", "write unix:///run/shop.sock" },
		{ "unix:///", "has no file name" },
		{ "unix:///run/", "has no file name" },
		{ "unix:///run/my app/x.sock", "a character that Puma can't take" },
		{ "unix:///run/caf\303\251.sock", "a character that Puma can't take" },
		{ "unix://@", "has no file name" },
		{ "unix:///x?umask=0111", "knows `?mode=0660` only" },
		{ "unix:///x?mode=", "is not a mode" },
		{ "unix:///x?mode=0888", "is not a mode" },
		{ "unix:///x?mode=1777", "expected 0000 to 0777" },
		{ "unix://@x?mode=0660", "an abstract socket has no mode" },
		{ "systemd:", "write systemd:NAME" },
		{ "systemd:a:b", "without blanks and colons" },
		{ "systemd:a b", "without blanks and colons" },
		{ "systemd:listener-0", "take another" },
		{ "tcp://\033[31m:1", "\"tcp://?[31m:1\"" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct address a = { .port = 7 };
		ck_assert_int_eq(address_parse(rows[i].url, &a, &err), -1);
		ck_assert_msg(strstr(err.text, rows[i].says) != NULL, "%s", err.text);
		ck_assert_uint_eq(a.port, 7);
	}
}
END_TEST

START_TEST(a_path_fills_the_kernels_107_bytes_and_no_more)
{
	char url[400] = "unix:///";
	struct address a;
	memset(url + 8, 'x', 106);
	ck_assert_uint_eq(strlen(parsed(url).path), 107);
	url[8 + 106] = 'x';
	ck_assert_int_eq(address_parse(url, &a, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "at most 107 bytes"));

	memset(url, 'x', sizeof url - 1);
	memcpy(url, "tcp://", 6);
	memcpy(url + sizeof url - 4, ":80", 4);
	ck_assert_int_eq(address_parse(url, &a, &err), -1);
}
END_TEST

START_TEST(the_same_place_written_otherwise_is_the_same)
{
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {
		{ "tcp://localhost:80", "tcp://LOCALHOST:080", true },
		{ "tcp://127.0.0.1:80", "tcp://127.0.0.1:81", false },
		{ "tcp://127.0.0.1:80", "tcp://127.0.0.2:80", false },
		{ "tcp://127.0.0.1:0", "tcp://127.0.0.1:0", false },
		{ "unix:///x", "unix:///x?mode=0660", true },
		{ "systemd:x", "systemd:x", true },
		{ "systemd:x", "systemd:X", false },
		{ "systemd:x", "unix:///x", false },
		{ "unix:///x", "unix://@x", false },
		{ "unix:///x", "tcp://x:1", false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct address a = parsed(rows[i].a), b = parsed(rows[i].b);
		ck_assert_msg(address_is_same(&a, &b) == rows[i].same, "%s %s", rows[i].a,
			      rows[i].b);
	}
}
END_TEST

SUITE("address", tcp_addresses_are_a_host_and_a_port, unix_addresses_are_a_path_and_a_mode,
      a_name_is_what_a_socket_unit_calls_it, what_is_no_address_is_answered_with_what_to_write,
      a_path_fills_the_kernels_107_bytes_and_no_more, the_same_place_written_otherwise_is_the_same)
