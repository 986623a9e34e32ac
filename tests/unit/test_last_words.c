#include <check.h>
#include <string.h>

#include "core/last_words.h"
#include "suite.h"

static char page[2000];

static const char *quoted(const char *output, size_t room) {
	struct text out = TEXT_IN(page);
	last_words(output, room, &out);
	return page;
}

START_TEST(the_last_lines_that_fit_are_quoted)
{
	ck_assert_str_eq(quoted("one\ntwo\nthree\n", 100), "one\ntwo\nthree");
	ck_assert_str_eq(quoted("one\ntwo\nthree\n", 10), "two\nthree");
	ck_assert_str_eq(quoted("one\ntwo\nthree\n", 9), "three");
	ck_assert_str_eq(quoted("one\n\n\ntwo", 100), "one\ntwo");
}
END_TEST

START_TEST(the_last_line_is_quoted_even_where_there_is_no_room)
{
	ck_assert_str_eq(quoted("one\ntwo", 1), "two");
	ck_assert_str_eq(quoted("", 100), "");
	ck_assert_str_eq(quoted("\n\n", 100), "");
}
END_TEST

START_TEST(a_backtrace_is_left_out)
{
	ck_assert_str_eq(
		quoted("x.rb:1:in `a': no (NoMethodError)\n\tfrom x.rb:2\n\tfrom y\n", 200),
		"x.rb:1:in `a': no (NoMethodError)");
}
END_TEST

START_TEST(an_endless_line_is_cut_between_two_characters)
{
	char line[1000] = "x";
	for (size_t i = 1; i + 2 < sizeof line; i += 2)
		memcpy(line + i, "\xc3\xa4", 2);
	ck_assert_uint_eq(strlen(quoted(line, 300)), 159);
	ck_assert_str_eq(page + 157, "\xc3\xa4");
}
END_TEST

START_TEST(the_folders_of_an_endless_line_are_left_out_for_what_is_behind_them)
{
	char buffer[400];
	struct text out = TEXT_IN(buffer);
	last_words(
		"/usr/share/rubygems-integration/all/gems/bundler-2.3.15/lib/bundler/resolver.rb:271:in "
		"`block in verify_gemfile_dependencies_are_found!': Could not find gem 'none'",
		250, &out);
	ck_assert_str_eq(buffer,
			 "resolver.rb:271:in `block in verify_gemfile_dependencies_are_found!': "
			 "Could not find gem 'none'");
}
END_TEST

SUITE("last_words", the_last_lines_that_fit_are_quoted,
      the_last_line_is_quoted_even_where_there_is_no_room, a_backtrace_is_left_out,
      an_endless_line_is_cut_between_two_characters,
      the_folders_of_an_endless_line_are_left_out_for_what_is_behind_them)
