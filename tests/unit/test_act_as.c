#include "os/act_as.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "suite.h"

#define NOBODY 65534

START_TEST(root_has_no_more_rights_than_they_have_and_gets_them_back)
{
	char secret[] = "/tmp/test-act-as-XXXXXX";
	uid_t before = geteuid();
	int fd = mkstemp(secret); /* 0600, ours */
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(act_as(NOBODY, NOBODY), 0);
	if (before == 0) {
		ck_assert_uint_eq(geteuid(), NOBODY);
		ck_assert_uint_eq(getegid(), NOBODY);
		ck_assert_int_eq(getgroups(0, NULL), 0);
		ck_assert_int_eq(open(secret, O_RDONLY), -1);
		ck_assert_int_eq(errno, EACCES);
		ck_assert_int_eq(unlink(secret), -1);
		ck_assert_int_eq(kill(getppid(), 0), -1);
		ck_assert_int_eq(errno, EPERM);
	}
	ck_assert_int_eq(act_as_ourselves(), 0);
	ck_assert_uint_eq(geteuid(), before);
	ck_assert_uint_eq(getuid(), before);
	ck_assert_int_eq(kill(getppid(), 0), 0);
	ck_assert_int_eq(unlink(secret), 0);
	close(fd);
}
END_TEST

START_TEST(what_is_roots_is_done_as_root)
{
	uid_t before = geteuid();
	int groups = getgroups(0, NULL);
	ck_assert_int_eq(act_as(0, 0), 0);
	ck_assert_uint_eq(geteuid(), before);
	ck_assert_int_eq(getgroups(0, NULL), groups);
}
END_TEST

SUITE("act_as", root_has_no_more_rights_than_they_have_and_gets_them_back,
      what_is_roots_is_done_as_root)
