#include "core/option_value.h"

#include <string.h>

#include "suite.h"

static struct config config;
static struct error err;
static char line[400];

static const char *printed(const char *path) {
	struct text out = TEXT_IN(line);
	option_print(option_find(path), &config, &out);
	return line;
}

static const char *set(const char *path, const char *text) {
	ck_assert_msg(option_set(option_find(path), &config, text, &err) == 0, "%s", err.text);
	return printed(path);
}

static int add(const char *path, const char *key, const char *text) {
	return option_add(option_find(path), &config, key, text, &err);
}

START_TEST(values_print_as_a_person_would_write_them)
{
	static const struct {
		const char *path, *text, *printed;
	} rows[] = {
		{ "app.workers", "auto", "auto" },
		{ "app.workers", "4", "4" },
		{ "app.probe.path", "none", "none" },
		{ "app.probe.path", "/health?x=1", "/health?x=1" },
		{ "app.probe.liveness", "off", "off" },
		{ "app.probe.liveness", "0", "off" },
		{ "app.probe.liveness", "30s", "30s" },
		{ "app.probe.status", "200, 404", "200, 404" },
		{ "app.directory", "/srv", "/srv" },
		{ "allocator.require", "YES", "true" },
		{ "allocator.preload", "none", "none" },
		{ "memory.soft", "0.5GiB", "512MiB" },
		{ "memory.strikes", "1 of 1", "1 of 1" },
		{ "memory.figure", "rss", "rss" },
		{ "memory.rollup_budget", "0.5%", "0.5%" },
		{ "log.level", "debug", "debug" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_str_eq(set(rows[i].path, rows[i].text), rows[i].printed);
	ck_assert_ptr_nonnull(config.app.probe.path);
	set("app.probe.path", "none");
	ck_assert_ptr_null(config.app.probe.path);
	config_finish(&config);
}
END_TEST

START_TEST(a_refusal_says_what_was_wrong_and_what_was_expected)
{
	static const struct {
		const char *path, *text, *says;
	} rows[] = {
		{ "memory.soft", "12 parsecs",
		  "memory.soft: \"12 parsecs\" is not a size; expected a size such as 512MiB, 1GB "
		  "or 25%, from 1MiB, or auto" },
		{ "memory.soft", "512", "has no unit; expected a size" },
		{ "memory.soft", "512KB", "is out of range" },
		{ "memory.soft", "101%", "is not between 0% and 100%" },
		{ "memory.soft", "0%", "is not between 0% and 100%" },
		{ "memory.interval", "5",
		  "has no unit; expected a time such as 5s, from 100ms to 1h" },
		{ "memory.interval", "1ms", "is out of range" },
		{ "memory.interval", "off", "is not a time" },
		{ "restart.cooldown", "25h", "up to 24h, or off" },
		{ "app.workers", "0", "expected a number from 1 to 128, or auto" },
		{ "app.workers", "513", "is out of range" },
		{ "app.workers", "two", "is not a number" },
		{ "restart.max_surge", "auto", "expected a number from 1 to 512" },
		{ "restart.rehearse", "maybe", "is neither; expected true or false" },
		{ "memory.strikes", "3", "such as 3 of 5, of at most 32" },
		{ "memory.strikes", "3 of 33", "is out of range" },
		{ "memory.rollup_budget", "1", "is not a percentage; expected" },
		{ "memory.rollup_budget", "101%", "from 0.01% to 100%" },
		{ "memory.figure", "pps", "did you mean pss; expected uss, pss or rss" },
		{ "memory.figure", "vsz", "is unknown; expected uss, pss or rss" },
		{ "app.probe.status", "2xx", "is not a list of status codes; expected codes" },
		{ "app.probe.path", "up", "is not a path; expected one such as /up, or none" },
		{ "app.probe.path", "/a b", "bytes that a URL has not" },
		{ "app.probe.path", "", "is empty; expected" },
		{ "app.directory", "shop", "is not absolute" },
		{ "app.name", "a/b", "is not a name" },
		{ "allocator.preload", "tcmalloc", "expected jemalloc, none or" },
		{ "allocator.malloc_conf", "a:b c:d", "has a blank" },
		{ "control.socket",
		  "/0123456789012345678901234567890123456789012345678901234567890"
		  "12345678901234567890123456789012345678901234567890",
		  "is too long; expected text" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct option *option = option_find(rows[i].path);
		ck_assert_msg(option_set(option, &config, rows[i].text, &err) == -1, "%s",
			      rows[i].text);
		ck_assert_msg(strstr(err.text, rows[i].says) != NULL, "%s", err.text);
		ck_assert_msg(strncmp(err.text, rows[i].path, strlen(rows[i].path)) == 0, "%s",
			      err.text);
	}
	config_finish(&config);
}
END_TEST

START_TEST(lists_grow_and_pairs_have_one_of_each)
{
	ck_assert_int_eq(add("app.listen", NULL, "tcp://[::1]:80"), 0);
	ck_assert_int_eq(add("app.listen", NULL, "unix:///x"), 0);
	ck_assert_int_eq(add("app.listen", NULL, "ssl://x:1"), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "app.listen: \"ssl://x:1\": workers speak plain"));
	ck_assert_str_eq(printed("app.listen"), "tcp://[::1]:80, unix:///x");
	for (unsigned i = 2; i < 64; i++)
		ck_assert_int_eq(add("app.listen", NULL, "tcp://a:0"), 0);
	ck_assert_int_eq(add("app.listen", NULL, "tcp://a:0"), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "expected at most 64"));

	ck_assert_int_eq(add("app.environment", "A", "b=c"), 0);
	ck_assert_int_eq(add("app.environment", "A", ""), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "is here twice"));
	ck_assert_int_eq(add("app.environment", "A=B", ""), -1);
	ck_assert_int_eq(add("app.environment", "", ""), -1);
	ck_assert_str_eq(strings_get(&config.app.environment, "A"), "b=c");
	ck_assert_int_eq(add("app.probe.headers", "Ho st", "x"), -1);
	ck_assert_int_eq(add("app.probe.headers", "Host", "x\r\nY: z"), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "control character"));
	config_finish(&config);
}
END_TEST

START_TEST(secrets_are_not_printed)
{
	ck_assert_int_eq(add("app.environment", "SECRET_KEY_BASE", "hush"), 0);
	ck_assert_int_eq(add("app.environment", "RAILS_ENV", "production"), 0);
	ck_assert_str_eq(printed("app.environment"), "SECRET_KEY_BASE, RAILS_ENV");
	config_finish(&config);
}
END_TEST

START_TEST(what_is_not_there_is_unset)
{
	ck_assert_str_eq(printed("app.name"), "unset");
	ck_assert_str_eq(printed("app.command"), "unset");
	ck_assert(!option_is_set(option_find("app.environment"), &config));
	ck_assert(option_is_set(option_find("app.probe.path"), &config));
}
END_TEST

START_TEST(a_repeated_value_replaces_the_one_before)
{
	set("app.directory", "/one");
	ck_assert_str_eq(set("app.directory", "/two"), "/two");
	ck_assert_int_eq(option_set(option_find("app.directory"), &config, "three", &err), -1);
	ck_assert_str_eq(printed("app.directory"), "/two");
	option_clear(option_find("app.directory"), &config);
	ck_assert_str_eq(printed("app.directory"), "unset");
}
END_TEST

SUITE("option_value", values_print_as_a_person_would_write_them,
      a_refusal_says_what_was_wrong_and_what_was_expected, lists_grow_and_pairs_have_one_of_each,
      secrets_are_not_printed, what_is_not_there_is_unset, a_repeated_value_replaces_the_one_before)
