#include "core/policy.h"

#include <string.h>

#include "suite.h"

static const struct policy usual = {
	.min_age = 5 * MSEC_MINUTE,
	.cooldown = MSEC_MINUTE,
	.max_surge = 1,
	.strikes = { 3, 5 },
};

/* Nothing stands in the way of anyone. */
static const struct situation calm = {
	.wanted = 4,
	.ready = 4,
	.room = true,
	.struck = 3,
	.age = MSEC_HOUR,
	.since_last = MSEC_NEVER,
};

struct answers {
	enum permission soft, hard, total, person;
};

static const struct table_row {
	const char *what;
	struct answers expected;
	struct situation s;
	bool allow_gap;
	unsigned max_surge; /* 0: 1 */
} table[] = {
	{ "a calm herd",
	  { MAY_GO, MAY_GO, MAY_GO, MAY_GO },
	  { 4, 4, 0, false, true, 3, MSEC_HOUR, MSEC_NEVER, false } },
	{ "too few strikes",
	  { MUST_WAIT, MAY_GO, MAY_GO, MAY_GO },
	  { 4, 4, 0, false, true, 2, MSEC_HOUR, MSEC_NEVER, false } },
	{ "too young",
	  { MUST_WAIT, MAY_GO, MAY_GO, MAY_GO },
	  { 4, 4, 0, false, true, 3, MSEC_MINUTE, MSEC_NEVER, false } },
	{ "as old as it must be",
	  { MAY_GO, MAY_GO, MAY_GO, MAY_GO },
	  { 4, 4, 0, false, true, 3, 5 * MSEC_MINUTE, MSEC_NEVER, false } },
	{ "cooling down",
	  { MUST_WAIT, MAY_GO, MAY_GO, MAY_GO },
	  { 4, 4, 0, false, true, 3, MSEC_HOUR, 0, false } },
	{ "cooled down",
	  { MAY_GO, MAY_GO, MAY_GO, MAY_GO },
	  { 4, 4, 0, false, true, 3, MSEC_HOUR, MSEC_MINUTE, false } },
	{ "a replacement under way",
	  { MUST_WAIT, MUST_WAIT, MUST_WAIT, MUST_WAIT },
	  { 4, 4, 1, false, true, 3, MSEC_HOUR, MSEC_NEVER, true } },
	{ "a replacement under way that takes the room",
	  { MUST_WAIT, MUST_WAIT, MUST_WAIT, MUST_WAIT },
	  { 4, 4, 1, false, false, 3, MSEC_HOUR, MSEC_NEVER, true } },
	{ "one of two replacements under way",
	  { MAY_GO, MAY_GO, MAY_GO, MAY_GO },
	  { 4, 4, 1, false, true, 3, MSEC_HOUR, MSEC_NEVER, false },
	  false,
	  2 },
	{ "two of two replacements under way",
	  { MUST_WAIT, MUST_WAIT, MUST_WAIT, MUST_WAIT },
	  { 4, 4, 2, false, true, 3, MSEC_HOUR, MSEC_NEVER, false },
	  false,
	  2 },
	{ "the herd boots",
	  { MUST_WAIT, MAY_GO, MAY_GO, MUST_WAIT },
	  { 4, 2, 0, true, true, 3, MSEC_HOUR, MSEC_NEVER, false } },
	{ "the herd boots: force doesn't jump the queue",
	  { MUST_WAIT, MAY_GO, MAY_GO, MUST_WAIT },
	  { 4, 2, 0, true, true, 3, MSEC_HOUR, MSEC_NEVER, true } },
	{ "a cluster's master restarts its workers: not even by force",
	  { MUST_WAIT, MUST_WAIT, MUST_WAIT, MUST_WAIT },
	  { 4, 4, 0, false, true, 3, MSEC_HOUR, MSEC_NEVER, true, true } },
	{ "no room",
	  { MUST_WAIT, MAY_STOP_FIRST, MAY_STOP_FIRST, IS_REFUSED },
	  { 4, 4, 0, false, false, 3, MSEC_HOUR, MSEC_NEVER, false } },
	{ "no room, two are ready",
	  { MUST_WAIT, MAY_STOP_FIRST, MAY_STOP_FIRST, IS_REFUSED },
	  { 4, 2, 0, false, false, 3, MSEC_HOUR, MSEC_NEVER, false } },
	{ "no room, one of four is ready",
	  { MUST_WAIT, MUST_WAIT, MUST_WAIT, IS_REFUSED },
	  { 4, 1, 0, false, false, 3, MSEC_HOUR, MSEC_NEVER, false } },
	{ "no room, one of four is ready, gaps allowed",
	  { MUST_WAIT, MUST_WAIT, MUST_WAIT, IS_REFUSED },
	  { 4, 1, 0, false, false, 3, MSEC_HOUR, MSEC_NEVER, false },
	  true },
	{ "no room, while the herd boots",
	  { MUST_WAIT, MAY_STOP_FIRST, MAY_STOP_FIRST, MUST_WAIT },
	  { 4, 2, 0, true, false, 3, MSEC_HOUR, MSEC_NEVER, false } },
	{ "no room, forced",
	  { MUST_WAIT, MAY_STOP_FIRST, MAY_STOP_FIRST, MAY_STOP_FIRST },
	  { 4, 4, 0, false, false, 3, MSEC_HOUR, MSEC_NEVER, true } },
	{ "the only worker, with room",
	  { MAY_GO, MAY_GO, MAY_GO, MAY_GO },
	  { 1, 1, 0, false, true, 3, MSEC_HOUR, MSEC_NEVER, false } },
	{ "the only worker, no room",
	  { MUST_WAIT, MUST_WAIT, MUST_WAIT, IS_REFUSED },
	  { 1, 1, 0, false, false, 3, MSEC_HOUR, MSEC_NEVER, false } },
	{ "the only worker, no room, gaps allowed",
	  { MUST_WAIT, MAY_STOP_FIRST, MAY_STOP_FIRST, IS_REFUSED },
	  { 1, 1, 0, false, false, 3, MSEC_HOUR, MSEC_NEVER, false },
	  true },
	{ "the only worker, no room, forced",
	  { MUST_WAIT, MUST_WAIT, MUST_WAIT, MAY_STOP_FIRST },
	  { 1, 1, 0, false, false, 3, MSEC_HOUR, MSEC_NEVER, true } },
};

