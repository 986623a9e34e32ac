#include <stdio.h>
#include <string.h>

#include "core/config.h"
#include "suite.h"

static char sample[64 * 1024];

static void print(void) {
	struct text out = TEXT_IN(sample);
	config_print_sample(&out);
	ck_assert(!out.cut);
}

static struct config parsed(void) {
	struct config config;
	struct errors errors;
	ck_assert_msg(config_parse(sample, strlen(sample), &config, &errors) == 0, "%zu:%zu: %s",
		      errors.list[0].line, errors.list[0].column, errors.list[0].text);
	return config;
}

START_TEST(the_file_in_the_repository_is_the_tables)
{
	static char file[sizeof sample];
	FILE *stream = fopen(SOURCE_ROOT "/config/pumakeeper.yml", "r");
	ck_assert_ptr_nonnull(stream);
	file[fread(file, 1, sizeof file - 1, stream)] = '\0';
	fclose(stream);
	print();
	ck_assert_msg(strcmp(file, sample) == 0,
		      "config/pumakeeper.yml is old: meson compile -C build sample");
}
END_TEST

START_TEST(the_sample_is_the_defaults_and_a_command)
{
	struct config defaults;
	print();
	struct config config = parsed();
	ck_assert_int_eq(config_defaults(&defaults), 0);
	ck_assert_uint_eq(config.app.command.len, 5);
	ck_assert_int_eq(strings_copy(&defaults.app.command, &config.app.command), 0);
	ck_assert_uint_eq(config_diff(&defaults, &config, NULL, NULL), 0);
	config_finish(&defaults);
	config_finish(&config);
}
END_TEST

static void require_set(const struct option *option, void *context) {
	size_t *n = context;
	ck_assert_msg(option->fallback == NULL, "%s is not its default", option->path);
	++*n;
}

START_TEST(every_line_can_be_uncommented)
{
	struct config defaults;
	size_t examples = 0, changed = 0;
	print();
	for (char *at = strchr(sample, '#'); at != NULL; at = strchr(at + 1, '#')) {
		if (at[1] != ' ') /* a comment has a blank there, an option has not */
			memmove(at, at + 1, strlen(at));
	}
	struct config config = parsed();
	ck_assert_int_eq(config_defaults(&defaults), 0);
	for (size_t i = 0; i < options_len; i++)
		examples += options[i].fallback == NULL ? 1 : 0;
	config_diff(&defaults, &config, require_set, &changed);
	ck_assert_uint_eq(changed, examples);
	config_finish(&defaults);
	config_finish(&config);
}
END_TEST

START_TEST(no_line_is_too_long_to_be_read)
{
	print();
	for (const char *line = sample; *line != '\0'; line += strcspn(line, "\n") + 1)
		ck_assert_msg(strcspn(line, "\n") <= 80, "%.90s", line);
}
END_TEST

SUITE("config_sample", the_file_in_the_repository_is_the_tables,
      the_sample_is_the_defaults_and_a_command, every_line_can_be_uncommented,
      no_line_is_too_long_to_be_read)
