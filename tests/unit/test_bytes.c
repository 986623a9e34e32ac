#include "os/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suite.h"
#include "util/fd.h"

START_TEST(ones_own_memory_is_read_at_its_address)
{
	char secret[] = "what is in here", seen[sizeof secret];
	AUTOCLOSE int fd = bytes_open(AT_FDCWD, "/proc/self/mem", NULL);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bytes_read(fd, seen, sizeof seen, (uintptr_t)secret), sizeof seen);
	ck_assert_str_eq(seen, secret);
}
END_TEST

START_TEST(where_nothing_is_mapped_there_is_an_error)
{
	char seen[8];
	AUTOCLOSE int fd = bytes_open(AT_FDCWD, "/proc/self/mem", NULL);
	ck_assert_int_lt(bytes_read(fd, seen, sizeof seen, 16), 0);
	ck_assert_int_lt(bytes_read(fd, seen, sizeof seen, UINT64_MAX - 8), 0);
}
END_TEST

START_TEST(a_file_is_read_as_far_as_it_goes)
{
	char path[] = "/tmp/test-bytes-XXXXXX", seen[16];
	AUTOCLOSE int made = mkstemp(path);
	ck_assert_int_eq(write(made, "0123456789", 10), 10);
	uint64_t size = 0;
	AUTOCLOSE int fd = bytes_open(AT_FDCWD, path, &size);
	unlink(path);
	ck_assert_uint_eq(size, 10);
	ck_assert_int_eq(bytes_read(fd, seen, sizeof seen, 4), 6);
	ck_assert_mem_eq(seen, "456789", 6);
	ck_assert_int_eq(bytes_read(fd, seen, sizeof seen, 10), 0);
}
END_TEST

START_TEST(what_is_no_file_is_refused_without_waiting)
{
	char dir[] = "/tmp/test-bytes-XXXXXX";
	ck_assert_ptr_nonnull(mkdtemp(dir));
	AUTOCLOSE int at = open(dir, O_PATH | O_DIRECTORY);
	ck_assert_int_eq(mkfifoat(at, "fifo", 0600), 0);
	ck_assert_int_eq(bytes_open(at, "fifo", NULL), -EINVAL);
	ck_assert_int_eq(bytes_open(at, ".", NULL), -EINVAL);
	ck_assert_int_eq(bytes_open(at, "nothing", NULL), -ENOENT);
	unlinkat(at, "fifo", 0);
	rmdir(dir);
}
END_TEST

SUITE("bytes", ones_own_memory_is_read_at_its_address, where_nothing_is_mapped_there_is_an_error,
      a_file_is_read_as_far_as_it_goes, what_is_no_file_is_refused_without_waiting)
