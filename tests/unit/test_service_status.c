#include "core/service_status.h"

#include "herd_play.h"
#include "util/utf8.h"

static char line[SERVICE_STATUS_SIZE];

static const char *status(const struct stage *t) {
	struct text out = TEXT_IN(line);
	service_status_print(t->herd, t->now, &out);
	ck_assert(!out.cut);
	return line;
}

/* Everybody serves, and nobody's memory is known. */
static void begin(struct stage *t, unsigned workers) {
	stage_open(t, workers);
	stage_feed(t, (struct herd_event){ .kind = HERD_START });
	stage_boot_all(t);
}

START_TEST(a_start_says_how_many_serve_and_boot)
{
	struct stage t;
	stage_open(&t, 3);
	stage_feed(&t, (struct herd_event){ .kind = HERD_START });
	stage_launched(&t, 1);
	ck_assert_str_eq(status(&t), "0 of 3 workers serve, 1 boots");
	stage_answered(&t, 1);
	ck_assert_str_eq(status(&t), "1 of 3 workers serves, 2 boot");
	stage_boot_all(&t);
	ck_assert_str_eq(status(&t), "3 of 3 workers serve");
	stage_close(&t);
}
END_TEST

static void fail_boot(struct stage *t, const char *why) {
	struct worker *w = herd_resident(t->herd, 0);
	ck_assert_ptr_nonnull(w);
	stage_launched(t, w->id);
	stage_feed(t, (struct herd_event){ .kind = HERD_EXITED, .worker = w->id, .text = why });
}

START_TEST(a_boot_that_failed_is_said_while_the_next_one_lasts)
{
	struct stage t;
	stage_open(&t, 2);
	stage_feed(&t, (struct herd_event){ .kind = HERD_START });
	fail_boot(&t, "exit status 1");
	stage_wait(&t, t.now + MSEC_MINUTE);
	ck_assert_ptr_nonnull(
		strstr(status(&t), "0 of 2 workers serve, 1 boots; boot 1 of 3 failed: "));
	ck_assert_ptr_nonnull(strstr(status(&t), "exit status 1"));
	stage_boot_all(&t);
	ck_assert_str_eq(status(&t), "2 of 2 workers serve");
	stage_close(&t);
}
END_TEST

START_TEST(a_herd_that_gives_up_leaves_its_reason)
{
	struct stage t;
	stage_open(&t, 2);
	stage_feed(&t, (struct herd_event){ .kind = HERD_START });
	for (int i = 0; i < HERD_ATTEMPTS; i++) {
		stage_wait(&t, t.now + MSEC_MINUTE);
		fail_boot(&t, "exit status 1: cannot load\nsuch \xff file");
	}
	ck_assert(t.left);
	ck_assert_int_eq(t.exit_code, 1);
	ck_assert_ptr_nonnull(strstr(status(&t), "gave up after 3 failed boots: "));
	ck_assert_ptr_nonnull(strstr(line, "cannot load?such ? file"));
	stage_close(&t);
}
END_TEST

START_TEST(memory_stands_against_its_limit)
{
	struct stage t;
	begin(&t, 2);
	stage_read(&t, 1, 200 * MIB);
	stage_read(&t, 2, 260 * MIB);
	ck_assert_str_eq(status(&t), "2 of 2 workers serve, 470MiB of 4.0GiB (memory.total)");
	t.herd->limits.total_bytes = 0;
	ck_assert_str_eq(status(&t), "2 of 2 workers serve, 470MiB");
	stage_close(&t);
}
END_TEST

START_TEST(the_last_replacement_is_told_with_its_slot_and_reason)
{
	static const struct {
		msec_t ago;
		const char *said;
	} rows[] = {
		{ 0, "just now" },
		{ MSEC_MINUTE - 1, "just now" },
		{ 12 * MSEC_MINUTE, "12 min ago" },
		{ 3 * MSEC_HOUR, "3 h ago" },
		{ 50 * MSEC_HOUR, "2 days ago" },
	};
	struct stage t;
	char said[128];
	begin(&t, 3);
	t.herd->last_replacement = (struct last_replacement){
		.at = t.now, .slot = 2, .cause = CAUSE_SOFT, .why = "soft"
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		t.now = t.herd->last_replacement.at + rows[i].ago;
		snprintf(said, sizeof said,
			 "3 of 3 workers serve, last replacement %s: worker 2 for memory.soft",
			 rows[i].said);
		ck_assert_str_eq(status(&t), said);
	}
	stage_close(&t);
}
END_TEST

