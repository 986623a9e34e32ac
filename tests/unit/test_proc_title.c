#include "core/proc_title.h"

#include <string.h>

#include "fixture.h"
#include "suite.h"
#include "util/base.h"

#define BYTES(literal) literal, sizeof(literal) - 1

START_TEST(a_title_is_what_the_program_wants_to_be_called)
{
	char title[100];
	struct fixture f = fixture_read("proc/linux-6.18-ruby-cmdline");
	proc_title(f.text, f.len, title, sizeof title);
	ck_assert_str_eq(title, "puma 5.6.5 (tcp://0.0.0.0:9292) [shop]");
}
END_TEST

START_TEST(a_title_never_holds_what_a_terminal_or_json_would_choke_on)
{
	static const struct {
		const char *cmdline;
		size_t len;
		const char *title;
	} rows[] = {
		{ BYTES("puma\0-C\0config/puma.rb\0"), "puma -C config/puma.rb" },
		{ BYTES("puma\0-C"), "puma -C" },
		{ BYTES("puma\0\0\0\0secret"), "puma" },
		{ BYTES(""), "" },
		{ BYTES("\0\0"), "" },
		{ BYTES("a\033[31mb\nc\td\177"), "a?[31mb?c?d?" },
		{ BYTES("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\x86"),
		  "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\x86" },
		{ BYTES("\xc2\x9b"
			"31m"),
		  "??31m" },
		{ BYTES("\xc0\xaf \xe0\x80\xaf \xed\xa0\x80 \xf4\x90\x80\x80 \xff \x80"),
		  "?? ??? ??? ???? ? ?" },
		{ BYTES("cut \xe2\x82"), "cut ??" },
		{ BYTES("cut \xe2\0x"), "cut ? x" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char title[100];
		proc_title(rows[i].cmdline, rows[i].len, title, sizeof title);
		ck_assert_str_eq(title, rows[i].title);
	}
}
END_TEST

START_TEST(a_title_that_does_not_fit_is_cut_between_characters)
{
	char title[6];
	proc_title(BYTES("puma\0worker"), title, sizeof title);
	ck_assert_str_eq(title, "puma ");
	proc_title(BYTES("caf\xc3\xa9\xc3\xa9"), title, sizeof title);
	ck_assert_str_eq(title, "caf\xc3\xa9");
	proc_title(BYTES("cafe\xc3\xa9"), title, sizeof title);
	ck_assert_str_eq(title, "cafe");
	proc_title(BYTES("puma"), title, 1);
	ck_assert_str_eq(title, "");
}
END_TEST

SUITE("proc_title", a_title_is_what_the_program_wants_to_be_called,
      a_title_never_holds_what_a_terminal_or_json_would_choke_on,
      a_title_that_does_not_fit_is_cut_between_characters)
