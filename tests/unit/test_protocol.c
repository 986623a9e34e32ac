#include "core/protocol.h"

#include <string.h>

#include "suite.h"

static struct error err;
static struct request request;

static int parse(const char *line) {
	return protocol_parse(line, strlen(line), &request, &err);
}

START_TEST(a_whole_request_is_understood)
{
	ck_assert_int_eq(parse("{\"v\":1,\"verb\":\"restart\",\"slots\":[2,0],\"all\":false,"
			       "\"force\":false,\"wait\":true}"),
			 0);
	ck_assert_int_eq(request.verb, VERB_RESTART);
	ck_assert(request.wait && !request.all && !request.force);
	ck_assert_uint_eq(request.n_slots, 2);
	ck_assert_uint_eq(request.slots[0], 0);
	ck_assert_uint_eq(request.slots[1], 2);

	ck_assert_int_eq(parse("{\"verb\":\"events\",\"v\":1,\"since\":17,\"follow\":true}\r"), 0);
	ck_assert_uint_eq(request.since, 17);
	ck_assert(request.follow);
}
END_TEST

START_TEST(a_slot_named_twice_is_one_slot)
{
	ck_assert_int_eq(parse("{\"v\":1,\"verb\":\"restart\",\"slots\":[3,1,3,1]}"), 0);
	ck_assert_uint_eq(request.n_slots, 2);
	ck_assert_uint_eq(request.slots[1], 3);
}
END_TEST

START_TEST(what_is_not_understood_is_refused_and_said)
{
	const struct {
		const char *line, *said;
	} cases[] = {
		{ "", "not a line of JSON" },
		{ "status", "not a line of JSON" },
		{ "{\"v\":1,\"verb\":\"status\"", "not a line of JSON" },
		{ "{\"v\":1,\"verb\":\"status\"} {}", "not a line of JSON" },
		{ "{\"v\":1,\"v\":1,\"verb\":\"status\"}", "duplicate" },
		{ "{\"v\":1,\"verb\":\"stop\\u0000\"}", "not a line of JSON" },
		{ "{\"v\":1,\"verb\":\"\xff\"}", "unable to decode" },
		{ "{\"v\":1,\"verb\":\"\xed\xa0\x80\"}", "unable to decode" },
		{ "[1]", "object" },
		{ "7", "not a line of JSON" },
		{ "{}", "version" },
		{ "{\"verb\":\"status\"}", "version" },
		{ "{\"v\":\"1\",\"verb\":\"status\"}", "version" },
		{ "{\"v\":2,\"verb\":\"status\"}", "speaks version 1 of the protocol, not 2" },
		{ "{\"v\":99999999999999999999,\"verb\":\"status\"}", "not a line of JSON" },
		{ "{\"v\":1}", "names its verb" },
		{ "{\"v\":1,\"verb\":7}", "names its verb" },
		{ "{\"v\":1,\"verb\":\"restrat\"}", "did you mean `restart`?" },
		{ "{\"v\":1,\"verb\":\"dance\"}", "unknown verb `dance`" },
		{ "{\"v\":1,\"verb\":\"status\",\"slots\":[1]}", "takes no slots" },
		{ "{\"v\":1,\"verb\":\"status\",\"all\":true}", "`status` takes no `all`" },
		{ "{\"v\":1,\"verb\":\"status\",\"json\":true}", "`status` takes no `json`" },
		{ "{\"v\":1,\"verb\":\"restart\"}", "either slots or all" },
		{ "{\"v\":1,\"verb\":\"restart\",\"all\":true,\"slots\":[1]}", "either" },
		{ "{\"v\":1,\"verb\":\"restart\",\"all\":1}", "`all` is true or false" },
		{ "{\"v\":1,\"verb\":\"restart\",\"slots\":1}", "list of numbers" },
		{ "{\"v\":1,\"verb\":\"restart\",\"slots\":[\"1\"]}", "a slot is a number" },
		{ "{\"v\":1,\"verb\":\"restart\",\"slots\":[-1]}", "a slot is a number" },
		{ "{\"v\":1,\"verb\":\"restart\",\"slots\":[65536]}", "a slot is a number" },
		{ "{\"v\":1,\"verb\":\"restart\",\"slots\":[1.5]}", "a slot is a number" },
		{ "{\"v\":1,\"verb\":\"explain\"}", "takes one slot" },
		{ "{\"v\":1,\"verb\":\"explain\",\"slots\":[1,2]}", "takes one slot" },
		{ "{\"v\":1,\"verb\":\"events\",\"since\":-1}", "0 or more" },
		{ "{\"v\":1,\"verb\":\"events\",\"since\":true}", "0 or more" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		ck_assert_msg(parse(cases[i].line) == -1, "%s", cases[i].line);
		ck_assert_msg(strstr(err.text, cases[i].said) != NULL, "%s: %s", cases[i].line,
			      err.text);
	}
}
END_TEST

START_TEST(a_refused_request_leaves_the_old_one_alone)
{
	ck_assert_int_eq(parse("{\"v\":1,\"verb\":\"reopen\"}"), 0);
	ck_assert_int_eq(parse("{\"v\":1,\"verb\":\"restart\",\"all\":1}"), -1);
	ck_assert_int_eq(request.verb, VERB_REOPEN);
}
END_TEST

START_TEST(a_raw_nul_does_not_end_a_request)
{
	const char line[] = "{\"v\":1,\"verb\":\"stop\"}\0{\"x\"";
	ck_assert_int_eq(protocol_parse(line, sizeof line - 1, &request, &err), -1);
}
END_TEST

START_TEST(deep_nesting_is_refused_without_falling_into_it)
{
	static char line[60000];
	memset(line, '[', sizeof line);
	ck_assert_int_eq(protocol_parse(line, sizeof line, &request, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "depth"));
}
END_TEST

START_TEST(too_long_is_refused_unread)
{
	static char line[PROTOCOL_REQUEST_MAX];
	memset(line, ' ', sizeof line);
	memcpy(line, "{\"v\":1,\"verb\":\"stop\"}", 21);
	ck_assert_int_eq(protocol_parse(line, sizeof line - 1, &request, &err), 0);
	ck_assert_int_eq(protocol_parse(line, sizeof line, &request, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "longer"));
}
END_TEST

START_TEST(more_slots_than_there_is_room_for_are_refused)
{
	char line[1000];
	struct text out = TEXT_IN(line);
	text_puts(&out, "{\"v\":1,\"verb\":\"restart\",\"slots\":[0");
	for (int i = 1; i <= REQUEST_SLOTS; i++)
		text_printf(&out, ",%d", i);
	text_puts(&out, "]}");
	ck_assert_int_eq(parse(line), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "at most 64"));
}
END_TEST