START_TEST(a_persons_restart_is_a_replacement_too)
{
	struct stage t;
	begin(&t, 2);
	static const unsigned slots[] = { 1 };
	struct herd_event restart = { .kind = HERD_RESTART, .text = "a person" };
	restart.restart.slots = slots;
	restart.restart.n = 1;
	stage_feed(&t, restart);
	stage_boot_all(&t);
	stage_exited(&t, 2);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_DONE], 1);
	ck_assert_str_eq(status(&t),
			 "2 of 2 workers serve, last replacement just now: worker 1 (restart)");
	stage_close(&t);
}
END_TEST

START_TEST(what_is_not_as_it_should_be_is_said_first_or_last)
{
	struct stage t;
	begin(&t, 2);
	t.herd->futile[CAUSE_SOFT].futile = true;
	ck_assert_str_eq(status(&t), "degraded: 2 of 2 workers serve; memory.soft is futile");
	t.herd->futile[CAUSE_SOFT].futile = false;
	stage_exited(&t, 1);
	ck_assert_str_eq(status(&t), "degraded: 1 of 2 workers serves, 1 boots");
	t.herd->parents[0] = (struct parent){ .generation = 1,
					      .release = t.herd->release,
					      .state = MOLD_BROKEN,
					      .reason = "boot.rb:\t3" };
	ck_assert_str_eq(status(&t),
			 "degraded: 1 of 2 workers serves, 1 boots; no mold: boot.rb:?3");
	t.herd->parents[0].release = t.herd->release + 1; /* of a deploy that failed */
	ck_assert_str_eq(status(&t), "degraded: 1 of 2 workers serves, 1 boots");
	stage_close(&t);
}
END_TEST

START_TEST(a_stop_says_how_many_are_left)
{
	struct stage t;
	begin(&t, 2);
	const struct herd_event stop = { .kind = HERD_STOP, .number = SIGTERM, .text = "SIGTERM" };
	stage_feed(&t, stop);
	ck_assert_str_eq(status(&t), "stopping: 2 workers drain");
	stage_exited(&t, 1);
	ck_assert_str_eq(status(&t), "stopping: 1 worker drains");
	stage_exited(&t, 2);
	ck_assert_str_eq(status(&t), "stopped");
	stage_close(&t);
}
END_TEST

START_TEST(a_stop_that_waits_for_a_balancer_says_for_how_long)
{
	struct stage t;
	begin(&t, 2);
	t.config.restart.stop_delay = 10 * MSEC_SECOND;
	stage_reload(&t);
	const struct herd_event stop = { .kind = HERD_STOP, .number = SIGTERM, .text = "SIGTERM" };
	stage_feed(&t, stop);
	ck_assert_str_eq(status(&t), "stopping in 10 s, until then 2 of 2 workers serve");
	stage_close(&t);
}
END_TEST

/* The longest there can be, in bytes that become more: it must still fit, and be text. */
START_TEST(the_worst_case_fits_and_is_utf8)
{
	struct stage t;
	begin(&t, 128);
	struct herd *h = t.herd;
	h->ever_ready = false;
	h->failed_boots = 2;
	memset(h->slots[0].last_reason, 0xe4, sizeof h->slots[0].last_reason - 1);
	h->last_replacement = (struct last_replacement){ 1, 127, CAUSE_TOTAL, "longest reason!" };
	for (unsigned i = CAUSE_SOFT; i < ARRAY_LEN(h->futile); i++)
		h->futile[i].futile = true;
	h->parents[0] =
		(struct parent){ .generation = 1, .release = h->release, .state = MOLD_BROKEN };
	for (size_t i = 0; i + 4 < sizeof h->parents[0].reason; i += 4)
		memcpy(h->parents[0].reason + i, "\xf0\x9f\x90\x91", 4);
	stage_read(&t, 1, 200 * MIB);
	status(&t);
	uint32_t c;
	for (size_t at = 0, n; line[at] != '\0'; at += n) {
		n = utf8_next(line + at, strlen(line + at), &c);
		ck_assert_uint_gt(n, 0);
	}
	stage_close(&t);
}
END_TEST

SUITE("service_status", a_start_says_how_many_serve_and_boot,
      a_boot_that_failed_is_said_while_the_next_one_lasts, a_herd_that_gives_up_leaves_its_reason,
      memory_stands_against_its_limit, the_last_replacement_is_told_with_its_slot_and_reason,
      a_persons_restart_is_a_replacement_too, what_is_not_as_it_should_be_is_said_first_or_last,
      a_stop_says_how_many_are_left, a_stop_that_waits_for_a_balancer_says_for_how_long,
      the_worst_case_fits_and_is_utf8)