static void expect(const struct table_row *row, enum cause cause, enum permission expected) {
	struct policy policy = usual;
	policy.allow_gap = row->allow_gap;
	policy.max_surge = row->max_surge;
	struct answer a = policy_ask(cause, &policy, &row->s);
	ck_assert_msg(a.permission == expected, "%s, %s: %d (%s), expected %d", row->what,
		      cause_name(cause), (int)a.permission, a.reason, (int)expected);
	/* Whoever may not go, or not as usual, is told why. */
	ck_assert_msg((a.permission == MAY_GO) == (strlen(a.reason) == 0), "%s", row->what);
}

START_TEST(every_cause_obeys_its_row)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		expect(&table[i], CAUSE_SOFT, table[i].expected.soft);
		expect(&table[i], CAUSE_HARD, table[i].expected.hard);
		expect(&table[i], CAUSE_TOTAL, table[i].expected.total);
		expect(&table[i], CAUSE_PERSON, table[i].expected.person);
		expect(&table[i], CAUSE_NONE, MUST_WAIT);
	}
}
END_TEST

START_TEST(an_answer_says_when_time_alone_will_change_it)
{
	struct situation young = calm, hot = calm, full = calm;
	young.age = MSEC_MINUTE;
	hot.since_last = 20 * MSEC_SECOND;
	full.room = false;
	ck_assert_int_eq(policy_ask(CAUSE_SOFT, &usual, &young).retry_in, 4 * MSEC_MINUTE);
	ck_assert_int_eq(policy_ask(CAUSE_SOFT, &usual, &hot).retry_in, 40 * MSEC_SECOND);
	ck_assert_int_eq(policy_ask(CAUSE_SOFT, &usual, &full).retry_in, MSEC_NEVER);
}
END_TEST