START_TEST(what_is_printed_is_understood_again)
{
	const struct request requests[] = {
		{ .verb = VERB_STATUS },
		{ .verb = VERB_EVENTS, .since = INT64_MAX, .follow = true },
		{ .verb = VERB_RESTART, .slots = { 1, 65535 }, .n_slots = 2, .force = true },
		{ .verb = VERB_RESTART, .all = true, .wait = true },
		{ .verb = VERB_EXPLAIN, .slots = { 0 }, .n_slots = 1 },
		{ .verb = VERB_STOP, .wait = true },
	};
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		char line[PROTOCOL_LINE_MAX];
		struct text out = TEXT_IN(line);
		protocol_print_request(&requests[i], &out);
		ck_assert_msg(parse(line) == 0, "%s: %s", line, err.text);
		ck_assert_msg(memcmp(&request, &requests[i], sizeof request) == 0, "%s", line);
	}
}
END_TEST

START_TEST(answers_are_single_lines_of_plain_ascii)
{
	char line[PROTOCOL_LINE_MAX];
	struct text out = TEXT_IN(line);
	protocol_refuse(&out, CODE_FAILED, "no\nroom: %d \033[31m \xc3\xa9", 7);
	ck_assert_str_eq(line, "{\"v\":1,\"ok\":false,\"done\":true,\"error\":"
			       "\"no\\nroom: 7 \\u001B[31m \\u00E9\",\"code\":1}");
	out = TEXT_IN(line);
	protocol_progress(&out, "slot %d is ready", 2);
	ck_assert_str_eq(line, "{\"v\":1,\"progress\":\"slot 2 is ready\"}");
	out = TEXT_IN(line);
	protocol_done(&out, NULL);
	ck_assert_str_eq(line, "{\"v\":1,\"ok\":true,\"done\":true}");
	out = TEXT_IN(line);
	protocol_done(&out, "nothing changed");
	ck_assert_str_eq(line,
			 "{\"v\":1,\"ok\":true,\"done\":true,\"message\":\"nothing changed\"}");
}
END_TEST

START_TEST(an_answer_survives_any_text)
{
	char line[PROTOCOL_LINE_MAX], big[5000];
	memset(big, 0x1b, sizeof big - 1);
	big[sizeof big - 1] = '\0';
	struct text out = TEXT_IN(line);
	protocol_refuse(&out, CODE_FAILED, "%s", big);
	ck_assert(!out.cut);

	out = TEXT_IN(line);
	protocol_refuse(&out, CODE_FAILED, "caf\xc3"); /* cut in the middle of a letter */
	ck_assert_ptr_nonnull(strstr(line, "\"caf\\uFFFD\""));
}
END_TEST

SUITE("protocol", a_whole_request_is_understood, a_slot_named_twice_is_one_slot,
      what_is_not_understood_is_refused_and_said, a_refused_request_leaves_the_old_one_alone,
      a_raw_nul_does_not_end_a_request, deep_nesting_is_refused_without_falling_into_it,
      too_long_is_refused_unread, more_slots_than_there_is_room_for_are_refused,
      what_is_printed_is_understood_again, answers_are_single_lines_of_plain_ascii,
      an_answer_survives_any_text)
