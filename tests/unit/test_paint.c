#include "core/paint.h"

#include <string.h>

#include "suite.h"

static const struct style plain = { 0, false, false }, unicode = { 0, false, true },
			  colour = { 0, true, true };
static char buffer[4096];
static struct text out;

static void begin(void) {
	out = TEXT_IN(buffer);
}

START_TEST(no_control_character_reaches_the_terminal)
{
	const struct {
		const char *said, *shown;
	} cases[] = {
		{ "myapp", "myapp" },
		{ "\033[2J\033]0;gone\007", "?[2J?]0;gone?" },
		{ "a\nb\tc\rd\x7f", "a?b?c?d?" },
		{ "\xc2\x9b[31m", "?[31m" }, /* CSI as one C1 character */
		{ "\x9b"
		  "31m",
		  "?31m" }, /* and as a byte */
		{ "x\xe2\x80\xae"
		  "cod.exe",
		  "x?cod.exe" }, /* right-to-left override */
		{ "caf\xc3\xa9 \xe6\x97\xa5", "caf\xc3\xa9 \xe6\x97\xa5" },
		{ "cut \xe6\x97", "cut ??" },
		{ "\xee\x82\xb0", "?" },     /* a private glyph */
		{ "\xf3\xa0\x81\x81", "?" }, /* a tag: invisible letters */
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		begin();
		paint_safe(&out, &unicode, cases[i].said);
		ck_assert_str_eq(buffer, cases[i].shown);
	}
	begin();
	paint_safe(&out, &plain, "caf\xc3\xa9");
	ck_assert_str_eq(buffer, "caf?");
}
END_TEST

START_TEST(a_width_is_counted_in_columns)
{
	ck_assert_uint_eq(paint_width(""), 0);
	ck_assert_uint_eq(paint_width("abc"), 3);
	ck_assert_uint_eq(paint_width("ΣPSS"), 4);
	ck_assert_uint_eq(paint_width("日本"), 4);
	ck_assert_uint_eq(paint_width("e\xcc\x81"), 1); /* a letter and its accent */
	ck_assert_uint_eq(paint_width("🚀"), 2);
}
END_TEST

START_TEST(what_is_too_wide_is_cut_and_says_so)
{
	const struct {
		const char *said;
		unsigned width;
		const char *shown;
	} cases[] = {
		{ "abcdef", 6, "abcdef" }, { "abcdef", 5, "abcd…" }, { "日本語", 5, "日本…" },
		{ "日本語", 4, "日…" },    { "abc", 1, "…" },        { "abc", 0, "" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		begin();
		paint_cut(&out, &unicode, cases[i].said, cases[i].width);
		ck_assert_str_eq(buffer, cases[i].shown);
		ck_assert_uint_le(paint_width(buffer), cases[i].width);
	}
	begin();
	paint_cut(&out, &plain, "abcdef", 5);
	ck_assert_str_eq(buffer, "abcd~");
}
END_TEST

START_TEST(long_sentences_go_over_several_lines)
{
	const struct style narrow = { 20, false, true };
	begin();
	paint_wrapped(&out, &narrow, 2, "one two three four five six");
	ck_assert_str_eq(buffer, "one two three four\n  five six\n");
	begin();
	paint_wrapped(&out, &narrow, 2, "a-word-that-is-wider-than-the-terminal x");
	ck_assert_str_eq(buffer, "a-word-that-is-wi…\n  x\n");
	begin();
	paint_wrapped(&out, &unicode, 2, "any width\nis fine");
	ck_assert_str_eq(buffer, "any width?is fine\n");
}
END_TEST

START_TEST(colours_are_there_only_when_wanted_and_always_end)
{
	begin();
	paint(&out, &colour, INK_RED, "bad");
	ck_assert_str_eq(buffer, "\033[1;31mbad\033[0m");
	begin();
	paint(&out, &unicode, INK_RED, "bad");
	ck_assert_str_eq(buffer, "bad");
}
END_TEST

START_TEST(parts_flow_onto_the_next_line)
{
	const struct style narrow = { 12, false, true };
	begin();
	struct flow flow = { .out = &out, .style = &narrow };
	flow_part(&flow, INK_PLAIN, "%s", "abcd");
	flow_part(&flow, INK_PLAIN, "%s", "ef\033gh");
	flow_part(&flow, INK_PLAIN, "%s", "ijk");
	flow_part(&flow, INK_PLAIN, "%s", "longer than twelve");
	flow_end(&flow);
	flow_end(&flow);
	ck_assert_str_eq(buffer, "abcd  ef?gh\nijk\nlonger than…\n");
}
END_TEST

START_TEST(bytes_stay_short)
{
	const struct {
		int64_t bytes;
		const char *whole, *brief;
	} cases[] = {
		{ 0, "0B", "0B" },
		{ 999, "999B", "999B" },
		{ 1000, "1KiB", "1K" },
		{ 536870912, "512MiB", "512M" },
		{ 1047527424, "999MiB", "999M" },
		{ 1073741824, "1.0GiB", "1.0G" },
		{ 3435973836, "3.2GiB", "3.2G" },
		{ 10737418240, "10GiB", "10G" },
		{ INT64_C(1) << 45, "32TiB", "32T" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		begin();
		paint_bytes(&out, cases[i].bytes, false);
		ck_assert_str_eq(buffer, cases[i].whole);
		begin();
		paint_bytes(&out, cases[i].bytes, true);
		ck_assert_str_eq(buffer, cases[i].brief);
	}
}
END_TEST

START_TEST(ages_stay_short)
{
	const struct {
		int64_t seconds;
		const char *shown;
	} cases[] = {
		{ -1, "0s" },          { 0, "0s" },         { 59, "59s" },       { 60, "1m00s" },
		{ 3599, "59m59s" },    { 3600, "1h00m" },   { 86399, "23h59m" }, { 86400, "1d00h" },
		{ 8639999, "99d23h" }, { 8640000, "100d" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		begin();
		paint_age(&out, cases[i].seconds);
		ck_assert_str_eq(buffer, cases[i].shown);
		ck_assert_uint_le(out.len, 6);
	}
}
END_TEST

SUITE("paint", no_control_character_reaches_the_terminal, a_width_is_counted_in_columns,
      what_is_too_wide_is_cut_and_says_so, long_sentences_go_over_several_lines,
      colours_are_there_only_when_wanted_and_always_end, parts_flow_onto_the_next_line,
      bytes_stay_short, ages_stay_short)
