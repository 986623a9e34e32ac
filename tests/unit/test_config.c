#include "core/config.h"

#include <string.h>

#include "suite.h"

static const char *seen[80];
static size_t seen_len;

static void note(const struct option *option, void *context UNUSED) {
	seen[seen_len++] = option->path;
}

static struct config parsed(const char *text) {
	struct config config;
	struct errors errors;
	ck_assert_msg(config_parse(text, strlen(text), &config, &errors) == 0, "%s",
		      errors.list[0].text);
	return config;
}

START_TEST(what_differs_is_named_and_what_is_not_live_is_counted)
{
	struct config from = parsed("app: {command: [puma], listen: [tcp://a:1]}");
	struct config to = parsed("app: {command: [puma, -v], listen: [tcp://a:2], name: x}\n"
				  "memory: {soft: 1GB}\nlog: {level: debug}\n");
	seen_len = 0;
	ck_assert_uint_eq(config_diff(&from, &to, note, NULL), 2);
	static const char *const paths[] = { "app.name", "app.command", "app.listen", "memory.soft",
					     "log.level" };
	ck_assert_uint_eq(seen_len, ARRAY_LEN(paths));
	for (size_t i = 0; i < seen_len; i++)
		ck_assert_str_eq(seen[i], paths[i]);
	ck_assert_uint_eq(config_diff(&from, &from, note, NULL), 0);
	ck_assert_uint_eq(seen_len, ARRAY_LEN(paths));
	config_finish(&from);
	config_finish(&to);
}
END_TEST

START_TEST(the_same_value_written_otherwise_is_no_difference)
{
	struct config from = parsed("app: {command: [puma]}\n"
				    "memory: {soft: 1024MiB}\nrestart: {min_age: 60s}\n");
	struct config to = parsed("app:\n  command:\n  - \"puma\"\n"
				  "memory:\n  soft: 1 GiB\nrestart:\n  min_age: 1m\n");
	ck_assert_uint_eq(config_diff(&from, &to, NULL, NULL), 0);
	config_finish(&from);
	config_finish(&to);
}
END_TEST

START_TEST(finishing_twice_is_harmless)
{
	struct config config = { 0 };
	config_finish(&config);
	ck_assert_int_eq(config_defaults(&config), 0);
	config_finish(&config);
	config_finish(&config);
	ck_assert_ptr_null(config.allocator.preload);
}
END_TEST

SUITE("config", what_differs_is_named_and_what_is_not_live_is_counted,
      the_same_value_written_otherwise_is_no_difference, finishing_twice_is_harmless)
