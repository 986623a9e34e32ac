#include "core/command_table.h"

#include <string.h>

#include "suite.h"

START_TEST(every_row_can_be_found_by_its_name)
{
	for (unsigned v = 0; v < VERB_COUNT; v++) {
		ck_assert_ptr_nonnull(verb_rows[v].name);
		ck_assert_int_eq(verb_find(verb_rows[v].name), v);
	}
	ck_assert_int_eq(verb_find("restar"), VERB_COUNT);
	ck_assert_int_eq(verb_find(""), VERB_COUNT);
}
END_TEST

START_TEST(every_row_says_what_it_does_and_who_may)
{
	for (unsigned v = 0; v < VERB_COUNT; v++) {
		const struct verb_row *row = &verb_rows[v];
		ck_assert_msg(strlen(row->help) > 0 && strlen(row->help) < 50, "%s", row->name);
		ck_assert_msg(row->details[strlen(row->details) - 1] == '.', "%s", row->name);
		ck_assert_msg(row->who > PEER_STRANGER, "%s", row->name);
	}
}
END_TEST

START_TEST(no_verb_has_a_letter_twice)
{
	for (unsigned v = 0; v < VERB_COUNT; v++) {
		const struct verb_option *o = verb_rows[v].options;
		for (size_t i = 0; i < VERB_OPTIONS && o[i].name != NULL; i++) {
			ck_assert_ptr_eq(verb_option_find((enum verb)v, o[i].name), &o[i]);
			for (size_t j = 0; j < i; j++)
				ck_assert_int_ne(o[i].letter, o[j].letter);
		}
	}
}
END_TEST

START_TEST(a_slip_of_the_finger_is_understood)
{
	const struct {
		const char *typed;
		enum verb meant;
	} cases[] = {
		{ "restrat", VERB_RESTART }, { "stat", VERB_STATUS },  { "relaod", VERB_RELOAD },
		{ "explian", VERB_EXPLAIN }, { "stopp", VERB_STOP },   { "event", VERB_EVENTS },
		{ "rm", VERB_COUNT },        { "deploy", VERB_COUNT }, { "", VERB_COUNT },
		{ "x", VERB_COUNT },         { "reopn", VERB_REOPEN },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		ck_assert_msg(verb_nearest(cases[i].typed) == cases[i].meant, "%s", cases[i].typed);
}
END_TEST

SUITE("command_table", every_row_can_be_found_by_its_name, every_row_says_what_it_does_and_who_may,
      no_verb_has_a_letter_twice, a_slip_of_the_finger_is_understood)
