#include "util/edit_distance.h"

#include <string.h>

#include "suite.h"

START_TEST(typing_errors_are_counted)
{
	static const struct {
		const char *a, *b;
		unsigned distance;
	} rows[] = {
		{ "soft", "soft", 0 },      { "soft", "SOFT", 0 },         { "sotf", "soft", 1 },
		{ "sof", "soft", 1 },       { "softt", "soft", 1 },        { "sift", "soft", 1 },
		{ "", "soft", 4 },          { "interval", "intreval", 1 }, { "hard", "soft", 4 },
		{ "kitten", "sitting", 3 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ck_assert_uint_eq(edit_distance(rows[i].a, rows[i].b), rows[i].distance);
		ck_assert_uint_eq(edit_distance(rows[i].b, rows[i].a), rows[i].distance);
	}
}
END_TEST

START_TEST(what_is_too_long_is_far)
{
	char big[5000];
	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	ck_assert_uint_eq(edit_distance(big, "soft"), EDIT_DISTANCE_FAR);
	ck_assert_uint_eq(edit_distance("soft", big), EDIT_DISTANCE_FAR);
}
END_TEST

START_TEST(near_depends_on_the_length_of_the_word)
{
	ck_assert(edit_near(1, strlen("pss")));
	ck_assert(!edit_near(2, strlen("soft")));
	ck_assert(edit_near(2, strlen("workers")));
	ck_assert(!edit_near(EDIT_DISTANCE_FAR, 30));
}
END_TEST

SUITE("edit_distance", typing_errors_are_counted, what_is_too_long_is_far,
      near_depends_on_the_length_of_the_word)
