#include "os/pages.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "suite.h"

START_TEST(they_are_zeroed_writable_and_gone_afterwards)
{
	struct pages p;
	ck_assert_int_eq(pages_map(100000, &p), 0);
	char *bytes = p.at;
	for (size_t i = 0; i < p.len; i += 1000)
		ck_assert_int_eq(bytes[i], 0);
	memset(bytes, 1, p.len);
	pages_unmap(&p);
	ck_assert_ptr_null(p.at);
	ck_assert_int_eq(msync(bytes, 4096, MS_ASYNC), -1);
	ck_assert_int_eq(errno, ENOMEM); /* nothing is there */
	pages_unmap(&p);                 /* none is no harm */
}
END_TEST

START_TEST(what_can_not_be_had_is_an_error_and_none)
{
	struct pages p = { .len = 7 };
	ck_assert_int_eq(pages_map(SIZE_MAX / 2, &p), -ENOMEM);
	ck_assert_ptr_null(p.at);
	ck_assert_int_eq(pages_map(0, &p), -EINVAL);
	ck_assert_ptr_null(p.at);
}
END_TEST

SUITE("pages", they_are_zeroed_writable_and_gone_afterwards,
      what_can_not_be_had_is_an_error_and_none)
