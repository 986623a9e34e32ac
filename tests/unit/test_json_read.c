#include "core/json_read.h"

#include "suite.h"

static json_t *object;

static json_t *load(const char *text) {
	json_decref(object);
	object = json_loads(text, JSON_DECODE_ANY, NULL);
	ck_assert_ptr_nonnull(object);
	return object;
}

static void forget(void) {
	json_decref(object);
	object = NULL;
}

START_TEST(only_a_number_is_a_number)
{
	load("{\"a\":7,\"b\":7.9,\"c\":null,\"d\":\"7\",\"e\":true,\"f\":1e300,\"g\":{}}");
	int64_t n = 0;
	ck_assert(json_read_number(object, "a", &n) && n == 7);
	ck_assert(json_read_number(object, "b", &n) && n == 7);
	for (const char *key = "cdefgh"; *key != '\0'; key++) {
		const char name[] = { *key, '\0' };
		ck_assert_msg(!json_read_number(object, name, &n), "%s", name);
	}
	ck_assert_int_eq(json_read_number_or(object, "c", -1), -1);
	ck_assert_int_eq(n, 7);
	forget();
}
END_TEST

START_TEST(another_shape_than_hoped_for_is_not_known)
{
	int64_t n;
	load("[1]");
	ck_assert(!json_read_number(object, "a", &n));
	ck_assert_ptr_null(json_read_string(object, "a"));
	ck_assert(!json_read_true(object, "a"));
	ck_assert(!json_read_number(NULL, "a", &n));
	ck_assert(json_read_same(NULL, "a"));
	forget();
}
END_TEST

START_TEST(unknown_values_do_not_differ)
{
	ck_assert(json_read_same(load("[{\"a\":null},{\"a\":{\"x\":1}},{},{\"a\":{\"x\":1}},3]"),
				 "a"));
	ck_assert(!json_read_same(load("[{\"a\":{\"x\":1}},{\"a\":{\"x\":2}}]"), "a"));
	forget();
}
END_TEST

SUITE("json_read", only_a_number_is_a_number, another_shape_than_hoped_for_is_not_known,
      unknown_values_do_not_differ)
