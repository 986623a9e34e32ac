#include "daemon/past.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "suite.h"

static char directory[64];

static int open_directory(void) {
	snprintf(directory, sizeof directory, "/tmp/past-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	int dir = open(directory, O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(dir, 0);
	return dir;
}

static void close_directory(int dir) {
	unlinkat(dir, "events", 0);
	close(dir);
	ck_assert_int_eq(rmdir(directory), 0);
}

static struct journal *new_journal(void) {
	const struct journal_rules rules = { .fd = -1, .level = LEVEL_ERROR };
	struct journal *j = journal_create(&rules);
	ck_assert_ptr_nonnull(j);
	return j;
}

static void tell(struct past *past, struct journal *j, const char *reason) {
	struct event e = event_make(EVENT_CONFIG_NOTE);
	event_text(&e, "reason", "%s", reason);
	journal_tell(j, &e);
	past_keep(past, j, &e);
}

static void tell_many(struct past *past, struct journal *j, unsigned n) {
	char reason[16];
	for (unsigned i = 1; i <= n; i++) {
		snprintf(reason, sizeof reason, "%u", i);
		tell(past, j, reason);
	}
}

static const char *reason_of(const struct event *e) {
	return e->text + e->fields[0].at;
}

START_TEST(the_next_daemon_remembers_what_was_told_and_counts_on)
{
	int dir = open_directory();
	struct journal *first = new_journal(), *second = new_journal();
	struct past past;
	past_open(&past, dir, first);
	tell(&past, first, "one");
	tell(&past, first, "two \"quoted\" \xc3\xa4 \x01");
	past_close(&past);
	past_open(&past, dir, second);
	const struct event *e = journal_after(second, 0);
	ck_assert_uint_eq(e->seq, 1);
	ck_assert_str_eq(reason_of(e), "one");
	ck_assert_int_eq(e->wall_msec, journal_after(first, 0)->wall_msec);
	ck_assert_str_eq(reason_of(journal_after(second, 1)), "two \"quoted\" \xc3\xa4 \x01");
	tell(&past, second, "three");
	ck_assert_str_eq(reason_of(journal_after(second, 2)), "three");
	past_end(&past);
	ck_assert_int_ne(faccessat(dir, "events", F_OK, 0), 0);
	journal_destroy(first);
	journal_destroy(second);
	close_directory(dir);
}
END_TEST

START_TEST(a_line_that_was_cut_off_costs_that_one_only)
{
	int dir = open_directory();
	struct journal *first = new_journal(), *second = new_journal(), *third = new_journal();
	struct past past;
	past_open(&past, dir, first);
	tell_many(&past, first, 3);
	int fd = openat(dir, "events", O_WRONLY);
	ck_assert_int_eq(ftruncate(fd, lseek(fd, 0, SEEK_END) - 5), 0);
	past_close(&past);
	past_open(&past, dir, second);
	ck_assert_ptr_nonnull(journal_after(second, 1));
	ck_assert_ptr_null(journal_after(second, 2));
	tell(&past, second, "again");
	past_close(&past);
	past_open(&past, dir, third);
	ck_assert_str_eq(reason_of(journal_after(third, 2)), "again");
	past_close(&past);
	close(fd);
	journal_destroy(first);
	journal_destroy(second);
	journal_destroy(third);
	close_directory(dir);
}
END_TEST

START_TEST(the_file_does_not_grow_for_ever)
{
	int dir = open_directory();
	struct journal *first = new_journal(), *second = new_journal();
	struct past past;
	past_open(&past, dir, first);
	tell_many(&past, first, 5 * JOURNAL_REMEMBERED + 7);
	ck_assert_uint_le(past.lines, 2 * JOURNAL_REMEMBERED);
	past_close(&past);
	past_open(&past, dir, second);
	char reason[16];
	snprintf(reason, sizeof reason, "%d", 4 * JOURNAL_REMEMBERED + 8);
	ck_assert_str_eq(reason_of(journal_after(second, 0)), reason);
	ck_assert_ptr_null(journal_after(second, 5 * JOURNAL_REMEMBERED + 7));
	past_close(&past);
	journal_destroy(first);
	journal_destroy(second);
	close_directory(dir);
}
END_TEST

START_TEST(a_file_that_was_removed_is_there_again_with_all_that_is_remembered)
{
	int dir = open_directory();
	struct journal *first = new_journal(), *second = new_journal();
	struct past past;
	past_open(&past, dir, first);
	tell(&past, first, "before");
	ck_assert_int_eq(unlinkat(dir, PAST_NAME, 0), 0);
	ck_assert(past_again(&past, dir, first));
	tell(&past, first, "after");
	past_close(&past);
	past_open(&past, dir, second);
	ck_assert_str_eq(reason_of(journal_after(second, 0)), "before");
	ck_assert_str_eq(reason_of(journal_after(second, 1)), "after");
	ck_assert_ptr_null(journal_after(second, 2));
	past_close(&past);
	journal_destroy(first);
	journal_destroy(second);
	close_directory(dir);
}
END_TEST

START_TEST(without_its_file_nothing_is_kept_and_nothing_fails)
{
	struct journal *j = new_journal();
	struct past past;
	past_open(&past, -1, j);
	tell(&past, j, "x");
	past_end(&past);
	journal_destroy(j);
}
END_TEST

SUITE("past", the_next_daemon_remembers_what_was_told_and_counts_on,
      a_line_that_was_cut_off_costs_that_one_only, the_file_does_not_grow_for_ever,
      a_file_that_was_removed_is_there_again_with_all_that_is_remembered,
      without_its_file_nothing_is_kept_and_nothing_fails)
