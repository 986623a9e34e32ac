#include "core/history.h"

#include "suite.h"

static void push(struct history *h, msec_t at) {
	history_push(h, &(struct sample){ .at = at, .rss_bytes = (uint64_t)at * 10 });
}

START_TEST(an_empty_history_has_nothing_to_tell)
{
	struct history h = { 0 };
	ck_assert_uint_eq(history_len(&h), 0);
	ck_assert_ptr_null(history_nth(&h, 0));
}
END_TEST

START_TEST(the_newest_comes_first)
{
	struct history h = { 0 };
	push(&h, 1);
	push(&h, 2);
	ck_assert_uint_eq(history_len(&h), 2);
	ck_assert_int_eq(history_nth(&h, 0)->at, 2);
	ck_assert_int_eq(history_nth(&h, 1)->at, 1);
	ck_assert_uint_eq(history_nth(&h, 1)->rss_bytes, 10);
	ck_assert_ptr_null(history_nth(&h, 2));
}
END_TEST

START_TEST(the_oldest_makes_room)
{
	struct history h = { 0 };
	for (msec_t at = 1; at <= 3 * HISTORY_MAX + 5; at++) {
		push(&h, at);
		for (size_t n = 0; n < history_len(&h); n++)
			ck_assert_int_eq(history_nth(&h, n)->at, at - (msec_t)n);
	}
	ck_assert_uint_eq(history_len(&h), HISTORY_MAX);
	ck_assert_ptr_null(history_nth(&h, HISTORY_MAX));
	ck_assert_ptr_null(history_nth(&h, SIZE_MAX));
}
END_TEST

SUITE("history", an_empty_history_has_nothing_to_tell, the_newest_comes_first,
      the_oldest_makes_room)
