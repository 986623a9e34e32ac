#include "core/cadence.h"

#include "suite.h"

START_TEST(the_next_tick_comes_before_the_limit_is_crossed)
{
	static const struct {
		msec_t interval, to_limit, next;
	} rows[] = {
		{ 5000, MSEC_NEVER, 5000 }, { 5000, 60000, 5000 }, { 5000, 5000, 5000 },
		{ 5000, 3000, 3000 },       { 5000, 300, 300 },    { 5000, 10, 250 },
		{ 5000, 1, 250 },           { 5000, 0, 5000 }, /* over already: a held worker must not make it spin */
		{ 5000, -5, 5000 },         { 60000, 10, 3000 },   { 1000, 10, 100 },
		{ 100, 10, 100 },           { 50, 10, 50 }, /* never longer than what was asked for */
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		msec_t next = cadence_next(rows[i].interval, rows[i].to_limit);
		ck_assert_msg(next == rows[i].next, "row %zu: %ld", i, (long)next);
	}
}
END_TEST

SUITE("cadence", the_next_tick_comes_before_the_limit_is_crossed)
