#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
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
	ck_assert_int_eq(file_read("/dev/zero", 100000, &text, &len), -ENOTSUP);
	ck_assert_int_eq(file_read_within("/dev/zero", 100000, 10, &text, &len), -EFBIG);
	ck_assert_ptr_null(text);
}
END_TEST

static const char *make_fifo(void) {
	static char fifo[sizeof path + 8];
	snprintf(fifo, sizeof fifo, "%s.fifo", path);
	unlink(fifo);
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	return fifo;
}

START_TEST(a_fifo_nobody_writes_to_is_not_empty_and_does_not_hang)
{
	char *text = NULL;
	size_t len = 9;
	const char *fifo = make_fifo();
	ck_assert_int_eq(file_read(fifo, 100, &text, &len), -ENOTSUP);
	ck_assert_int_eq(file_read_within(fifo, 100, 20, &text, &len), -ETIMEDOUT);
	ck_assert_uint_eq(len, 9);
	unlink(fifo);
}
END_TEST

START_TEST(a_pipe_whose_writer_stays_silent_is_late)
{
	char name[40], *text = NULL;
	size_t len = 9;
	int ends[2];
	ck_assert_int_eq(pipe(ends), 0);
	snprintf(name, sizeof name, "/dev/fd/%d", ends[0]);
	ck_assert_int_eq(file_read_within(name, 100, 20, &text, &len), -ETIMEDOUT);
	ck_assert_int_eq(write(ends[1], "half", 4), 4);
	ck_assert_int_eq(file_read_within(name, 100, 20, &text, &len), -ETIMEDOUT);
	ck_assert_ptr_null(text);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

/* Opens when there is a reader, and needs several rounds: a pipe holds 64 KiB. */
static void write_much(const char *fifo, size_t bytes) {
	static const char block[1000];
	int fd = open(fifo, O_WRONLY);
	for (size_t done = 0; fd >= 0 && done < bytes; done += sizeof block) {
		if (write(fd, block, sizeof block) < 0)
			break;
	}
	_exit(0);
}

START_TEST(a_pipe_is_read_until_its_writer_closes_it)
{
	char *text = NULL;
	size_t len = 0;
	const char *fifo = make_fifo();
	pid_t writer = fork();
	if (writer == 0)
		write_much(fifo, 500000);
	ck_assert_int_eq(file_read_within(fifo, 1 << 20, 20 * MSEC_SECOND, &text, &len), 0);
	ck_assert_uint_eq(len, 500000);
	ck_assert_int_eq(waitpid(writer, NULL, 0), writer);
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
				       a_fifo_nobody_writes_to_is_not_empty_and_does_not_hang,
				       a_pipe_whose_writer_stays_silent_is_late,
				       a_pipe_is_read_until_its_writer_closes_it };
	int status = suite_run("file", tests, sizeof tests / sizeof tests[0]);
	unlink(path);
	return status;
}
