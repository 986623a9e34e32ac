#include <string.h>

#include "core/option_path.h"
#include "core/option_value.h"
#include "suite.h"

START_TEST(every_option_is_in_a_section_and_has_a_meaning)
{
	for (size_t i = 0; i < options_len; i++) {
		const struct option *o = &options[i];
		char section[100] = "";
		ck_assert_msg(strrchr(o->path, '.') != NULL, "%s", o->path);
		memcpy(section, o->path, (size_t)(strrchr(o->path, '.') - o->path));
		ck_assert_msg(section_find(section) != NULL, "%s", o->path);
		ck_assert_msg(strlen(o->help) > 10 && o->help[strlen(o->help) - 1] == '.', "%s",
			      o->path);
		ck_assert_msg(option_find(o->path) == o, "%s is here twice", o->path);
	}
}
END_TEST

START_TEST(a_sections_word_is_a_value_of_an_option_in_it)
{
	struct error err;
	for (size_t i = 0; i < sections_len; i++) {
		const struct section *s = &sections[i];
		struct config config = { 0 };
		ck_assert_msg((s->word != NULL) == (s->word_for != NULL), "%s", s->path);
		if (s->word == NULL)
			continue;
		ck_assert_ptr_nonnull(section_child(s->path, s->word_for));
		const struct option *o = option_find(s->word_for);
		ck_assert_ptr_nonnull(o);
		ck_assert_msg(option_set(o, &config, s->word, &err) == 0, "%s", err.text);
		config_finish(&config);
	}
}
END_TEST

START_TEST(every_option_has_a_default_or_an_example_that_can_be_written)
{
	struct error err;
	for (size_t i = 0; i < options_len; i++) {
		const struct option *o = &options[i];
		struct config config = { 0 };
		ck_assert_msg((o->fallback != NULL) != (o->example != NULL), "%s", o->path);
		if (option_is_list(o))
			continue; /* test_config_sample parses those */
		const char *text = o->fallback != NULL ? o->fallback : o->example;
		ck_assert_msg(option_set(o, &config, text, &err) == 0, "%s", err.text);
		config_finish(&config);
	}
}
END_TEST

START_TEST(the_table_covers_the_whole_structure)
{
	struct config config;
	ck_assert_int_eq(config_defaults(&config), 0);
	ck_assert_int_eq(config.app.workers, 0);
	ck_assert_int_eq(config.app.defer_accept, 5000);
	ck_assert_int_eq(config.app.boot_timeout, 60000);
	ck_assert_str_eq(config.app.probe.path, "/up");
	ck_assert_int_eq(config.app.probe.timeout, 10000);
	ck_assert_int_eq(config.app.probe.liveness, 0);
	ck_assert_str_eq(config.allocator.preload, "jemalloc");
	ck_assert(!config.allocator.require);
	ck_assert_int_eq(config.memory.interval, 5000);
	ck_assert_int_eq(config.memory.figure, FIGURE_USS);
	ck_assert_int_eq(config.memory.soft.kind, SIZE_AUTO);
	ck_assert_uint_eq(config.memory.strikes.needed, 3);
	ck_assert_uint_eq(config.memory.strikes.window, 5);
	ck_assert_uint_eq(config.memory.rollup_budget, 100);
	ck_assert_uint_eq(config.restart.max_surge, 1);
	ck_assert_int_eq(config.restart.min_useful_life, 30 * MSEC_MINUTE);
	ck_assert_int_eq(config.restart.stop_delay, 0);
	ck_assert_int_eq(config.restart.drain_timeout, 60000);
	ck_assert_int_eq(config.restart.half_close_after, 10000);
	ck_assert_ptr_null(config.control.socket);
	ck_assert_int_eq(config.log.level, LEVEL_INFO);
	config_finish(&config);
}
END_TEST

START_TEST(what_may_change_on_reload_is_what_needs_no_new_daemon)
{
	static const char *const fixed[] = {
		"app.name",   "app.directory",    "app.mode",       "app.listen",    "app.preload",
		"app.output", "app.defer_accept", "control.socket", "control.group",
	};
	for (size_t i = 0; i < options_len; i++) {
		bool live = true;
		for (size_t j = 0; j < ARRAY_LEN(fixed); j++)
			live = live && strcmp(options[i].path, fixed[j]) != 0;
		ck_assert_msg(options[i].live == live, "%s", options[i].path);
	}
}
END_TEST

START_TEST(a_typing_error_has_a_nearest_key)
{
	ck_assert_str_eq(section_nearest("memory", "sotf"), "soft");
	ck_assert_str_eq(section_nearest("memory", "intervall"), "interval");
	ck_assert_str_eq(section_nearest("", "memmory"), "memory");
	ck_assert_str_eq(section_nearest("app", "Probe"), "probe");
	ck_assert_str_eq(section_nearest("app", "soft"), "memory.soft");
	ck_assert_str_eq(section_nearest("", "workers"), "app.workers");
	ck_assert_ptr_null(section_nearest("log", "colour"));
	ck_assert_ptr_null(section_nearest("log", ""));
}
END_TEST

SUITE("options", every_option_is_in_a_section_and_has_a_meaning,
      a_sections_word_is_a_value_of_an_option_in_it,
      every_option_has_a_default_or_an_example_that_can_be_written,
      the_table_covers_the_whole_structure, what_may_change_on_reload_is_what_needs_no_new_daemon,
      a_typing_error_has_a_nearest_key)
