#include "core/releases.h"

#include <stdio.h>

#include "suite.h"

START_TEST(the_same_directory_is_the_same_release)
{
	static struct releases r;
	ck_assert_uint_eq(releases_add(&r, "/srv/app/releases/1"), 1);
	ck_assert_uint_eq(releases_add(&r, "/srv/app/releases/1"), 1);
	ck_assert_uint_eq(releases_add(&r, "/srv/app/releases/2"), 2);
	ck_assert_str_eq(releases_path(&r, 1), "/srv/app/releases/1");
	ck_assert_str_eq(releases_path(&r, 2), "/srv/app/releases/2");
}
END_TEST

START_TEST(a_renewed_release_has_a_new_number_though_its_directory_is_the_same)
{
	static struct releases r;
	ck_assert_uint_eq(releases_add(&r, "/srv/app"), 1);
	ck_assert_uint_eq(releases_renew(&r, "/srv/app"), 2);
	ck_assert_uint_eq(releases_add(&r, "/srv/app"), 2);
	for (unsigned number = 3; number <= 20; number++) /* from what is about to be forgotten */
		ck_assert_uint_eq(releases_renew(&r, releases_path(&r, number - 1)), number);
	ck_assert_uint_eq(releases_renew(&r, releases_path(&r, 20 - RELEASES_KEPT + 1)), 21);
	ck_assert_str_eq(releases_path(&r, 21), "/srv/app");
}
END_TEST

START_TEST(only_the_latest_are_known)
{
	static struct releases r;
	char path[64];
	ck_assert_ptr_null(releases_path(&r, 0));
	ck_assert_ptr_null(releases_path(&r, 1));
	for (unsigned i = 1; i <= 20; i++) {
		snprintf(path, sizeof path, "/releases/%u", i);
		ck_assert_uint_eq(releases_add(&r, path), i);
	}
	ck_assert_ptr_null(releases_path(&r, 20 - RELEASES_KEPT));
	ck_assert_str_eq(releases_path(&r, 20 - RELEASES_KEPT + 1), "/releases/13");
	ck_assert_ptr_null(releases_path(&r, 21));
}
END_TEST

SUITE("releases", the_same_directory_is_the_same_release,
      a_renewed_release_has_a_new_number_though_its_directory_is_the_same,
      only_the_latest_are_known)
