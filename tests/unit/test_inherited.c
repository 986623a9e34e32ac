#include "os/inherited.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite.h"

static struct inherited in;

/*
 * A child has `n` pipes at descriptor 3 and above, as a service has, and LISTEN_*; `check` runs in
 * it. The line that it returns is where it failed.
 */
static int in_child(int n, const char *fds, const char *names, bool for_it, int (*check)(void)) {
	pid_t pid = fork();
	if (pid == 0) {
		char own[16];
		int ends[2];
		if (pipe(ends) != 0)
			_exit(254);
		int end = fcntl(ends[0], F_DUPFD, 100);
		for (int i = 0; i < n; i++)
			dup2(end, 3 + i);
		snprintf(own, sizeof own, "%d", for_it ? getpid() : 1);
		setenv("LISTEN_PID", own, 1);
		setenv("LISTEN_FDS", fds, 1);
		if (names != NULL)
			setenv("LISTEN_FDNAMES", names, 1);
		in.len = 0;
		_exit(check());
	}
	int status = 0;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#define EXPECT(condition)                          \
	do {                                       \
		if (!(condition))                  \
			return __LINE__ % 250 + 1; \
	} while (0)

static bool is_closed_on_exec(int fd) {
	return fcntl(fd, F_GETFD) == FD_CLOEXEC;
}

static int expect_two(void) {
	EXPECT(inherited_take(&in) == 0);
	EXPECT(in.len == 2 && in.list[0].fd == 3 && in.list[1].fd == 4);
	EXPECT(strcmp(in.list[0].name, "web") == 0 && strcmp(in.list[1].name, "state") == 0);
	EXPECT(is_closed_on_exec(3) && is_closed_on_exec(4));
	EXPECT(getenv("LISTEN_FDS") == NULL && getenv("LISTEN_PID") == NULL);
	EXPECT(getenv("LISTEN_FDNAMES") == NULL);
	return 0;
}

START_TEST(what_systemd_passes_has_its_names_and_goes_to_no_worker)
{ ck_assert_int_eq(in_child(2, "2", "web:state", true, expect_two), 0); }
END_TEST

static int expect_unknown(void) {
	EXPECT(inherited_take(&in) == 0);
	EXPECT(in.len == 2 && strcmp(in.list[1].name, "unknown") == 0);
	return 0;
}

START_TEST(without_names_they_are_called_unknown)
{ ck_assert_int_eq(in_child(2, "2", NULL, true, expect_unknown), 0); }
END_TEST

static int expect_none(void) {
	EXPECT(inherited_take(&in) == 0);
	EXPECT(in.len == 0);
	EXPECT(fcntl(3, F_GETFD) == 0);
	EXPECT(getenv("LISTEN_FDS") == NULL && getenv("LISTEN_PID") == NULL);
	return 0;
}

START_TEST(what_was_meant_for_another_process_is_left_alone)
{ ck_assert_int_eq(in_child(1, "1", "web", false, expect_none), 0); }
END_TEST

static int expect_nonsense(void) {
	EXPECT(inherited_take(&in) < 0);
	EXPECT(in.len == 0);
	return 0;
}

START_TEST(nonsense_is_refused)
{
	ck_assert_int_eq(in_child(1, "one", NULL, true, expect_nonsense), 0);
	ck_assert_int_eq(in_child(1, "-1", NULL, true, expect_nonsense), 0);
	ck_assert_int_eq(in_child(2, "2", "a:b:c", true, expect_nonsense), 0);
}
END_TEST

START_TEST(who_takes_one_by_its_name_takes_the_first_of_that_name_out)
{
	int a[2], b[2];
	ck_assert_int_eq(pipe(a), 0);
	ck_assert_int_eq(pipe(b), 0);
	in.len = 0;
	ck_assert_int_eq(inherited_add(&in, "worker", a[0]), 0);
	ck_assert_int_eq(inherited_add(&in, "worker", a[1]), 0);
	ck_assert_int_eq(inherited_add(&in, "state", b[0]), 0);
	ck_assert_int_eq(inherited_add(&in, "odd", b[1]), 0);
	ck_assert(is_closed_on_exec(b[1]));
	ck_assert_int_eq(inherited_named(&in, "none"), -1);
	ck_assert_int_eq(inherited_named(&in, "worker"), a[0]);
	ck_assert_int_eq(inherited_named(&in, "worker"), a[1]);
	ck_assert_int_eq(inherited_named(&in, "worker"), -1);
	ck_assert_int_eq(inherited_out(&in, 2), b[0]);

	struct strings closed = { 0 };
	inherited_close_rest(&in, &closed);
	ck_assert_uint_eq(closed.len, 1);
	ck_assert_str_eq(closed.items[0], "odd");
	ck_assert_int_eq(fcntl(b[1], F_GETFD), -1);
	ck_assert_int_ge(fcntl(b[0], F_GETFD), 0);
	strings_finish(&closed);
	close(a[0]);
	close(a[1]);
	close(b[0]);
}
END_TEST

START_TEST(a_name_is_known_before_anything_is_taken_and_a_part_of_it_is_none)
{
	static const struct {
		const char *names;
		bool is_there;
	} table[] = {
		{ "state", true },
		{ "listener-0:state", true },
		{ "state:listener-0", true },
		{ "a:state:b", true },
		{ "estate", false },
		{ "states:estate", false },
		{ "state.socket", false },
		{ "", false },
	};
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		setenv("LISTEN_FDNAMES", table[i].names, 1);
		ck_assert_msg(inherited_is_named("state") == table[i].is_there, "%s",
			      table[i].names);
	}
	unsetenv("LISTEN_FDNAMES");
	ck_assert(!inherited_is_named("state"));
}
END_TEST

START_TEST(one_too_many_is_closed)
{
	int ends[2];
	ck_assert_int_eq(pipe(ends), 0);
	in.len = INHERITED_MAX;
	ck_assert_int_eq(inherited_add(&in, "x", ends[0]), -ENOSPC);
	ck_assert_int_eq(fcntl(ends[0], F_GETFD), -1);
	in.len = 0;
	close(ends[1]);
}
END_TEST

SUITE("inherited", what_systemd_passes_has_its_names_and_goes_to_no_worker,
      without_names_they_are_called_unknown, what_was_meant_for_another_process_is_left_alone,
      nonsense_is_refused, who_takes_one_by_its_name_takes_the_first_of_that_name_out,
      a_name_is_known_before_anything_is_taken_and_a_part_of_it_is_none, one_too_many_is_closed)
