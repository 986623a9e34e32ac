#include <jansson.h>
#include <string.h>

#include "core/event.h"
#include "suite.h"

static char line[EVENT_JSON_SIZE];

static json_t *printed(const struct event *e) {
	struct text out = TEXT_IN(line);
	json_error_t why;
	event_print_json(e, &out);
	ck_assert(!out.cut);
	json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, &why);
	ck_assert_msg(object != NULL, "%s in %s", why.text, line);
	return object;
}

START_TEST(an_event_is_one_object_with_units_in_its_keys)
{
	struct event e = event_make(EVENT_REPLACEMENT_DONE);
	struct text out = TEXT_IN(line);
	e.seq = 7;
	e.wall_msec = 1700000000123;
	event_number(&e, "slot", 1);
	event_text(&e, "cause", "soft");
	event_time(&e, "took", 1500);
	event_bytes(&e, "before", 734003200);
	event_print_json(&e, &out);
	ck_assert_str_eq(line, "{\"seq\":7,\"time\":\"2023-11-14T22:13:20.123Z\","
			       "\"event\":\"replacement.done\",\"level\":\"info\",\"slot\":1,"
			       "\"cause\":\"soft\",\"took_ms\":1500,\"before_bytes\":734003200}");
	json_decref(printed(&e));
}
END_TEST

START_TEST(any_bytes_become_valid_json)
{
	struct event e = event_make(EVENT_CONFIG_REFUSED);
	event_text(&e, "reason", "%s", "\"\\\n\t\x01\x7f \xff\xc3 \xed\xa0\x80 h\xc3\xa9");
	json_t *object = printed(&e);
	ck_assert_str_eq(json_string_value(json_object_get(object, "reason")),
			 "\"\\\n\t\x01\x7f \xef\xbf\xbd\xef\xbf\xbd "
			 "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd h\xc3\xa9");
	json_decref(object);
}
END_TEST

START_TEST(every_byte_there_is_becomes_valid_json)
{
	char bytes[256];
	for (int i = 0; i < 255; i++)
		bytes[i] = (char)(i + 1);
	bytes[255] = '\0';
	struct event e = event_make(EVENT_CONFIG_REFUSED);
	event_text(&e, "reason", "%s", bytes);
	json_decref(printed(&e));
}
END_TEST

START_TEST(the_worst_event_fits_its_size)
{
	char controls[1000];
	memset(controls, 1, sizeof controls - 1);
	controls[sizeof controls - 1] = '\0';
	struct event e = event_make(EVENT_REPLACEMENT_DONE);
	e.seq = INT64_MAX;
	e.wall_msec = INT64_MAX;
	static const char *const keys[] = { "slot", "pid",       "new_pid", "cause",
					    "took", "gave_back", "before",  "after" };
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		event_bytes(&e, keys[i], (uint64_t)INT64_MIN);
	e.fields[0].type = e.fields[1].type = FIELD_TEXT;
	e.fields[0].at = 0;
	memcpy(e.text, controls, sizeof e.text - 1);
	e.fields[1].at = sizeof e.text - 1;
	json_decref(printed(&e));
}
END_TEST

START_TEST(half_an_object_is_never_printed)
{
	char small[60];
	struct text out = TEXT_IN(small);
	struct event e = event_make(EVENT_DAEMON_STOPPED);
	text_puts(&out, "x");
	event_print_json(&e, &out);
	ck_assert(out.cut);
	ck_assert_str_eq(small, "x");
	ck_assert_uint_eq(out.len, 1);
}
END_TEST

START_TEST(time_before_and_after_people_is_a_date_all_the_same)
{
	struct event e = event_make(EVENT_DAEMON_STOPPED);
	e.wall_msec = INT64_MIN;
	json_t *object = printed(&e);
	ck_assert_str_eq(json_string_value(json_object_get(object, "time")),
			 "1970-01-01T00:00:00.000Z");
	json_decref(object);
	e.wall_msec = INT64_MAX;
	object = printed(&e);
	ck_assert_str_eq(json_string_value(json_object_get(object, "time")),
			 "9999-12-31T23:59:59.999Z");
	json_decref(object);
}
END_TEST

START_TEST(an_event_comes_back_from_its_json)
{
	struct event e = event_make(EVENT_REPLACEMENT_DONE), back;
	static char again[EVENT_JSON_SIZE];
	struct text out = TEXT_IN(line), out_again = TEXT_IN(again);
	e.seq = 7;
	e.wall_msec = 1700000000123;
	event_number(&e, "slot", -1);
	event_text(&e, "cause", "%s", "\"soft\"\n\x01");
	event_time(&e, "took", 1500);
	event_bytes(&e, "before", 734003200);
	event_print_json(&e, &out);
	ck_assert(event_read_json(line, out.len, &back));
	ck_assert_int_eq(back.wall_msec, e.wall_msec);
	event_print_json(&back, &out_again);
	ck_assert_str_eq(again, line);
}
END_TEST

START_TEST(what_is_no_event_is_not_read)
{
	static const char *const lines[] = {
		"",
		"{",
		"null",
		"[]",
		"{}",
		"{\"seq\":1,\"event\":\"config.note\"}",
		"{\"seq\":0,\"time\":\"2023-11-14T22:13:20.123Z\",\"event\":\"config.note\"}",
		"{\"seq\":1,\"time\":\"2023-11-14T22:13:20.123Z\",\"event\":\"of.tomorrow\"}",
		"{\"seq\":1,\"time\":\"now\",\"event\":\"config.note\"}",
	};
	struct event e = event_make(EVENT_CONFIG_NOTE);
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		ck_assert_msg(!event_read_json(lines[i], strlen(lines[i]), &e), "%s", lines[i]);
}
END_TEST

SUITE("event_json", an_event_comes_back_from_its_json, what_is_no_event_is_not_read,
      an_event_is_one_object_with_units_in_its_keys, any_bytes_become_valid_json,
      every_byte_there_is_becomes_valid_json, the_worst_event_fits_its_size,
      half_an_object_is_never_printed, time_before_and_after_people_is_a_date_all_the_same)
