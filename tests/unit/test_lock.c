#include "os/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "suite.h"

static char directory[64], path[100];
static pid_t holder;

static void make_place(void) {
	strcpy(directory, "/tmp/test-lock-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/lock", directory);
}

static void remove_place(void) {
	unlink(path);
	rmdir(directory);
}

START_TEST(a_second_one_is_told_who_holds_it)
{
	make_place();
	int fd = lock_take(AT_FDCWD, path, &holder);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(lock_take(AT_FDCWD, path, &holder), -EWOULDBLOCK);
	ck_assert_int_eq(holder, getpid());
	close(fd);
	fd = lock_take(AT_FDCWD, path, &holder);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(holder, 0);
	close(fd);
	remove_place();
}
END_TEST

START_TEST(a_handed_over_descriptor_holds_it_on)
{
	make_place();
	int fd = lock_take(AT_FDCWD, path, &holder);
	int handed = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	close(fd);
	ck_assert_int_eq(lock_take(AT_FDCWD, path, &holder), -EWOULDBLOCK);
	close(handed);
	remove_place();
}
END_TEST

START_TEST(garbage_in_the_file_is_no_pid)
{
	make_place();
	int fd = lock_take(AT_FDCWD, path, &holder);
	static const char *const garbage[] = { "", "x", "-5", "99999999999999999999" };
	for (size_t i = 0; i < ARRAY_LEN(garbage); i++) {
		ck_assert_int_eq(ftruncate(fd, 0), 0);
		ck_assert_int_ge(pwrite(fd, garbage[i], strlen(garbage[i]), 0), 0);
		ck_assert_int_eq(lock_take(AT_FDCWD, path, &holder), -EWOULDBLOCK);
		ck_assert_int_eq(holder, 0);
	}
	close(fd);
	remove_place();
}
END_TEST

START_TEST(a_link_is_not_followed)
{
	make_place();
	ck_assert_int_eq(symlink("/tmp/elsewhere", path), 0);
	ck_assert_int_eq(lock_take(AT_FDCWD, path, &holder), -ELOOP);
	ck_assert_int_eq(access("/tmp/elsewhere", F_OK), -1);
	remove_place();
}
END_TEST

SUITE("lock", a_second_one_is_told_who_holds_it, a_handed_over_descriptor_holds_it_on,
      garbage_in_the_file_is_no_pid, a_link_is_not_followed)
