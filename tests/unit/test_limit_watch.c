#include "core/limit_watch.h"

#include "suite.h"
#include "util/base.h"

START_TEST(it_looks_at_once_and_then_now_and_then)
{
	struct limit_watch w = { 0 };
	ck_assert(limit_watch_due(&w, 5000));
	ck_assert(!limit_watch_due(&w, 5000));
	ck_assert(!limit_watch_due(&w, 5000 + LIMIT_WATCH_EVERY - 1));
	ck_assert(limit_watch_due(&w, 5000 + LIMIT_WATCH_EVERY));
}
END_TEST

/* What each look finds while 800 holds, and whether the last of them is believed. */
static const struct {
	const char *name;
	uint64_t seen[5];
	bool believed;
} rows[] = {
	{ "the same", { 800 }, false },
	{ "less holds at once", { 799 }, true },
	{ "more, once", { 801 }, false },
	{ "more, twice", { 801, 801 }, true },
	{ "more, and another more", { 801, 900 }, false },
	{ "more, another, and that again", { 801, 900, 900 }, true },
	{ "more, and back", { 900, 800, 900 }, false },
	{ "nothing known", { 0 }, false },
	{ "more, nothing, more", { 900, 0, 900 }, false },
	{ "more, then less", { 900, 700 }, true },
};

START_TEST(a_limit_that_rises_has_to_be_seen_twice)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct limit_watch w = { 0 };
		bool believed = false;
		size_t n = 1;
		for (size_t j = 1; j < ARRAY_LEN(rows[i].seen); j++)
			n = rows[i].seen[j] != 0 ? j + 1 : n;
		for (size_t j = 0; j < n; j++)
			believed = limit_watch_believe(&w, 800, rows[i].seen[j]);
		ck_assert_msg(believed == rows[i].believed, "%s", rows[i].name);
	}
}
END_TEST

SUITE("limit_watch", it_looks_at_once_and_then_now_and_then,
      a_limit_that_rises_has_to_be_seen_twice)
