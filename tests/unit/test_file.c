#include "os/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suite.h"

static char path[] = "/tmp/test_file.XXXXXX";

static void plant(const char *bytes, size_t len) {
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(bytes, 1, len, file), len);
	fclose(file);
}

START_TEST(bytes_come_as_they_are_with_a_nul_behind)
{
	char *text = NULL;
	size_t len = 0;
	plant("a\0b\xff", 4);
	ck_assert_int_eq(file_read(path, 100, &text, &len), 0);
	ck_assert_uint_eq(len, 4);
	ck_assert_mem_eq(text, "a\0b\xff", 5);
	free(text);
}
END_TEST

START_TEST(the_limit_is_exact)
{
	static char big[10000];
	char *text = NULL;
	size_t len = 0;
	memset(big, 'x', sizeof big);
	plant(big, sizeof big);
	for (size_t max = 4095; max < 4098; max++)
		ck_assert_int_eq(file_read(path, max, &text, &len), -EFBIG);
	ck_assert_int_eq(file_read(path, sizeof big - 1, &text, &len), -EFBIG);
	ck_assert_ptr_null(text);
	ck_assert_int_eq(file_read(path, sizeof big, &text, &len), 0);
	ck_assert_uint_eq(len, sizeof big);
	ck_assert_mem_eq(text, big, sizeof big);
	free(text);
}
END_TEST

START_TEST(an_empty_file_is_an_empty_text)
{
	char *text = NULL;
	size_t len = 9;
	plant("", 0);
	ck_assert_int_eq(file_read(path, 0, &text, &len), 0);
	ck_assert_uint_eq(len, 0);
	ck_assert_str_eq(text, "");
	free(text);
}
END_TEST

START_TEST(a_file_of_proc_whose_size_is_0_is_read)
{
	char *text = NULL;
	size_t len = 0;
	ck_assert_int_eq(file_read("/proc/self/status", 1 << 20, &text, &len), 0);
	ck_assert_ptr_nonnull(strstr(text, "VmRSS:"));
	free(text);
}
END_TEST

START_TEST(what_is_no_file_is_an_errno)
{
	char *text = NULL;
	size_t len = 0;
	ck_assert_int_eq(file_read("/no/such/file", 100, &text, &len), -ENOENT);
	ck_assert_int_eq(file_read("/tmp", 100, &text, &len), -EISDIR);
	ck_assert_int_eq(file_read("/dev/zero", 100000, &text, &len), -EFBIG);
	ck_assert_ptr_null(text);
}
END_TEST

START_TEST(a_fifo_nobody_writes_to_does_not_hang)
{
	char fifo[sizeof path + 8], *text = NULL;
	size_t len = 9;
	snprintf(fifo, sizeof fifo, "%s.fifo", path);
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	ck_assert_int_eq(file_read(fifo, 100, &text, &len), 0);
	ck_assert_uint_eq(len, 0);
	free(text);
	unlink(fifo);
}
END_TEST

int main(void) {
	int fd = mkstemp(path);
	if (fd < 0)
		return EXIT_FAILURE;
	close(fd);
	const TTest *const tests[] = { bytes_come_as_they_are_with_a_nul_behind,
				       the_limit_is_exact,
				       an_empty_file_is_an_empty_text,
				       a_file_of_proc_whose_size_is_0_is_read,
				       what_is_no_file_is_an_errno,
				       a_fifo_nobody_writes_to_does_not_hang };
	int status = suite_run("file", tests, sizeof tests / sizeof tests[0]);
	unlink(path);
	return status;
}
