#include "os/processors.h"

#include <sched.h>

#include "suite.h"

START_TEST(only_processors_that_we_may_run_on_count)
{
	cpu_set_t before, one;
	ck_assert_int_eq(sched_getaffinity(0, sizeof before, &before), 0);
	ck_assert_uint_eq(processors_available(), (unsigned)CPU_COUNT(&before));

	size_t first = 0;
	while (!CPU_ISSET(first, &before))
		first++;
	CPU_ZERO(&one);
	CPU_SET(first, &one);
	ck_assert_int_eq(sched_setaffinity(0, sizeof one, &one), 0);
	ck_assert_uint_eq(processors_available(), 1);
	ck_assert_int_eq(sched_setaffinity(0, sizeof before, &before), 0);
}
END_TEST

SUITE("processors", only_processors_that_we_may_run_on_count)
