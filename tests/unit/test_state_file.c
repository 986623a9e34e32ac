#include "os/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "suite.h"
#include "util/fd.h"
#include "util/heap.h"

#define HEADER 40 /* bytes */

static char directory[64], path[100];

static int file(void) {
	strcpy(directory, "/tmp/test-state-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/state", directory);
	int fd = state_file_open(AT_FDCWD, path);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static int memory(void) {
	int fd = state_file_memory("state");
	ck_assert_int_ge(fd, 0);
	return fd;
}

static void remove_place(void) {
	unlink(path);
	rmdir(directory);
}

static void write_text(int fd, const char *text) {
	ck_assert_int_eq(state_file_write(fd, text, strlen(text)), 0);
}

static void reads(int fd, const char *expected) {
	AUTOFREE char *text = NULL;
	size_t len = 0;
	ck_assert_int_eq(state_file_read(fd, &text, &len), 0);
	ck_assert_str_eq(text, expected);
	ck_assert_uint_eq(len, strlen(expected));
}

static void refuses(int fd, int error) {
	char *text = directory;
	size_t len = 77;
	ck_assert_int_eq(state_file_read(fd, &text, &len), error);
	ck_assert_ptr_eq(text, directory);
	ck_assert_uint_eq(len, 77);
}

START_TEST(what_was_written_last_is_read)
{
	int (*const kinds[])(void) = { file, memory };
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		AUTOCLOSE int fd = kinds[i]();
		refuses(fd, -ENODATA);
		static const char *const texts[] = { "one", "number two", "3", "",
						     "after nothing" };
		for (size_t k = 0; k < ARRAY_LEN(texts); k++) {
			write_text(fd, texts[k]);
			reads(fd, texts[k]);
		}
		ck_assert_int_eq(lseek(fd, 0, SEEK_CUR), 0);
	}
	remove_place();
}
END_TEST

START_TEST(a_text_is_any_bytes)
{
	AUTOCLOSE int fd = memory();
	AUTOFREE char *text = NULL;
	size_t len;
	ck_assert_int_eq(state_file_write(fd, "a\0b\xff", 4), 0);
	ck_assert_int_eq(state_file_read(fd, &text, &len), 0);
	ck_assert_uint_eq(len, 4);
	ck_assert_int_eq(memcmp(text, "a\0b\xff", 5), 0);
}
END_TEST

START_TEST(the_file_is_ours_alone_and_keeps_its_text)
{
	AUTOCLOSE int fd = file();
	struct stat st;
	write_text(fd, "kept");
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	AUTOCLOSE int again = state_file_open(AT_FDCWD, path);
	reads(again, "kept");
	write_text(again, "by the second");
	reads(fd, "by the second");
	write_text(fd, "by the first");
	reads(again, "by the first");
	remove_place();
}
END_TEST

START_TEST(it_is_sparse)
{
	AUTOCLOSE int fd = memory();
	struct stat st;
	for (int i = 0; i < 10; i++)
		write_text(fd, "a short one");
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_le(st.st_blocks * 512, 4 * 4096);
}
END_TEST

START_TEST(what_is_no_file_of_ours_is_refused)
{
	AUTOCLOSE int fd = file();
	char other[120];
	snprintf(other, sizeof other, "%s/other", directory);
	ck_assert_int_eq(symlink(path, other), 0);
	ck_assert_int_eq(state_file_open(AT_FDCWD, other), -ELOOP);
	unlink(other);
	ck_assert_int_eq(mkfifo(other, 0600), 0);
	ck_assert_int_eq(state_file_open(AT_FDCWD, other), -EPERM);
	unlink(other);
	ck_assert_int_eq(state_file_open(AT_FDCWD, directory), -EISDIR);
	ck_assert_int_eq(state_file_open(AT_FDCWD, "/nowhere/state"), -ENOENT);
	if (geteuid() == 0) {
		ck_assert_int_eq(fchown(fd, 65534, 65534), 0);
		ck_assert_int_eq(state_file_open(AT_FDCWD, path), -EPERM);
	}
	remove_place();
}
END_TEST

START_TEST(emptied_it_is_as_if_new)
{
	AUTOCLOSE int fd = memory();
	write_text(fd, "one");
	write_text(fd, "two");
	ck_assert_int_eq(state_file_empty(fd), 0);
	refuses(fd, -ENODATA);
	write_text(fd, "three");
	reads(fd, "three");
}
END_TEST

START_TEST(one_that_is_too_long_is_refused_and_the_longest_is_not)
{
	AUTOCLOSE int fd = memory();
	AUTOFREE char *long_one = malloc(STATE_FILE_MAX + 1);
	AUTOFREE char *text = NULL;
	size_t len;
	memset(long_one, 'x', STATE_FILE_MAX + 1);
	write_text(fd, "before");
	ck_assert_int_eq(state_file_write(fd, long_one, STATE_FILE_MAX + 1), -EFBIG);
	reads(fd, "before");
	ck_assert_int_eq(state_file_write(fd, long_one, STATE_FILE_MAX), 0);
	ck_assert_int_eq(state_file_read(fd, &text, &len), 0);
	ck_assert_uint_eq(len, STATE_FILE_MAX);
	ck_assert_int_eq(memcmp(text, long_one, len), 0);
	write_text(fd, "after");
	reads(fd, "after");
}
END_TEST

static void flip(int fd, off_t at) {
	unsigned char byte;
	ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
	byte ^= 0x10;
	ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
}

