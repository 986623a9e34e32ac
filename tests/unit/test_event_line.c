#include "core/event_line.h"

#include "core/event.h"
#include "suite.h"

static char buffer[2048];

static const char *print(json_t *event, bool colour) {
	const struct style style = { 80, colour, true };
	struct text out = TEXT_IN(buffer);
	event_line_print(event, &style, &out);
	json_decref(event);
	return buffer;
}

START_TEST(an_event_that_was_told_is_read_again)
{
	char line[1024];
	struct text json = TEXT_IN(line);
	struct event e = event_make(EVENT_REPLACEMENT_DONE);
	e.seq = 3;
	e.wall_msec = INT64_C(1782907200123);
	event_number(&e, "slot", 1);
	event_time(&e, "took", 6100);
	event_bytes(&e, "gave_back", 325058560);
	event_text(&e, "cause", "soft");
	event_print_json(&e, &json);
	ck_assert_str_eq(print(json_loads(line, 0, NULL), false),
			 "2026-07-01 12:00:00Z  replacement.done  slot 1 took 6.1s gave_back "
			 "310MiB cause soft\n");
}
END_TEST

START_TEST(colour_tells_the_level)
{
	json_t *event = json_pack("{s:s,s:s,s:s}", "event", "worker.died", "level", "error",
				  "reason", "signal 9");
	ck_assert_str_eq(print(event, true), "\033[2m\033[0m  \033[1;31mworker.died\033[0m  "
					     "reason signal 9\n");
}
END_TEST

START_TEST(a_hostile_event_stays_one_line)
{
	json_t *event = json_pack("{s:s,s:s,s:s,s:n}", "event", "a\nb", "time", "\033[2J", "x\033",
				  "1\n2", "nothing");
	ck_assert_str_eq(print(event, false), "?[2J  a?b  x? 1?2 nothing ?\n");
}
END_TEST

SUITE("event_line", an_event_that_was_told_is_read_again, colour_tells_the_level,
      a_hostile_event_stays_one_line)
