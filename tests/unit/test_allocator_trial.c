#include "os/allocator_trial.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/clock.h"
#include "suite.h"

static char output[2000];

/* Where it is installed; NULL: then the test says so and is passed over. */
static const char *jemalloc(void) {
	static const char *const paths[] = { "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2",
					     "/usr/lib/aarch64-linux-gnu/libjemalloc.so.2",
					     "/usr/lib64/libjemalloc.so.2",
					     "/usr/lib/libjemalloc.so.2" };
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		if (access(paths[i], R_OK) == 0)
			return paths[i];
	}
	printf("skip: jemalloc is not installed\n");
	return NULL;
}

START_TEST(a_library_that_works_says_nothing)
{
	if (jemalloc() == NULL)
		return;
	ck_assert_int_eq(allocator_trial(jemalloc(), "narenas:2", output, sizeof output), 0);
	ck_assert_str_eq(output, "");
	ck_assert_int_eq(allocator_trial(jemalloc(), NULL, output, sizeof output), 0);
	ck_assert_str_eq(output, "");
}
END_TEST

START_TEST(a_wrong_pair_of_malloc_conf_is_told_but_works)
{
	if (jemalloc() == NULL)
		return;
	ck_assert_int_eq(allocator_trial(jemalloc(), "no_such_pair:1", output, sizeof output), 0);
	ck_assert_ptr_nonnull(strstr(output, "no_such_pair:1"));
}
END_TEST

START_TEST(what_jemalloc_aborts_on_is_no_library_for_us)
{
	/* As it does on pages larger than it was built for. */
	if (jemalloc() == NULL)
		return;
	ck_assert_int_eq(allocator_trial(jemalloc(), "abort_conf:true,no_such_pair:1", output,
					 sizeof output),
			 -ELIBBAD);
	ck_assert_ptr_nonnull(strstr(output, "<jemalloc>"));
}
END_TEST

START_TEST(what_ld_so_ignores_is_no_library_for_us)
{
	ck_assert_int_eq(allocator_trial("/nowhere/libjemalloc.so.2", NULL, output, sizeof output),
			 -ELIBBAD);
	ck_assert_ptr_nonnull(strstr(output, "/nowhere/libjemalloc.so.2"));
	ck_assert_int_eq(allocator_trial("/etc/passwd", NULL, output, sizeof output), -ELIBBAD);
}
END_TEST

START_TEST(long_output_is_cut_and_no_child_is_left)
{
	char small[16];
	ck_assert_int_eq(allocator_trial("/nowhere/x.so", NULL, small, sizeof small), -ELIBBAD);
	ck_assert_uint_eq(strlen(small), sizeof small - 1);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}
END_TEST

SUITE("allocator_trial", a_library_that_works_says_nothing,
      a_wrong_pair_of_malloc_conf_is_told_but_works, what_jemalloc_aborts_on_is_no_library_for_us,
      what_ld_so_ignores_is_no_library_for_us, long_output_is_cut_and_no_child_is_left)
