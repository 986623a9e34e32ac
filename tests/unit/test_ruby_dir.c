#include "os/ruby_dir.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "suite.h"

START_TEST(a_program_of_the_build_directory_finds_the_files_of_the_build)
{
	char path[400], file[420];
	ck_assert_int_eq(ruby_dir_find(NULL, path, sizeof path), 0);
	ck_assert_int_eq(path[0], '/');
	snprintf(file, sizeof file, "%s/inspect.rb", path);
	ck_assert_int_eq(access(file, R_OK), 0);
	ck_assert_int_eq(ruby_dir_find(NULL, path, 10), -ENAMETOOLONG);
}
END_TEST

START_TEST(a_wish_is_final)
{
	char path[400];
	ck_assert_int_eq(ruby_dir_find("/nowhere", path, sizeof path), -ENOENT);
}
END_TEST

SUITE("ruby_dir", a_program_of_the_build_directory_finds_the_files_of_the_build, a_wish_is_final)
