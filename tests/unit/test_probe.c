#include "core/probe.h"

#include <errno.h>
#include <string.h>

#include "suite.h"

static const struct status_ranges usual;
static const struct status_ranges strict = { .list = { { 200, 204 }, { 301, 301 } }, .len = 2 };

static struct probe read_all(const char *answer, size_t step, const struct status_ranges *ranges) {
	struct probe p = { 0 };
	size_t len = strlen(answer);
	for (size_t at = 0; at < len; at += step)
		probe_read(&p, answer + at, at + step <= len ? step : len - at, ranges);
	return p;
}

START_TEST(the_request_is_what_rails_lets_through)
{
	char buffer[500];
	struct text out = TEXT_IN(buffer);
	ck_assert_int_eq(probe_request("/up", NULL, &out), 0);
	ck_assert_str_eq(buffer, "GET /up HTTP/1.1\r\n"
				 "Host: localhost\r\n"
				 "X-Forwarded-Proto: https\r\n"
				 "User-Agent: pumakeeper/" PUMAKEEPER_VERSION "\r\n"
				 "Accept: */*\r\n"
				 "Connection: close\r\n"
				 "\r\n");
}
END_TEST

START_TEST(configured_headers_replace_ours_whatever_their_case)
{
	char buffer[500];
	struct text out = TEXT_IN(buffer);
	struct strings headers = { 0 };
	ck_assert_int_eq(strings_add(&headers, "HOST=shop.example"), 0);
	ck_assert_int_eq(strings_add(&headers, "X-Token=a=b"), 0);
	ck_assert_int_eq(probe_request("/", &headers, &out), 0);
	ck_assert_ptr_nonnull(strstr(buffer, "\r\nHOST: shop.example\r\n"));
	ck_assert_ptr_nonnull(strstr(buffer, "\r\nX-Token: a=b\r\n"));
	ck_assert_ptr_null(strstr(buffer, "localhost"));
	ck_assert_ptr_nonnull(strstr(buffer, "X-Forwarded-Proto: https"));
	strings_finish(&headers);
}
END_TEST

START_TEST(nothing_configured_can_forge_a_second_line)
{
	static const char *const paths[] = { "", "up", "/a b", "/a\r\nX: y", "/\x7f" };
	static const char *const bad[] = { "X", "=x", "X Y=z", "X:=z", "X=a\nY: b", "X\r\n=a" };
	char buffer[500];
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct text out = TEXT_IN(buffer);
		ck_assert_msg(probe_request(paths[i], NULL, &out) == -EINVAL, "path %zu", i);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct text out = TEXT_IN(buffer);
		struct strings headers = { 0 };
		ck_assert_int_eq(strings_add(&headers, bad[i]), 0);
		ck_assert_msg(probe_request("/", &headers, &out) == -EINVAL, "%s", bad[i]);
		strings_finish(&headers);
	}
	struct text small = text_in(buffer, 40);
	ck_assert_int_eq(probe_request("/up", NULL, &small), -EMSGSIZE);
}
END_TEST

static const struct {
	const char *answer;
	enum probe_answer usual, strict;
	unsigned status;
	const char *location;
} answers[] = {
	{ "HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody", PROBE_READY, PROBE_READY, 200, "" },
	{ "HTTP/1.0 204\r\n\r\n", PROBE_READY, PROBE_READY, 204, "" },
	{ "HTTP/1.1 200 OK\n\n", PROBE_READY, PROBE_READY, 200, "" },
	{ "HTTP/1.1 301 \r\nlocation:\t https://x/up\r\n\r\n", PROBE_READY, PROBE_READY, 301,
	  "https://x/up" },
	{ "HTTP/1.1 302 F\r\nLocation: /a\r\nLocation: /b\r\n\r\n", PROBE_READY, PROBE_REFUSED, 302,
	  "/a" },
	{ "HTTP/1.1 302 F\r\nLocation: /a\033[31m\r\n\r\n", PROBE_READY, PROBE_REFUSED, 302, "/a" },
	{ "HTTP/1.1 302 F\r\nX-Location: /a\r\n\r\n", PROBE_READY, PROBE_REFUSED, 302, "" },
	{ "HTTP/1.1 404 Not Found\r\n\r\n", PROBE_READY, PROBE_REFUSED, 404, "" },
	{ "HTTP/1.1 403 Forbidden\r\n\r\n", PROBE_REFUSED, PROBE_REFUSED, 403, "" },
	{ "HTTP/1.1 500 No\r\n\r\n", PROBE_REFUSED, PROBE_REFUSED, 500, "" },
	{ "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLocation: /x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
	  PROBE_READY, PROBE_READY, 200, "" },
	{ "HTTP/1.1 101 Switch\r\n\r\n", PROBE_GARBLED, PROBE_GARBLED, 101, "" },
	{ "HTTP/1.1 200 OK\r\nA: b\r\n", PROBE_MORE, PROBE_MORE, 200, "" },
	{ "HTTP/1.", PROBE_MORE, PROBE_MORE, 0, "" },
	{ "", PROBE_MORE, PROBE_MORE, 0, "" },
	{ "HTTP/2 200\r\n", PROBE_GARBLED, PROBE_GARBLED, 0, "" },
	{ "HTTP/1.2 200\r\n", PROBE_GARBLED, PROBE_GARBLED, 0, "" },
	{ "HTTP/1.1 20\r\n", PROBE_GARBLED, PROBE_GARBLED, 0, "" },
	{ "HTTP/1.1 2000\r\n", PROBE_GARBLED, PROBE_GARBLED, 0, "" },
	{ "HTTP/1.1 099 x\r\n", PROBE_GARBLED, PROBE_GARBLED, 0, "" },
	{ "HTTP/1.1 600 x\r\n", PROBE_GARBLED, PROBE_GARBLED, 0, "" },
	{ "SSH-2.0-x", PROBE_GARBLED, PROBE_GARBLED, 0, "" },
	{ "\r\n", PROBE_GARBLED, PROBE_GARBLED, 0, "" },
	{ "\x15\x03\x01", PROBE_GARBLED, PROBE_GARBLED, 0, "" },
};

