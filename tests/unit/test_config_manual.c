#include <string.h>

#include "core/config.h"
#include "suite.h"

static char manual[64 * 1024];

static void print(void) {
	struct text out = TEXT_IN(manual);
	config_print_manual(&out);
	ck_assert(!out.cut);
}

START_TEST(every_option_has_its_entry)
{
	print();
	for (size_t i = 0; i < options_len; i++) {
		char entry[100];
		struct text out = TEXT_IN(entry);
		text_printf(&out, ".It Ic %s\n", options[i].path);
		ck_assert_msg(strstr(manual, entry) != NULL, "%s", entry);
	}
	ck_assert_ptr_nonnull(strstr(manual, "Expected: a time such as 5s, from 100ms to 1h\n"
					     ".br\nDefault:\n.Li \"5s\"\n"));
}
END_TEST

START_TEST(a_word_that_stands_for_a_section_is_told)
{
	print();
	ck_assert_ptr_nonnull(strstr(manual, ".Ss app.probe\n"
					     "How a fresh worker proves that it serves: one HTTP "
					     "request.\n"
					     "`probe: none` is short for app.probe.path: none.\n"
					     ".Bl "));
}
END_TEST

/* Words of the table must not become requests to mandoc(1): those here are all there are. */
START_TEST(only_our_own_requests_begin_a_line)
{
	static const char *const requests[] = { ".Ss ",  ".Bl ", ".It ", ".Pp\n",
						".br\n", ".Li ", ".El\n" };
	print();
	for (const char *line = manual; *line != '\0'; line += strcspn(line, "\n") + 1) {
		bool known = *line != '.' && *line != '\'' && *line != '\n';
		for (size_t i = 0; i < ARRAY_LEN(requests); i++)
			known = known || strncmp(line, requests[i], strlen(requests[i])) == 0;
		ck_assert_msg(known, "%.60s", line);
	}
}
END_TEST

SUITE("config_manual", every_option_has_its_entry, a_word_that_stands_for_a_section_is_told,
      only_our_own_requests_begin_a_line)
