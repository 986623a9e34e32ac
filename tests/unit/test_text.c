#include "util/text.h"

#include <string.h>

#include "suite.h"

START_TEST(what_fits_is_kept_whole)
{
	char buffer[8];
	struct text t = TEXT_IN(buffer);
	text_printf(&t, "%d", 12);
	text_puts(&t, "345");
	text_put(&t, "67xx", 2);
	ck_assert_str_eq(t.data, "1234567");
	ck_assert(!t.cut);
}
END_TEST

START_TEST(what_does_not_fit_is_cut_and_said)
{
	char buffer[4];
	struct text t = TEXT_IN(buffer);
	text_printf(&t, "%s", "abcdef");
	ck_assert_str_eq(t.data, "abc");
	ck_assert(t.cut);
	text_puts(&t, "x");
	ck_assert_str_eq(t.data, "abc");
}
END_TEST

SUITE("text", what_fits_is_kept_whole, what_does_not_fit_is_cut_and_said)
