#include "core/launch_digest.h"

#include <string.h>

#include "suite.h"

static void digest_of(const char *text, const char *preload, char digest[LAUNCH_DIGEST_SIZE]) {
	struct config config;
	struct errors errors = { 0 };
	ck_assert_msg(config_parse(text, strlen(text), &config, &errors) == 0, "%s: %s", text,
		      errors.list[0].text);
	launch_digest(&config, preload, digest);
	config_finish(&config);
}

static bool differ(const char *one, const char *other) {
	char a[LAUNCH_DIGEST_SIZE], b[LAUNCH_DIGEST_SIZE];
	digest_of(one, "/lib/a.so", a);
	digest_of(other, "/lib/a.so", b);
	return strcmp(a, b) != 0;
}

START_TEST(what_a_process_has_for_life_is_in_it)
{
	static const char *const others[] = {
		"app: {command: [puma, -t, \"5\"], environment: {A: 1}}",
		"app: {command: [puma], environment: {A: 2}}",
		"app: {command: [puma], environment: {A: 1}, listen: [\"tcp://0.0.0.0:9293\"]}",
		"app: {command: [puma], environment: {A: 1}, preload: true}",
		"app: {command: [puma], environment: {A: 1}, directory: /srv}",
		"app: {command: [puma], environment: {A: 1}}\nallocator: {preload: none}",
		"app: {command: [puma], environment: {A: 1}}\nallocator: {malloc_conf: x}",
	};
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		ck_assert_msg(differ("app: {command: [puma], environment: {A: 1}}", others[i]),
			      "%s", others[i]);
	char a[LAUNCH_DIGEST_SIZE], b[LAUNCH_DIGEST_SIZE];
	digest_of("app: {command: [puma]}", "/lib/a.so", a);
	digest_of("app: {command: [puma]}", "/lib/b.so", b);
	ck_assert_str_ne(a, b);
	ck_assert_uint_eq(strlen(a), LAUNCH_DIGEST_SIZE - 1);
}
END_TEST

START_TEST(what_the_daemon_does_with_it_is_not)
{
	ck_assert(!differ("app: {command: [puma]}", "app: {command: [puma], workers: 3}"));
	ck_assert(!differ("app: {command: [puma]}",
			  "app: {command: [puma], boot_timeout: 3s, probe: {path: /x}}"));
	ck_assert(!differ("app: {command: [puma]}",
			  "app: {command: [puma]}\nmemory: {soft: 1GB}\nlog: {format: json}"));
}
END_TEST

SUITE("launch_digest", what_a_process_has_for_life_is_in_it, what_the_daemon_does_with_it_is_not)
