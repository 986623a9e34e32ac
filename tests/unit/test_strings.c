#include "util/strings.h"

#include <string.h>

#include "suite.h"

START_TEST(a_list_is_an_argv_at_any_moment)
{
	struct strings s = { 0 };
	ck_assert_int_eq(strings_add(&s, "puma"), 0);
	ck_assert_int_eq(strings_add(&s, "-w"), 0);
	ck_assert_uint_eq(s.len, 2);
	ck_assert_str_eq(s.items[1], "-w");
	ck_assert_ptr_null(s.items[2]);
	strings_finish(&s);
	ck_assert_ptr_null(s.items);
}
END_TEST

START_TEST(a_printed_text_is_one_of_them_and_cut_where_it_is_endless)
{
	struct strings s = { 0 };
	ck_assert_int_eq(strings_printf(&s, "%s %d", "port", 80), 0);
	ck_assert_str_eq(s.items[0], "port 80");
	ck_assert_int_eq(strings_printf(&s, "%500s", "x"), 0);
	ck_assert_uint_eq(strlen(s.items[1]), 399);
	strings_finish(&s);
}
END_TEST

START_TEST(a_key_is_set_once_and_matched_whole)
{
	struct strings s = { 0 };
	ck_assert_int_eq(strings_set(&s, "RAILS", "1"), 0);
	ck_assert_int_eq(strings_set(&s, "RAILS_ENV", "test"), 0);
	ck_assert_int_eq(strings_set(&s, "RAILS_ENV", "production"), 0);
	ck_assert_uint_eq(s.len, 2);
	ck_assert_str_eq(strings_get(&s, "RAILS_ENV"), "production");
	ck_assert_ptr_null(strings_get(&s, "RAI"));
	strings_unset(&s, "RAILS");
	ck_assert_uint_eq(s.len, 1);
	ck_assert_ptr_null(strings_get(&s, "RAILS"));
	ck_assert_ptr_null(s.items[1]);
	strings_finish(&s);
}
END_TEST

START_TEST(a_copy_is_equal_and_its_own)
{
	struct strings a = { 0 }, b = { 0 };
	ck_assert_int_eq(strings_add(&a, "x"), 0);
	ck_assert_int_eq(strings_copy(&b, &a), 0);
	ck_assert(strings_equal(&a, &b));
	b.items[0][0] = 'y';
	ck_assert(!strings_equal(&a, &b));
	strings_finish(&a);
	strings_finish(&b);
}
END_TEST

SUITE("strings", a_list_is_an_argv_at_any_moment,
      a_printed_text_is_one_of_them_and_cut_where_it_is_endless,
      a_key_is_set_once_and_matched_whole, a_copy_is_equal_and_its_own)
