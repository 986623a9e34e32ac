#include <check.h>
#include <stdio.h>
#include <string.h>

#include "core/notice.h"
#include "suite.h"
#include "util/base.h"

/* The second worker has not said anything to its master yet. */
#define PUMAS                                                                                  \
	"Puma 6.6.1: cluster: 1/2, worker_status: [{ 2/5 threads, 5 available, 0 backlog },{ " \
	"/ threads,  available,  backlog }]"

START_TEST(each_of_pumas_words_is_known)
{
	static const struct {
		const char *text;
		bool ready, reloading, stopping;
	} rows[] = {
		{ "READY=1", true, false, false },
		{ "READY=1\n", true, false, false },
		{ "RELOADING=1", false, true, false },
		{ "STOPPING=1", false, false, true },
		{ "MAINPID=7\nREADY=1\nSTATUS=up", true, false, false },
		{ "WATCHDOG=1", false, false, false },
		{ "READY=0", false, false, false },
		{ "READY=11", false, false, false },
		{ "XREADY=1", false, false, false },
		{ " READY=1", false, false, false },
		{ "STATUS=READY=1", false, false, false },
		{ "", false, false, false },
		{ "\n\n", false, false, false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct notice n;
		notice_read(rows[i].text, &n);
		ck_assert_msg(n.ready == rows[i].ready && n.reloading == rows[i].reloading &&
				      n.stopping == rows[i].stopping,
			      "%s", rows[i].text);
	}
}
END_TEST

START_TEST(a_status_is_what_is_behind_its_word)
{
	/* As each of them says it every second: lib/puma/plugin/systemd.rb, since 6.1. */
	static const char *const pumas[] = {
		"STATUS=Puma 6.6.1: cluster: 2/2, worker_status: "
		"[{ 5/5 threads, 5 available, 0 backlog },{ 5/5 threads, 4 available, 1 backlog }]",
		"STATUS=Puma 7.2.1: cluster: 1/2, worker_status: "
		"[{ 1/2 threads, 2 available, 0 backlog },{ / threads,  available,  backlog }]",
		"STATUS=Puma 8.0.2: cluster: 2/2, worker_status: "
		"[{ 1/2 threads, 2 available, 0 backlog },{ 1/2 threads, 2 available, 0 backlog }]",
		"STATUS=Puma 8.0.2: worker: { 5/5 threads, 4 available, 1 backlog }",
	};
	struct notice n;
	notice_read("STATUS=" PUMAS, &n);
	ck_assert_str_eq(n.status, PUMAS);
	for (size_t i = 0; i < ARRAY_LEN(pumas); i++) {
		notice_read(pumas[i], &n);
		ck_assert_str_eq(n.status, pumas[i] + strlen("STATUS="));
		ck_assert(!n.ready && !n.reloading && !n.stopping);
	}
	notice_read("READY=1\nSTATUS=up\nWATCHDOG=1", &n);
	ck_assert_str_eq(n.status, "up");
	notice_read("STATUS=", &n);
	ck_assert_str_eq(n.status, "");
	notice_read("READY=1", &n);
	ck_assert_str_eq(n.status, "");
}
END_TEST

START_TEST(a_long_one_is_cut_and_never_within_a_character)
{
	char text[8 + 2 * NOTICE_STATUS_MAX] = "STATUS=";
	struct notice n;
	for (size_t shift = 0; shift < 2; shift++) {
		size_t at = strlen("STATUS=");
		memset(text + at, 'x', shift);
		for (at += shift; at + 2 < sizeof text; at += 2)
			memcpy(text + at, "ü", 2);
		text[at] = '\0';
		notice_read(text, &n);
		size_t len = strlen(n.status);
		ck_assert_uint_ge(len, NOTICE_STATUS_MAX - 3);
		ck_assert_uint_eq((len - shift) % 2, 0);
	}
}
END_TEST

START_TEST(nothing_in_it_moves_a_terminals_cursor)
{
	struct notice n;
	notice_read("STATUS=a\033[2Jb\rc\x7f", &n);
	ck_assert_str_eq(n.status, "a?[2Jb?c?");
}
END_TEST

SUITE("notice", each_of_pumas_words_is_known, a_status_is_what_is_behind_its_word,
      a_long_one_is_cut_and_never_within_a_character, nothing_in_it_moves_a_terminals_cursor)