START_TEST(an_answer_means_the_same_in_one_piece_and_in_many)
{
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		for (size_t step = 1; step < 40; step++) {
			struct probe p = read_all(answers[i].answer, step, &usual);
			ck_assert_msg(p.answer == answers[i].usual, "%zu by %zu: %s", i, step,
				      answers[i].answer);
			ck_assert_uint_eq(p.status, answers[i].status);
			ck_assert_str_eq(p.location, answers[i].location);
		}
		struct probe p = read_all(answers[i].answer, 1000, &strict);
		ck_assert_msg(p.answer == answers[i].strict, "%s", answers[i].answer);
	}
}
END_TEST

START_TEST(an_answer_that_ends_in_the_middle_is_garbled)
{
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct probe p = read_all(answers[i].answer, 1000, &usual);
		enum probe_answer end = p.answer == PROBE_MORE ? PROBE_GARBLED : p.answer;
		ck_assert_int_eq(probe_end(&p), end);
	}
}
END_TEST

START_TEST(headers_without_end_are_judged_by_their_status)
{
	static char big[PROBE_ANSWER_MAX + 100];
	memset(big, 'x', sizeof big - 1);
	memcpy(big, "HTTP/1.1 200 OK\r\nLocation: /", 28);
	struct probe p = read_all(big, 1000, &usual);
	ck_assert_int_eq(p.answer, PROBE_READY);
	ck_assert_uint_eq(p.total, PROBE_ANSWER_MAX);
	memset(big + 15, 'x', 20);
	p = read_all(big, 1000, &usual); /* a status line without end */
	ck_assert_int_eq(p.answer, PROBE_GARBLED);
	ck_assert_uint_eq(p.total, PROBE_ANSWER_MAX);
}
END_TEST

START_TEST(a_long_location_is_cut)
{
	char big[600] = "HTTP/1.1 302 F\r\nLocation: /";
	size_t n = strlen(big);
	memset(big + n, 'x', 500);
	strcpy(big + n + 500, "\r\n\r\n");
	struct probe p = read_all(big, 7, &usual);
	ck_assert_int_eq(p.answer, PROBE_READY);
	ck_assert_uint_eq(strlen(p.location), sizeof p.location - 1);
}
END_TEST

static const struct {
	unsigned status;
	const char *location, *says; /* NULL: nothing */
} hints[] = {
	{ 200, "", NULL },
	{ 403, "", "config.hosts" },
	{ 301, "https://localhost/up", "config.force_ssl" },
	{ 308, "HTTPS://x", "config.force_ssl" },
	{ 302, "/login", "redirected to /login" },
	{ 302, "", "redirected:" },
	{ 404, "", "app.probe.path" },
	{ 401, "", "login" },
	{ 500, "", "the app itself" },
	{ 503, "", "the app itself" },
};

START_TEST(a_status_names_the_likely_setting)
{
	for (size_t i = 0; i < ARRAY_LEN(hints); i++) {
		char buffer[400];
		struct text out = TEXT_IN(buffer);
		bool said = probe_hint(hints[i].status, hints[i].location, &out);
		ck_assert_int_eq(said, hints[i].says != NULL);
		if (said)
			ck_assert_msg(strstr(buffer, hints[i].says) != NULL, "%s", buffer);
	}
}
END_TEST

SUITE("probe", the_request_is_what_rails_lets_through,
      configured_headers_replace_ours_whatever_their_case,
      nothing_configured_can_forge_a_second_line, an_answer_means_the_same_in_one_piece_and_in_many,
      an_answer_that_ends_in_the_middle_is_garbled, headers_without_end_are_judged_by_their_status,
      a_long_location_is_cut, a_status_names_the_likely_setting)
