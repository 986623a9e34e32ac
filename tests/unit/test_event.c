#include "core/event.h"

#include <string.h>

#include "suite.h"

START_TEST(an_event_is_one_line_of_keys_and_values)
{
	char line[256];
	struct text out = TEXT_IN(line);
	struct event e = event_make(EVENT_REPLACEMENT_STARTED);
	event_number(&e, "slot", 1);
	event_text(&e, "cause", "soft");
	event_bytes(&e, "value", 734003200);
	event_text(&e, "strikes", "3 of 5");
	event_print(&e, &out);
	ck_assert_str_eq(line, "event=replacement.started slot=1 cause=soft value=700MiB "
			       "strikes=\"3 of 5\"");
}
END_TEST

START_TEST(nobody_can_forge_a_second_line)
{
	char line[256];
	struct text out = TEXT_IN(line);
	struct event e = event_make(EVENT_CONFIG_REFUSED);
	event_text(&e, "reason", "%s", "a\nevent=x \"b\"\033[31m");
	event_print(&e, &out);
	ck_assert_str_eq(line, "event=config.refused "
			       "reason=\"a\\nevent=x \\\"b\\\"\\u001b[31m\"");
}
END_TEST

START_TEST(too_much_text_is_cut_not_overrun)
{
	char big[1000], line[2000];
	struct text out = TEXT_IN(line);
	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	struct event e = event_make(EVENT_WORKER_FAILED);
	event_text(&e, "reason", "%s", big);
	event_text(&e, "retry", "%s", big);
	event_print(&e, &out);
	ck_assert_uint_lt(out.len, 600);
}
END_TEST

START_TEST(every_row_has_a_name_and_a_meaning)
{
	for (int i = 0; i < EVENT_COUNT; i++) {
		ck_assert_msg(strchr(event_rows[i].name, '.') != NULL, "row %d", i);
		ck_assert_msg(strlen(event_rows[i].help) > 0, "row %d", i);
	}
}
END_TEST

SUITE("event", an_event_is_one_line_of_keys_and_values, nobody_can_forge_a_second_line,
      too_much_text_is_cut_not_overrun, every_row_has_a_name_and_a_meaning)