START_TEST(with_any_byte_of_the_newer_one_wrong_the_older_one_is_read)
{
	AUTOCLOSE int fd = memory();
	write_text(fd, "older");
	write_text(fd, "newer");
	for (off_t i = 0; i < HEADER + 5; i++) {
		off_t in = i < HEADER ? i : STATE_FILE_TEXT + i - HEADER;
		flip(fd, (off_t)STATE_FILE_PLACE + in);
		reads(fd, "older");
		flip(fd, in);
		refuses(fd, -EBADMSG);
		flip(fd, (off_t)STATE_FILE_PLACE + in);
		reads(fd, "newer");
		flip(fd, in);
	}
	/* And the next one takes the place of the broken one. */
	flip(fd, (off_t)STATE_FILE_PLACE);
	write_text(fd, "next");
	reads(fd, "next");
	flip(fd, (off_t)STATE_FILE_PLACE);
	reads(fd, "older");
}
END_TEST

START_TEST(something_else_in_the_file_is_not_whole_and_may_be_written_over)
{
	char page[8192];
	memset(page, 'x', sizeof page);
	static const size_t sizes[] = { 1, HEADER - 1, HEADER, 8192 };
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		AUTOCLOSE int fd = memory();
		ck_assert_int_eq(pwrite(fd, page, sizes[i], 0), (ssize_t)sizes[i]);
		refuses(fd, -EBADMSG);
		write_text(fd, "ours");
		reads(fd, "ours");
	}
}
END_TEST

START_TEST(a_file_that_was_cut_off_gives_the_one_that_is_left)
{
	AUTOCLOSE int fd = memory();
	write_text(fd, "older");
	write_text(fd, "newer");
	ck_assert_int_eq(ftruncate(fd, (off_t)STATE_FILE_PLACE + STATE_FILE_TEXT + 4), 0);
	reads(fd, "older");
	ck_assert_int_eq(ftruncate(fd, STATE_FILE_TEXT + 4), 0);
	refuses(fd, -EBADMSG);
}
END_TEST

static void limit_size(rlim_t bytes) {
	struct rlimit limit = { .rlim_cur = bytes, .rlim_max = RLIM_INFINITY };
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The limit stops the write in the middle of the text, at each byte in turn. */
START_TEST(a_write_that_fails_leaves_the_older_one)
{
	signal(SIGXFSZ, SIG_IGN);
	for (rlim_t room = 0; room < 12; room++) {
		AUTOCLOSE int fd = memory();
		write_text(fd, "older");
		limit_size(STATE_FILE_PLACE + STATE_FILE_TEXT + room);
		ck_assert_int_eq(state_file_write(fd, "newer text", 10), room < 10 ? -EFBIG : 0);
		limit_size(RLIM_INFINITY);
		reads(fd, room < 10 ? "older" : "newer text");
		write_text(fd, "next");
		reads(fd, "next");
	}
	signal(SIGXFSZ, SIG_DFL);
}
END_TEST

START_TEST(a_full_disk_is_an_error_and_the_older_one_stays)
{
	AUTOCLOSE int fd = open("/dev/full", O_RDWR | O_CLOEXEC);
	/* It reads as zeros: no header of ours. */
	ck_assert_int_eq(state_file_write(fd, "text", 4), -ENOSPC);
	AUTOCLOSE int closed = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(state_file_write(closed, "text", 4), -EBADF);
}
END_TEST

/* Its length and its letters are both of the number: a mixture of two would be seen. */
static size_t text_of(unsigned number, char *text, size_t size) {
	size_t len = 1 + number * 7919 % (size - 1);
	memset(text, 'a' + (int)(number % 26), len);
	return len;
}

static void write_until_killed(int fd) {
	static char text[100000];
	for (unsigned i = 0;; i++)
		if (state_file_write(fd, text, text_of(i, text, sizeof text)) != 0)
			_exit(1);
}

/* The writer is another process with the descriptor handed over, killed wherever it is. */
START_TEST(a_killed_writer_always_leaves_a_whole_one)
{
	AUTOCLOSE int fd = memory();
	write_text(fd, "a");
	for (int round = 0; round < 60; round++) {
		pid_t pid = fork();
		if (pid == 0)
			write_until_killed(fd);
		struct timespec moment = { .tv_nsec = 500000 + round * 37000 };
		nanosleep(&moment, NULL);
		kill(pid, SIGKILL);
		int status;
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_int_eq(status, SIGKILL);
		AUTOFREE char *text = NULL;
		size_t len;
		ck_assert_int_eq(state_file_read(fd, &text, &len), 0);
		ck_assert_uint_ge(len, 1);
		ck_assert_uint_eq(strspn(text, (char[]){ text[0], '\0' }), len);
	}
}
END_TEST

SUITE("state_file", what_was_written_last_is_read, a_text_is_any_bytes,
      the_file_is_ours_alone_and_keeps_its_text, it_is_sparse, what_is_no_file_of_ours_is_refused,
      emptied_it_is_as_if_new, one_that_is_too_long_is_refused_and_the_longest_is_not,
      with_any_byte_of_the_newer_one_wrong_the_older_one_is_read,
      something_else_in_the_file_is_not_whole_and_may_be_written_over,
      a_file_that_was_cut_off_gives_the_one_that_is_left, a_write_that_fails_leaves_the_older_one,
      a_full_disk_is_an_error_and_the_older_one_stays, a_killed_writer_always_leaves_a_whole_one)
