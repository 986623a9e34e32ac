#include <string.h>

#include "core/config.h"
#include "core/yaml_print.h"
#include "suite.h"

static char printed[100000];

static struct config parsed(const char *text) {
	struct config config;
	struct errors errors;
	ck_assert_msg(config_parse(text, strlen(text), &config, &errors) == 0, "%zu:%zu: %s\n%s",
		      errors.list[0].line, errors.list[0].column, errors.list[0].text, text);
	return config;
}

static const char *print(const struct config *config) {
	struct text out = TEXT_IN(printed);
	config_print(config, &out);
	ck_assert(!out.cut);
	return printed;
}

static void tell(const struct option *option, void *context UNUSED) {
	ck_abort_msg("%s differs in\n%s", option->path, printed);
}

static void reads_back(const char *text) {
	struct config config = parsed(text);
	struct config again = parsed(print(&config));
	ck_assert_uint_eq(config_diff(&config, &again, tell, NULL), 0);
	config_finish(&config);
	config_finish(&again);
}

START_TEST(what_is_printed_is_what_a_person_would_write)
{
	struct config config = parsed("app: {command: [bundle, exec, \"p u\"], name: shop, "
				      "environment: {A: yes, B C: 1}, probe: {path: none}}\n"
				      "memory: {soft: 50%}");
	print(&config);
	static const char head[] = "app:\n"
				   "  name: shop\n"
				   "  command:\n"
				   "    - bundle\n"
				   "    - exec\n"
				   "    - \"p u\"\n"
				   "  environment:\n"
				   "    A: \"yes\"\n"
				   "    \"B C\": 1\n"
				   "  mode: pool\n"
				   "  preload: false\n"
				   "  workers: auto\n"
				   "  defer_accept: 5s\n";
	ck_assert_msg(strncmp(printed, head, strlen(head)) == 0, "%s", printed);
	ck_assert_ptr_nonnull(strstr(printed, "\n  probe:\n    path: none\n    status: default\n"));
	ck_assert_ptr_nonnull(strstr(printed, "\nmemory:\n  interval: 5s\n"));
	ck_assert_ptr_nonnull(strstr(printed, "\n  soft: 50%\n"));
	ck_assert_ptr_null(strstr(printed, "control:")); /* nothing is set in it */
	config_finish(&config);
}
END_TEST

START_TEST(what_is_printed_reads_back_as_the_same)
{
	reads_back("app: {command: [puma]}");
	reads_back("app: {command: [\"\", \"~\", \"null\", \"- x\", \"a: b\", \"a #b\", \"'\", "
		   "\"\\\"\\\\\", \"x:\", \"?\", \"[x]\", \"*a\", \"&a\", \"!a\", \"%a\", \"@\"]}");
	reads_back(
		"app: {command: [\"\\n\\t\\e\\x7f\\x85\\u2028\\ufeff\\uffff\\xa0 h\xc3\xa9 \", "
		"\"  \", \"a \\u2028 b \\u2029 c \\x85 d\", \"---\", \"...\", \"\\U0001f4be\"]}");
	reads_back("app: {command: [puma], environment: {\"~\": \"~\", \"a: b\": \"=\", \"<<\": x, "
		   "\"\\e\": \"\\n\", yes: no, '1': 2}}");
	reads_back("app: {command: [puma], probe: {path: /x?y#z, liveness: 1500ms, status: "
		   "'100-599, 200', headers: {A: 'b: c'}}}\n"
		   "allocator: {preload: /x y/lib.so, malloc_conf: 'a:b,c:d', require: true}\n"
		   "memory: {soft: 1234567B, hard: 12.34%, strikes: 32 of 32, rollup_budget: "
		   "0.01%, figure: pss}\n"
		   "restart: {min_age: 1h1ms, cooldown: 0}\n"
		   "control: {socket: '/: #', group: \"null\"}\nlog: {level: debug}\n");
}
END_TEST

START_TEST(bytes_that_are_not_utf8_are_replaced)
{
	char line[80];
	struct text out = TEXT_IN(line);
	yaml_print("a\xff", &out);
	ck_assert_str_eq(line, "\"a\xef\xbf\xbd\"");
}
END_TEST

SUITE("config_print", what_is_printed_is_what_a_person_would_write,
      what_is_printed_reads_back_as_the_same, bytes_that_are_not_utf8_are_replaced)
