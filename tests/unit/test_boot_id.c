#include "os/boot_id.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "suite.h"

START_TEST(it_is_the_kernels_word_and_when_process_1_was_started)
{
	char id[BOOT_ID_SIZE], line[64] = "";
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
	ck_assert_ptr_nonnull(file);
	ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
	fclose(file);
	ck_assert_int_eq(boot_id_read(id), 0);
	ck_assert_uint_ge(strlen(id), 36);
	if (access("/proc/1/stat", R_OK) == 0) {
		ck_assert_int_eq(id[36], '.');
		ck_assert_uint_eq(strspn(id + 37, "0123456789"), strlen(id + 37));
		ck_assert_uint_ge(strlen(id + 37), 1);
	}
	ck_assert_int_eq(strncmp(id, line, 36), 0);
}
END_TEST

START_TEST(it_stays_the_same)
{
	char first[BOOT_ID_SIZE], second[BOOT_ID_SIZE];
	ck_assert_int_eq(boot_id_read(first), 0);
	ck_assert_int_eq(boot_id_read(second), 0);
	ck_assert_str_eq(first, second);
}
END_TEST

START_TEST(another_process_has_the_same_and_one_that_is_gone_has_none)
{
	char ours[BOOT_ID_SIZE], theirs[BOOT_ID_SIZE];
	ck_assert_int_eq(boot_id_read(ours), 0);
	ck_assert_int_eq(boot_id_read_of(getpid(), theirs), 0);
	ck_assert_str_eq(ours, theirs);
	ck_assert_int_eq(boot_id_read_of(5000000, theirs), -ENOENT);
	ck_assert_str_eq(theirs, "");
}
END_TEST

SUITE("boot_id", it_is_the_kernels_word_and_when_process_1_was_started, it_stays_the_same,
      another_process_has_the_same_and_one_that_is_gone_has_none)
