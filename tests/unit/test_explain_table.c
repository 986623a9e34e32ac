#include "core/explain_table.h"

#include "suite.h"

static char buffer[8192];

static const char *print(json_t *answer, unsigned width) {
	const struct style style = { width, false, true };
	struct text out = TEXT_IN(buffer);
	explain_table_print(answer, &style, &out);
	json_decref(answer);
	return buffer;
}

START_TEST(the_samples_and_each_rule_are_told)
{
	json_t *answer = json_load_file(FIXTURES "/answer/explain.json", 0, NULL);
	ck_assert_str_eq(
		print(answer, 80),
		"slot 1  pid 14243  ready  uss limit 512MiB\n"
		"samples  [190MiB, (rss 296MiB), *610MiB, *622MiB] in the last 45s; * over "
		"the\n"
		"         limit\n"
		"verdict  waits: 2 of 3 strikes\n"
		"  soft     no     2 of 3 strikes\n"
		"  hard     fires  uss 622MiB over 600MiB\n"
		"  total    no     812MiB of 3.2GiB\n"
		"history\n"
		"  replaced 3 h ago: soft, gave back 310MiB\n"
		"  2026-07-01 12:00:00Z  worker.ready  slot 1 pid 14243 took 1.5s\n");
}
END_TEST

START_TEST(nothing_known_is_said_as_that)
{
	ck_assert_str_eq(print(json_pack("{}"), 80), "slot -1  uss, no limit\n"
						     "samples  []\n"
						     "verdict  –\n");
	ck_assert_str_eq(
		print(json_pack("{s:i,s:[{},i,n],s:[{}]}", "slot", 2, "samples", 7, "rules"), 80),
		"slot 2  uss, no limit\n"
		"samples  [–, –, –]\n"
		"verdict  –\n"
		"  ?        no     –\n");
}
END_TEST

START_TEST(without_a_limit_nothing_is_over_it)
{
	json_t *answer = json_pack("{s:i,s:s,s:[{s:i,s:b}]}", "slot", 0, "figure", "rss", "samples",
				   "rss_bytes", 2048, "dear", 0);
	ck_assert_str_eq(print(answer, 80), "slot 0  rss, no limit\n"
					    "samples  [2KiB]\n"
					    "verdict  –\n");
}
END_TEST

START_TEST(hostile_words_stay_in_their_place)
{
	json_t *answer = json_pack("{s:i,s:s,s:s,s:[{s:s,s:s}]}", "slot", 1, "state", "\033[31m",
				   "verdict", "\r\033[2K", "rules", "cause", "averylongname\n",
				   "reason", "\xc2\x9b");
	ck_assert_str_eq(print(answer, 80), "slot 1  ?[31m  uss, no limit\n"
					    "samples  []\n"
					    "verdict  ??[2K\n"
					    "  averylo… no     ?\n");
}
END_TEST

START_TEST(whose_mold_it_was_forked_from_is_said)
{
	json_t *answer = json_pack("{s:i,s:i,s:i,s:s}", "slot", 0, "pid", 7, "generation", 3,
				   "state", "ready");
	ck_assert_str_eq(print(answer, 80), "slot 0  pid 7  gen 3  ready  uss, no limit\n"
					    "samples  []\n"
					    "verdict  –\n");
}
END_TEST

SUITE("explain_table", whose_mold_it_was_forked_from_is_said, the_samples_and_each_rule_are_told,
      nothing_known_is_said_as_that, without_a_limit_nothing_is_over_it,
      hostile_words_stay_in_their_place)
