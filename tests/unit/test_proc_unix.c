#include "core/proc_unix.h"

#include <string.h>

#include "suite.h"

static const char table[] =
	"Num       RefCount Protocol Flags    Type St Inode Path\n"
	"0000000000000000: 00000002 00000000 00010000 0001 01 22811 /run/pumakeeper/shop/control\n"
	"0000000000000000: 00000003 00000000 00000000 0001 03 22900 /run/pumakeeper/shop/probe-1\n"
	"0000000000000000: 00000002 00000000 00010000 0001 01 22901 /run/pumakeeper/shop/probe-1\n"
	"0000000000000000: 00000002 00000000 00010000 0001 01 22902 /run/pumakeeper/a b/probe-1\n"
	"0000000000000000: 00000003 00000000 00000000 0001 03 22911\n"
	"0000000000000000: 00000002 00000000 00010000 0001 01 22999 @/run/pumakeeper/shop/probe-2\n";

static uint64_t listener(const char *path) {
	return proc_unix_listener(table, sizeof table - 1, path);
}

START_TEST(the_one_that_listens_at_a_path_is_found)
{
	ck_assert_uint_eq(listener("/run/pumakeeper/shop/control"), 22811);
	ck_assert_uint_eq(listener("/run/pumakeeper/shop/probe-1"), 22901);
	ck_assert_uint_eq(listener("/run/pumakeeper/a b/probe-1"), 22902);
}
END_TEST

START_TEST(nobody_else_is)
{
	static const char *const paths[] = { "/run/pumakeeper/shop/probe-2", "probe-1", "",
					     "/run" };
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		ck_assert_msg(listener(paths[i]) == 0, "%s", paths[i]);
	for (size_t len = 0; len < sizeof table - 1; len++)
		ck_assert_uint_lt(proc_unix_listener(table, len, "/run/pumakeeper/shop/control"),
				  22812);
	ck_assert_uint_eq(proc_unix_listener("", 0, "/x"), 0);
}
END_TEST

SUITE("proc_unix", the_one_that_listens_at_a_path_is_found, nobody_else_is)
