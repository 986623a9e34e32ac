#include "util/utf8.h"

#include <string.h>

#include "suite.h"

START_TEST(every_length_of_a_character_is_read)
{
	static const struct {
		const char *bytes;
		size_t length;
		uint32_t codepoint;
	} rows[] = {
		{ "a", 1, 'a' },
		{ "\xc3\xa9", 2, 0xe9 },
		{ "\xe2\x82\xac", 3, 0x20ac },
		{ "\xf0\x9f\x92\xbe", 4, 0x1f4be },
		{ "\xf4\x8f\xbf\xbf", 4, 0x10ffff },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint32_t c = 0;
		ck_assert_uint_eq(utf8_next(rows[i].bytes, strlen(rows[i].bytes), &c),
				  rows[i].length);
		ck_assert_uint_eq(c, rows[i].codepoint);
	}
}
END_TEST

START_TEST(what_is_not_well_formed_is_no_character)
{
	static const char *const rows[] = {
		"\x80",             /* a continuation alone */
		"\xc3",             /* cut off */
		"\xc3(",            /* no continuation */
		"\xc0\x80",         /* overlong */
		"\xe0\x80\x80",     /* overlong */
		"\xf0\x80\x80\x80", /* overlong */
		"\xed\xa0\x80",     /* a surrogate */
		"\xf4\x90\x80\x80", /* beyond the last one */
		"\xff",
	};
	uint32_t c;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_msg(utf8_next(rows[i], strlen(rows[i]), &c) == 0, "row %zu", i);
	ck_assert_uint_eq(utf8_next("a", 0, &c), 0);
}
END_TEST

START_TEST(a_quotation_is_short_and_harmless)
{
	static const struct {
		const char *string, *printed;
	} rows[] = {
		{ "12345678", "12345678" },
		{ "123456789", "12345678…" },
		{ "h\xc3\xa9", "h\xc3\xa9" },
		{ "\033[31m", "?[31m" },
		{ "a\xff\xc3", "a??" },
		{ "\xe2\x80\xae"
		  "x",
		  "?x" },
		{ "", "" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char line[80];
		struct text out = TEXT_IN(line);
		utf8_print(rows[i].string, 8, &out);
		ck_assert_str_eq(line, rows[i].printed);
	}
}
END_TEST

SUITE("utf8", every_length_of_a_character_is_read, what_is_not_well_formed_is_no_character,
      a_quotation_is_short_and_harmless)
