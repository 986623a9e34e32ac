#include "os/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "suite.h"
#include "util/fd.h"

/* /proc/self/comm is a file whose text we choose, whatever this program is called. */
static void name_ourselves(void) {
	ck_assert_int_eq(prctl(PR_SET_NAME, "test_text_file"), 0);
}

START_TEST(a_file_is_read_to_its_end_seen_from_the_directory)
{
	char buf[64];
	name_ourselves();
	AUTOCLOSE int dir = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(text_read_at(dir, "comm", buf, sizeof buf), 15);
	ck_assert_str_eq(buf, "test_text_file\n");
	ck_assert_int_eq(text_read_at(dir, "missing", buf, sizeof buf), -ENOENT);
	ck_assert_str_eq(buf, "");
	ck_assert_int_eq(text_read_at(dir, "fd", buf, sizeof buf), -EISDIR);
	ck_assert_str_eq(buf, "");
}
END_TEST

START_TEST(what_comes_in_pieces_is_put_together)
{
	/* The kernel gives at most a page of it at once. */
	static char buf[1 << 17];
	ssize_t n = text_read_at(AT_FDCWD, "/proc/self/smaps", buf, sizeof buf);
	ck_assert_int_gt(n, 4096);
	ck_assert_int_eq(n, (ssize_t)strlen(buf));
	ck_assert_ptr_nonnull(strstr(buf, "[stack]"));
	ck_assert_int_eq(buf[n - 1], '\n');
}
END_TEST

START_TEST(a_full_buffer_holds_the_beginning)
{
	char buf[6];
	name_ourselves();
	ck_assert_int_eq(text_read_at(AT_FDCWD, "/proc/self/comm", buf, sizeof buf), 5);
	ck_assert_str_eq(buf, "test_");
	ck_assert_int_eq(text_read_at(AT_FDCWD, "/proc/self/comm", buf, 1), 0);
	ck_assert_str_eq(buf, "");
}
END_TEST

START_TEST(reading_once_leaves_the_offset_alone)
{
	char buf[64];
	name_ourselves();
	AUTOCLOSE int fd = open("/proc/self/comm", O_RDONLY | O_CLOEXEC);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(text_read_once(fd, buf, sizeof buf), 15);
		ck_assert_str_eq(buf, "test_text_file\n");
	}
	ck_assert_int_eq(text_read_once(-1, buf, sizeof buf), -EBADF);
	ck_assert_str_eq(buf, "");
}
END_TEST

SUITE("text_file", a_file_is_read_to_its_end_seen_from_the_directory,
      what_comes_in_pieces_is_put_together, a_full_buffer_holds_the_beginning,
      reading_once_leaves_the_offset_alone)
