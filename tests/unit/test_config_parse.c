#include <string.h>

#include "core/config.h"
#include "suite.h"

#define APP "app: {command: [puma]}\n"

static struct config config;
static struct errors errors;

static int parse(const char *text) {
	return config_parse(text, strlen(text), &config, &errors);
}

static void accepted(const char *text) {
	config_finish(&config);
	ck_assert_msg(parse(text) == 0, "%zu:%zu: %s", errors.list[0].line, errors.list[0].column,
		      errors.list[0].text);
}

/* The first error, at its place. */
static void refused_at(const char *text, size_t line, size_t column, const char *says) {
	ck_assert_msg(parse(text) == -1, "%s", text);
	const struct error *e = &errors.list[0];
	ck_assert_msg(e->line == line && e->column == column && strstr(e->text, says) != NULL,
		      "%s\n%zu:%zu: %s", text, e->line, e->column, e->text);
}

START_TEST(a_whole_configuration_is_read)
{
	accepted("# shop\n"
		 "app:\n"
		 "  name: shop\n"
		 "  command:\n"
		 "    - bundle\n"
		 "    - exec\n"
		 "    - 'puma'\n"
		 "  environment:\n"
		 "    RAILS_ENV: production\n"
		 "    GREETING: \"a: b # c\"\n"
		 "    EMPTY: \"\"\n"
		 "  workers: 4\n"
		 "  listen: [tcp://0.0.0.0:9292, \"unix:///run/x.sock?mode=0660\"]\n"
		 "  probe:\n"
		 "    path: none\n"
		 "    status: 200-399, 404\n"
		 "    headers: {Host: shop.example}\n"
		 "allocator: {require: yes}\n"
		 "memory:\n"
		 "  soft: 512MiB\n"
		 "  hard: 1GB\n"
		 "  total: 50%\n"
		 "  strikes: 2 of 3\n"
		 "restart: {min_age: 1h30m, stop_delay: off}\n"
		 "log: {format: json, level: warning}\n");
	ck_assert_str_eq(config.app.name, "shop");
	ck_assert_uint_eq(config.app.command.len, 3);
	ck_assert_str_eq(config.app.command.items[2], "puma");
	ck_assert_str_eq(strings_get(&config.app.environment, "GREETING"), "a: b # c");
	ck_assert_str_eq(strings_get(&config.app.environment, "EMPTY"), "");
	ck_assert_uint_eq(config.app.workers, 4);
	ck_assert_str_eq(config.app.listen.items[1], "unix:///run/x.sock?mode=0660");
	ck_assert_ptr_null(config.app.probe.path);
	ck_assert_uint_eq(config.app.probe.status.len, 2);
	ck_assert(config.allocator.require);
	ck_assert_uint_eq(config.memory.soft.amount, 536870912);
	ck_assert_int_eq(config.memory.total.kind, SIZE_PERCENT);
	ck_assert_uint_eq(config.memory.strikes.window, 3);
	ck_assert_int_eq(config.restart.min_age, 5400000);
	ck_assert_int_eq(config.log.format, LOG_JSON);
	ck_assert_int_eq(config.restart.drain_timeout, 60000); /* not in the file */
}
END_TEST

START_TEST(what_can_be_left_out_may_be_left_out)
{
	accepted(APP "memory:\nrestart: ~\nlog: {}\n");
	accepted("app:\n  command: puma\n  environment:\n  listen: tcp://[::]:80\n");
	ck_assert_uint_eq(config.app.command.len, 1);
	ck_assert_uint_eq(config.app.listen.len, 1);
	accepted("\xef\xbb\xbf" APP); /* a byte order mark */
	accepted("---\n" APP "...\n");
	accepted("app:\r\n  command: [puma]\r\n");
	accepted("app: {command: [&x puma]}\n");
	accepted(APP "memory: {soft: 1GB, hard: 1GB}\n");
}
END_TEST

START_TEST(a_word_may_stand_for_a_whole_section)
{
	static const char *const texts[] = {
		"app: {command: [puma], probe: none}\n",
		"app:\n  probe: \"none\"\n  command: [puma]\n",
	};
	struct config same;
	accepted("app: {command: [puma], probe: {path: none}}\n");
	same = config;
	config = (struct config){ 0 };
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		accepted(texts[i]);
		ck_assert_ptr_null(config.app.probe.path);
		ck_assert_uint_eq(config_diff(&same, &config, NULL, NULL), 0);
		ck_assert_int_eq(config.app.probe.timeout, 10000);
	}
	config_finish(&same);
	accepted("app: {command: [puma], probe: }\n");
	ck_assert_str_eq(config.app.probe.path, "/up");
}
END_TEST