START_TEST(asking_again_after_the_wait_gets_further)
{
	struct situation s = calm;
	s.age = 10 * MSEC_SECOND;
	s.since_last = 5 * MSEC_SECOND;
	for (unsigned rounds = 0;; rounds++) {
		ck_assert_uint_lt(rounds, 3);
		struct answer a = policy_ask(CAUSE_SOFT, &usual, &s);
		if (a.permission == MAY_GO)
			break;
		ck_assert_int_ne(a.retry_in, MSEC_NEVER);
		s.age += a.retry_in;
		s.since_last += a.retry_in;
	}
}
END_TEST

START_TEST(only_soft_waits_for_a_quiet_moment)
{
	ck_assert(cause_waits_for_quiet(CAUSE_SOFT));
	ck_assert(!cause_waits_for_quiet(CAUSE_HARD));
	ck_assert(!cause_waits_for_quiet(CAUSE_TOTAL));
	ck_assert(!cause_waits_for_quiet(CAUSE_PERSON));
}
END_TEST

START_TEST(causes_have_the_names_that_events_tell)
{
	ck_assert_str_eq(cause_name(CAUSE_NONE), "none");
	ck_assert_str_eq(cause_name(CAUSE_SOFT), "soft");
	ck_assert_str_eq(cause_name(CAUSE_HARD), "hard");
	ck_assert_str_eq(cause_name(CAUSE_TOTAL), "total");
	ck_assert_str_eq(cause_name(CAUSE_PERSON), "restart");
}
END_TEST

static struct strike_record noted(const char *samples) {
	struct strike_record record = { 0 };
	for (; *samples != '\0'; samples++)
		strike_note(&record, *samples == 'x');
	return record;
}

START_TEST(strikes_are_counted_among_the_last_samples_only)
{
	static const struct {
		const char *samples; /* oldest first; x is over */
		struct strikes strikes;
		unsigned count;
		bool met;
	} rows[] = {
		{ "", { 3, 5 }, 0, false },
		{ "xx", { 3, 5 }, 2, false },
		{ "xxx", { 3, 5 }, 3, true },
		{ "x.x.x", { 3, 5 }, 3, true },
		{ "x.x.x.", { 3, 5 }, 2, false },
		{ "xxx.....", { 3, 5 }, 0, false },
		{ "x", { 1, 1 }, 1, true },
		{ "x.", { 1, 1 }, 0, false },
		{ "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", { 32, 32 }, 32, true },
		{ "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", { 40, 64 }, 32, false },
		{ "x", { 0, 0 }, 1, true },
		{ ".", { 0, 0 }, 0, false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct strike_record record = noted(rows[i].samples);
		ck_assert_msg(strike_count(&record, &rows[i].strikes) == rows[i].count, "row %zu",
			      i);
		ck_assert_msg(strike_met(&record, &rows[i].strikes) == rows[i].met, "row %zu", i);
	}
}
END_TEST

START_TEST(a_cleared_record_remembers_nothing)
{
	struct strike_record record = noted("xxxxx");
	strike_clear(&record);
	ck_assert_uint_eq(strike_count(&record, &usual.strikes), 0);
	ck_assert_uint_eq(record.seen, 0);
}
END_TEST

SUITE("policy", every_cause_obeys_its_row, an_answer_says_when_time_alone_will_change_it,
      asking_again_after_the_wait_gets_further, only_soft_waits_for_a_quiet_moment,
      causes_have_the_names_that_events_tell, strikes_are_counted_among_the_last_samples_only,
      a_cleared_record_remembers_nothing)
