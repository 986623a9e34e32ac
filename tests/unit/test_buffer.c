#include "util/buffer.h"

#include <string.h>

#include "suite.h"

START_TEST(bytes_leave_at_the_front_in_the_order_they_came)
{
	struct buffer b = { 0 };
	ck_assert(buffer_add(&b, "abc", 3, 100));
	ck_assert(buffer_add(&b, "defg", 4, 100));
	buffer_take(&b, 2);
	ck_assert_uint_eq(b.len, 5);
	ck_assert_int_eq(memcmp(b.data, "cdefg", 5), 0);
	buffer_take(&b, 5);
	ck_assert_uint_eq(b.len, 0);
	buffer_finish(&b);
	ck_assert_ptr_null(b.data);
}
END_TEST

START_TEST(what_does_not_fit_changes_nothing)
{
	struct buffer b = { 0 };
	ck_assert(buffer_add(&b, "12345678", 8, 10));
	ck_assert(!buffer_add(&b, "123", 3, 10));
	ck_assert(!buffer_reserve(&b, SIZE_MAX, 10));
	ck_assert_uint_eq(b.len, 8);
	ck_assert(buffer_add(&b, "12", 2, 10));
	buffer_finish(&b);
}
END_TEST

START_TEST(it_grows_as_needed)
{
	struct buffer b = { 0 };
	char block[999];
	memset(block, 'x', sizeof block);
	for (int i = 0; i < 100; i++)
		ck_assert(buffer_add(&b, block, sizeof block, 1 << 20));
	ck_assert_uint_eq(b.len, 99900);
	buffer_finish(&b);
}
END_TEST

SUITE("buffer", bytes_leave_at_the_front_in_the_order_they_came, what_does_not_fit_changes_nothing,
      it_grows_as_needed)
