#include "core/app_name.h"

#include <string.h>

#include "suite.h"

static struct error err;

START_TEST(the_directory_names_the_app)
{
	static const struct {
		const char *directory, *name;
	} rows[] = {
		{ "/srv/shop", "shop" },
		{ "/srv/shop/", "shop" },
		{ "/srv/shop//current/", "shop" },
		{ "/srv/shop/current/.", "shop" },
		{ "/srv/shop/releases/20240102030405", "shop" },
		{ "/srv/shop/releases/42/web", "shop" },
		{ "/srv/shop/releases/current", "shop" },
		{ "/srv/releases/shop/releases/42", "shop" },
		{ "/srv/shop/current/releases/42", "shop" },
		{ "/srv/releases", "releases" },
		{ "shop", "shop" },
		{ "/srv/Shop-2.0_b", "Shop-2.0_b" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char name[APP_NAME_MAX + 1];
		struct config config = { 0 };
		ck_assert_msg(app_name(&config, rows[i].directory, name, sizeof name, &err) == 0,
			      "%s", err.text);
		ck_assert_str_eq(name, rows[i].name);
	}
}
END_TEST

START_TEST(app_name_wins)
{
	char name[APP_NAME_MAX + 1];
	struct config config = { 0 };
	char till[] = "till", outside[] = "../x";
	config.app.name = till;
	ck_assert_int_eq(app_name(&config, "/srv/shop", name, sizeof name, &err), 0);
	ck_assert_str_eq(name, "till");
	ck_assert_int_eq(app_name(&config, NULL, name, sizeof name, &err), 0);
	config.app.name = outside;
	ck_assert_int_eq(app_name(&config, "/srv/shop", name, sizeof name, &err), -1);
}
END_TEST

START_TEST(a_directory_without_a_name_is_answered_with_app_name)
{
	static const char *const rows[] = {
		"/",
		"",
		"/current",
		"/srv/my shop",
		"/srv/.hidden",
		"/srv/caf\xc3\xa9",
		"/srv/..",
		"/srv/a-name-that-would-not-fit-into-the-path-of-a-unix-socket",
		NULL,
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char name[APP_NAME_MAX + 1] = "before";
		struct config config = { 0 };
		ck_assert_int_eq(app_name(&config, rows[i], name, sizeof name, &err), -1);
		ck_assert_msg(strstr(err.text, "write app.name") != NULL, "%s", err.text);
		ck_assert_str_eq(name, "before");
	}
}
END_TEST

START_TEST(names_can_be_a_file_and_a_word_in_a_log)
{
	static const char *const bad[] = { "", ".", "..", ".x", "a/b", "a b", "a\n", "\xc3\xa9" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_int_eq(app_name_check(bad[i], &err), -1);
	char longest[APP_NAME_MAX + 2];
	memset(longest, 'n', APP_NAME_MAX + 1);
	longest[APP_NAME_MAX + 1] = '\0';
	ck_assert_int_eq(app_name_check(longest, &err), -1);
	longest[APP_NAME_MAX] = '\0';
	ck_assert_int_eq(app_name_check(longest, &err), 0);
}
END_TEST

SUITE("app_name", the_directory_names_the_app, app_name_wins,
      a_directory_without_a_name_is_answered_with_app_name, names_can_be_a_file_and_a_word_in_a_log)
