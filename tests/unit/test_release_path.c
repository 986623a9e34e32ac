#include "core/release_path.h"

#include <stdlib.h>

#include "suite.h"

#define CURRENT "/srv/shop/current"
#define RELEASE "/srv/shop/releases/7"

static void pins(const char *current, const char *text, const char *want) {
	char *pinned = release_path_pin(text, current, RELEASE);
	ck_assert_str_eq(pinned, want);
	free(pinned);
}

START_TEST(a_path_through_current_leads_to_the_release)
{
	pins(CURRENT, CURRENT, RELEASE);
	pins(CURRENT, CURRENT "/", RELEASE "/");
	pins(CURRENT, CURRENT "/config/puma.rb", RELEASE "/config/puma.rb");
	pins(CURRENT "//", CURRENT "/Gemfile", RELEASE "/Gemfile");
	pins(CURRENT, "BUNDLE_GEMFILE=" CURRENT "/Gemfile", "BUNDLE_GEMFILE=" RELEASE "/Gemfile");
	pins(CURRENT, "--config=" CURRENT "/p.rb", "--config=" RELEASE "/p.rb");
	pins("/a", "/a:/a:/a/b", RELEASE ":" RELEASE ":" RELEASE "/b");
	pins(CURRENT, "cd " CURRENT "; exec '" CURRENT "/bin/puma'",
	     "cd " RELEASE "; exec '" RELEASE "/bin/puma'");
}
END_TEST

START_TEST(what_only_looks_like_it_is_left_alone)
{
	static const char *const others[] = {
		"",
		"puma",
		CURRENT "ly/x",
		CURRENT "-old",
		"/mnt" CURRENT "/x",
		"/srv/shop",
		"/srv/shop/curren",
		RELEASE "/config/puma.rb",
	};
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		pins(CURRENT, others[i], others[i]);
	pins("/", "/bin/sh -c x", "/bin/sh -c x");
}
END_TEST

START_TEST(every_word_of_a_command_is_led_there)
{
	struct strings words = { 0 };
	ck_assert_int_eq(strings_add(&words, CURRENT "/bin/puma"), 0);
	ck_assert_int_eq(strings_add(&words, "-C"), 0);
	ck_assert_int_eq(strings_add(&words, CURRENT "/config/puma.rb"), 0);
	ck_assert_int_eq(release_path_pin_all(&words, CURRENT, RELEASE), 0);
	ck_assert_str_eq(words.items[0], RELEASE "/bin/puma");
	ck_assert_str_eq(words.items[1], "-C");
	ck_assert_str_eq(words.items[2], RELEASE "/config/puma.rb");
	strings_finish(&words);
}
END_TEST

SUITE("release_path", a_path_through_current_leads_to_the_release,
      what_only_looks_like_it_is_left_alone, every_word_of_a_command_is_led_there)
