#include "daemon/journal.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suite.h"

struct pipe_end {
	int reading, writing;
};

static struct pipe_end open_pipe(void) {
	int ends[2];
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	return (struct pipe_end){ ends[0], ends[1] };
}

static struct journal *open_journal(int fd, enum log_format format, enum log_level level,
				    bool priority) {
	const struct journal_rules rules = {
		.format = format, .level = level, .fd = fd, .priority = priority
	};
	struct journal *j = journal_create(&rules);
	ck_assert_ptr_nonnull(j);
	return j;
}

static void tell_note(struct journal *j, const char *reason) {
	struct event e = event_make(EVENT_CONFIG_NOTE);
	event_text(&e, "reason", "%s", reason);
	journal_tell(j, &e);
}

static const char *read_all(int fd) {
	static char text[1 << 17];
	size_t len = 0;
	ssize_t n;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	while ((n = read(fd, text + len, sizeof text - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	return text;
}

START_TEST(an_event_is_a_line_with_its_date_or_its_priority)
{
	struct pipe_end p = open_pipe();
	struct journal *plain = open_journal(p.writing, LOG_TEXT, LEVEL_INFO, false);
	tell_note(plain, "x");
	const char *said = read_all(p.reading);
	ck_assert_ptr_nonnull(strstr(said, " info    event=config.note reason=x\n"));
	ck_assert_int_eq(said[0], '2'); /* of the year */
	journal_destroy(plain);

	struct journal *systemds = open_journal(p.writing, LOG_TEXT, LEVEL_INFO, true);
	tell_note(systemds, "x");
	ck_assert_str_eq(read_all(p.reading), "<6>event=config.note reason=x\n");
	journal_destroy(systemds);

	struct journal *json = open_journal(p.writing, LOG_JSON, LEVEL_INFO, false);
	tell_note(json, "x");
	said = read_all(p.reading);
	ck_assert_int_eq(said[0], '{');
	ck_assert_ptr_nonnull(strstr(said, "\"seq\":1"));
	journal_destroy(json);
	close(p.reading);
	close(p.writing);
}
END_TEST

START_TEST(what_is_below_the_level_is_remembered_but_not_written)
{
	struct pipe_end p = open_pipe();
	struct journal *j = open_journal(p.writing, LOG_TEXT, LEVEL_ERROR, false);
	tell_note(j, "x");
	ck_assert_str_eq(read_all(p.reading), "");
	ck_assert_ptr_nonnull(journal_after(j, 0));
	journal_destroy(j);
	close(p.reading);
	close(p.writing);
}
END_TEST

START_TEST(a_reader_that_stalls_never_blocks_us_and_is_told_what_it_missed)
{
	struct pipe_end p = open_pipe();
	struct journal *j = open_journal(p.writing, LOG_TEXT, LEVEL_INFO, false);
	for (int i = 0; i < 5000; i++) /* far more than a pipe holds */
		tell_note(j, "the same again, and again, and again");
	const char *first = read_all(p.reading);
	ck_assert_ptr_null(strstr(first, "log.dropped"));
	ck_assert_int_eq(first[strlen(first) - 1], '\n'); /* whole lines only */
	tell_note(j, "after");
	const char *then = read_all(p.reading);
	ck_assert_ptr_nonnull(strstr(then, "event=log.dropped lines="));
	ck_assert_ptr_nonnull(strstr(then, "reason=after"));
	journal_destroy(j);
	close(p.reading);
	close(p.writing);
}
END_TEST

START_TEST(the_latest_events_are_remembered_in_order)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct journal *j = open_journal(null, LOG_TEXT, LEVEL_INFO, false);
	ck_assert_ptr_null(journal_after(j, 0));
	for (int i = 0; i < JOURNAL_REMEMBERED + 10; i++)
		tell_note(j, "x");
	uint64_t seq = 0;
	size_t n = 0;
	const struct event *e;
	for (; (e = journal_after(j, seq)) != NULL; n++) {
		ck_assert_uint_eq(e->seq, n == 0 ? 11 : seq + 1);
		seq = e->seq;
	}
	ck_assert_uint_eq(n, JOURNAL_REMEMBERED);
	ck_assert_uint_eq(seq, JOURNAL_REMEMBERED + 10);
	journal_destroy(j);
	close(null);
}
END_TEST

START_TEST(systemds_journal_is_known_by_its_device_and_inode)
{
	char stream[64];
	struct stat st;
	struct pipe_end p = open_pipe();
	ck_assert_int_eq(fstat(p.writing, &st), 0);
	snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino);
	ck_assert(journal_is_systemds(p.writing, stream));
	ck_assert(!journal_is_systemds(p.writing, "8:1"));
	ck_assert(!journal_is_systemds(p.writing, "nonsense"));
	ck_assert(!journal_is_systemds(p.writing, NULL));
	close(p.reading);
	close(p.writing);
}
END_TEST

SUITE("journal", an_event_is_a_line_with_its_date_or_its_priority,
      what_is_below_the_level_is_remembered_but_not_written,
      a_reader_that_stalls_never_blocks_us_and_is_told_what_it_missed,
      the_latest_events_are_remembered_in_order, systemds_journal_is_known_by_its_device_and_inode)