START_TEST(a_mistake_is_told_with_its_place_and_what_was_expected)
{
	static const struct {
		const char *text;
		size_t line, column;
		const char *says;
	} rows[] = {
		/* keys */
		{ APP "memory:\n  sotf: 1GB\n", 3, 3, "memory.sotf is unknown; expected soft" },
		{ APP "log:\n  colour: 1\n", 3, 3, "expected one of format, level" },
		{ APP "workers: 3\n", 2, 1, "workers is unknown; expected app.workers" },
		{ "app:\n  command: [puma]\n  workers: 129\n", 3, 12,
		  "a number from 1 to 128, or auto" },
		{ APP "app.name: x\n", 2, 1, "app.name is unknown" },
		{ APP "memory: {}\nmemory: {}\n", 3, 1, "memory is here twice" },
		{ APP "log:\n  level: info\n  level: debug\n", 4, 3, "the first is in line 3" },
		{ APP "log: {<<: {level: info}}\n", 2, 7, "`<<` merges" },
		{ APP "? [a, b]\n: c\n", 2, 3, "a key is a list" },
		{ "app: {command: [puma], environment: {A: 1, A: 2}}", 1, 47, "is here twice" },
		{ "app: {command: [puma], environment: {[a]: 1}}", 1, 38, "a key is a list" },
		/* types */
		{ APP "memory: 3\n", 2, 9, "memory is a value; expected keys below it: interval" },
		{ APP "memory: [a]\n", 2, 9, "memory is a list; expected keys" },
		{ APP "memory: none\n", 2, 9,
		  "memory is a value; expected keys below it: interval" },
		{ "app:\n  command: [puma]\n  probe: /up\n", 3, 10,
		  "app.probe is a value; expected none, or keys below it: path, status," },
		{ "app:\n  command: [puma]\n  probe: [none]\n", 3, 10,
		  "app.probe is a list; expected none, or keys below it: path, status," },
		{ "app:\n  command: [puma]\n  probe: none\n  probe: {path: /up}\n", 4, 3,
		  "app.probe is here twice" },
		{ APP "memory:\n  soft: [1GB]\n", 3, 9, "memory.soft: is a list; expected a size" },
		{ APP "memory:\n  soft:\n", 3, 8, "has no value; expected a size" },
		{ APP "memory:\n  soft: ~\n", 3, 9, "has no value" },
		{ "app:\n  command: {a: b}\n", 2, 12, "is a mapping; expected a list such as" },
		{ "app:\n  command: []\n", 2, 12, "is empty; expected a list such as" },
		{ "app:\n  command: [puma, [x]]\n", 2, 19, "is a list; expected one value" },
		{ "app:\n  command: [puma, ~]\n", 2, 19, "has no value" },
		{ "app:\n  command:\n", 2, 11, "has no value; expected a list" },
		{ "app:\n  environment: [A=b]\n", 2, 16, "is a list; expected a mapping such as" },
		{ "app:\n  environment:\n    A:\n", 3, 7, "app.environment.A: has no value" },
		/* values */
		{ APP "memory:\n  soft: big\n", 3, 9, "is not a size; expected" },
		{ "app:\n  listen:\n    - tcp://a:1\n    - 9292\n", 4, 7, "app.listen: \"9292\"" },
		{ "app:\n  listen:\n    - tcp://a:1\n    - tcp://A:01\n", 4, 7,
		  "app.listen: tcp://A:01 is here twice; expected each once" },
		{ "app: {listen: [unix:///x, 'unix:///x?mode=0600']}", 1, 27, "is here twice" },
		{ APP "memory: {hard: 1GB, soft: 2GB}", 2, 16, "(2GB) is above memory.hard (1GB)" },
		{ APP "memory:\n  hard: 10%\n  soft: 11%\n", 4, 9, "(11%) is above" },
		/* the command */
		{ "log: {level: info}\n", 1, 1, "app.command is missing" },
		{ "log: {}\napp: {}\n", 2, 1, "command: [bundle, exec, puma, -C, config/puma.rb]" },
		{ "app:\n  command: bundle exec puma -p 1\n", 2, 12,
		  "expected a list, [bundle, exec, puma, -p, 1]" },
		{ "app:\n  command: cd \"x\" && puma\n", 2, 12, "no shell reads it" },
		/* what we don't take from YAML */
		{ "app: {command: &c [puma]}\nlog: *c\n", 2, 6, "`*c` is an alias" },
		{ "app: {command: [*p]}\n", 1, 17, "is an alias" },
		{ "*x : 1\n", 1, 1, "is an alias" },
		{ APP "log: {level: !!str info}\n", 2, 14, "is tagged" },
		{ APP "log: !ruby/object {}\n", 2, 6, "is tagged" },
		{ "app: {command: [\"a\\0b\"]}\n", 1, 17, "holds a NUL" },
		{ "app: {\"comm\\0and\": x}\n", 1, 7, "holds a NUL" },
		{ APP "x: [[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]\n", 2, 1, "is unknown" },
		/* documents */
		{ "", 1, 1, "expected at least `app:`" },
		{ "# nothing\n\n", 1, 1, "there is nothing in it" },
		{ "---\n", 2, 1, "there is nothing in it" },
		{ "puma\n", 1, 1, "is a value; expected sections" },
		{ "- app\n", 1, 1, "is a list; expected sections" },
		{ APP "---\n" APP, 2, 1, "a second document" },
		/* syntax */
		{ "app:\n\tcommand: [puma]\n", 2, 1, "a tab; expected blanks" },
		{ "app:\n  command: [puma\n", 3, 1, "needs its ]" },
		{ "app:\n  name: \"x\n", 2, 9, "never closed" },
		{ "app:\n  name: a: b\n", 2, 10, "needs quotes" },
		{ "app:\n  name: @x\n", 2, 9, "needs quotes" },
		{ "app:\n  name: \"\\q\"\n", 2, 10, "backslash is written twice" },
		{ "app:\n  command: [puma]\n name: x\n", 3, 2, "same column" },
		{ "app:\n  name\nlog:\n", 2, 3, "app is a value; expected keys" },
		{ "app:\n  name: x\n  mode\n", 4, 1, "expected `key: value`" },
		{ "app:\n  name: \xff\n", 2, 9, "is not UTF-8 (byte 0xff)" },
		{ "# h\xc3\xa9 \xc3\n", 1, 6, "is not UTF-8" },
		{ "app:\n  name: a\x01\n", 2, 10, "control character (U+0001)" },
		{ "\xff\xfe"
		  "a\0p\0",
		  1, 1, "is not UTF-8" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		refused_at(rows[i].text, rows[i].line, rows[i].column, rows[i].says);
}
END_TEST

START_TEST(a_nul_byte_does_not_end_the_file)
{
	static const char text[] = APP "\0log: {}\n";
	ck_assert_int_eq(config_parse(text, sizeof text - 1, &config, &errors), -1);
	ck_assert_uint_eq(errors.list[0].line, 2);
	ck_assert_uint_eq(errors.list[0].column, 1);
	ck_assert_ptr_nonnull(strstr(errors.list[0].text, "U+0000"));
}
END_TEST

START_TEST(utf16_is_refused_even_where_it_would_make_sense)
{
	static const char text[] = "\xff\xfe"
				   "a\0p\0p\0:\0 \0{\0}\0\n";
	ck_assert_int_eq(config_parse(text, sizeof text, &config, &errors), -1);
	ck_assert_uint_eq(errors.len, 1);
	ck_assert_str_eq(errors.list[0].text, "is not UTF-8 (byte 0xff); expected text in UTF-8");
}
END_TEST

START_TEST(all_mistakes_are_told_at_once)
{
	ck_assert_int_eq(parse("app:\n"
			       "  workers: many\n"
			       "memory:\n"
			       "  soft: 5\n"
			       "  hrad: 5\n"
			       "log: {level: loud}\n"),
			 -1);
	static const size_t lines[] = { 2, 4, 5, 6, 1 };
	ck_assert_uint_eq(errors.len, ARRAY_LEN(lines));
	for (size_t i = 0; i < errors.len; i++)
		ck_assert_uint_eq(errors.list[i].line, lines[i]);
	ck_assert_ptr_nonnull(strstr(errors.list[4].text, "app.command is missing"));
}
END_TEST

START_TEST(a_line_for_a_shell_is_answered_with_the_list_if_that_is_short)
{
	char text[1000] = "app:\n  command: puma";
	for (int i = 0; i < 100; i++)
		strcat(text, " -w 10");
	refused_at(text, 2, 12, "a list, such as [bundle, exec, puma, -C, config/puma.rb]");
	refused_at("app: {listen: \"tcp://a:1 tcp://b:2\"}", 1, 15, "[tcp://a:1, tcp://b:2]");
}
END_TEST

START_TEST(more_mistakes_than_anybody_reads_end_the_reading)
{
	char text[4000] = APP "log:\n";
	for (int i = 0; i < 100; i++)
		strcat(text, "  x: y\n");
	ck_assert_int_eq(parse(text), -1);
	ck_assert(errors.more);
	ck_assert_uint_eq(errors.len, ARRAY_LEN(errors.list));
}
END_TEST

START_TEST(a_failed_parse_leaves_everything_as_it_was)
{
	accepted(APP "log: {level: debug}\n");
	struct config before = config;
	ck_assert_int_eq(parse("app: {command: [other], name: x}\nlog: {level: loud}\n"), -1);
	ck_assert_mem_eq(&before, &config, sizeof config);
}
END_TEST

/* `n` bytes of `piece` again and again. */
static char *repeat(const char *piece, size_t n) {
	char *text = malloc(n + 1);
	for (size_t i = 0; i < n; i++)
		text[i] = piece[i % strlen(piece)];
	text[n] = '\0';
	return text;
}

START_TEST(a_megabyte_of_anything_is_refused_in_no_time)
{
	static const char *const pieces[] = { "[",   "{",    "a: ",    "- ",   "? ",
					      "&a ", "*a ",  "\"",     "'",    "#",
					      "\n",  "a\n",  "- - - ", "%A\n", "a: b\n",
					      "[a,", "{a: ", "? a\n",  "!a ",  "|\n a\n" };
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		char *text = repeat(pieces[i], CONFIG_MAX_BYTES);
		ck_assert_int_eq(parse(text), -1);
		ck_assert_uint_gt(errors.list[0].line, 0);
		free(text);
	}
	char *text = repeat("x", 10 * CONFIG_MAX_BYTES);
	refused_at(text, 1, 1, "has 10485760 bytes; expected a configuration, of at most 1048576");
	free(text);
}
END_TEST

START_TEST(an_alias_bomb_does_not_grow)
{
	refused_at("a: &a [x,x,x]\nb: &b [*a,*a,*a]\nc: [*b,*b,*b]\n", 1, 1, "a is unknown");
	ck_assert_ptr_nonnull(strstr(errors.list[2].text, "is an alias"));
}
END_TEST

START_TEST(endless_nesting_is_not_followed)
{
	refused_at(APP "x:\n  - - - - - - - - - - - - - - - - - - - - a\n", 2, 1, "x is unknown");
	ck_assert_ptr_nonnull(strstr(errors.list[1].text, "nested too deeply"));
	ck_assert_uint_eq(errors.len, 2);
}
END_TEST

START_TEST(a_terminal_is_not_harmed_by_what_is_quoted)
{
	ck_assert_int_eq(parse("app: {\"\\e[31m\": 1, workers: \"\\e[2J\", environment: "
			       "{\"\\e\": ~}, command: [\"\\e\", [x]]}"),
			 -1);
	for (size_t i = 0; i < errors.len; i++)
		ck_assert_ptr_null(strchr(errors.list[i].text, '\033'));
	config_finish(&config);
}
END_TEST

SUITE("config_parse", a_whole_configuration_is_read, what_can_be_left_out_may_be_left_out,
      a_word_may_stand_for_a_whole_section, a_mistake_is_told_with_its_place_and_what_was_expected,
      a_nul_byte_does_not_end_the_file, utf16_is_refused_even_where_it_would_make_sense,
      all_mistakes_are_told_at_once, a_line_for_a_shell_is_answered_with_the_list_if_that_is_short,
      more_mistakes_than_anybody_reads_end_the_reading, a_failed_parse_leaves_everything_as_it_was,
      a_megabyte_of_anything_is_refused_in_no_time, an_alias_bomb_does_not_grow,
      endless_nesting_is_not_followed, a_terminal_is_not_harmed_by_what_is_quoted)
