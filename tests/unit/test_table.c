#include "core/table.h"

#include <string.h>

#include "suite.h"

static const char *const cells[2][4] = {
	{ "1", "ready", "12M", "a sentence about the first" },
	{ "22", "booting", "–", "" },
};

static void cell_at(const void *context, unsigned row, unsigned column, struct cell *cell) {
	struct text text = TEXT_IN(cell->text);
	const char *const(*rows)[4] = context;
	text_puts(&text, rows[row][column]);
}

static const struct column columns[] = {
	{ "NO", .right = true },
	{ "STATE", .expendable = 1 },
	{ "SIZE", .right = true, .expendable = 2 },
	{ "LAST", .stretches = true, .expendable = 3 },
};

static const char *print(unsigned width, const char *const rows[][4], unsigned n) {
	static char buffer[4096];
	struct text out = TEXT_IN(buffer);
	const struct style style = { width, false, true };
	table_print(&(struct table){ columns, 4, n, cell_at, rows }, &style, &out);
	return buffer;
}

START_TEST(columns_are_as_wide_as_their_widest_cell)
{
	ck_assert_str_eq(print(0, cells, 2), "NO STATE   SIZE LAST\n"
					     " 1 ready    12M a sentence about the first\n"
					     "22 booting    –\n");
	ck_assert_str_eq(print(60, cells, 2), print(0, cells, 2));
}
END_TEST

START_TEST(a_sentence_without_room_goes_below)
{
	ck_assert_str_eq(print(40, cells, 2), "NO STATE   SIZE\n"
					      " 1 ready    12M\n"
					      "     a sentence about the first\n"
					      "22 booting    –\n");
}
END_TEST

START_TEST(a_sentence_is_cut_only_where_enough_of_it_remains)
{
	static const char *const wordy[1][4] = {
		{ "1", "ready", "12M", "a sentence of more than forty letters is cut at the end" }
	};
	ck_assert_str_eq(print(60, wordy, 1),
			 "NO STATE SIZE LAST\n"
			 " 1 ready  12M a sentence of more than forty letters is cut …\n");
	ck_assert_str_eq(print(50, wordy, 1),
			 "NO STATE SIZE\n"
			 " 1 ready  12M\n"
			 "     a sentence of more than forty letters is cut…\n");
}
END_TEST

START_TEST(the_least_important_column_goes_first)
{
	ck_assert_str_eq(print(12, cells, 2), "NO STATE\n 1 ready\n22 booting\n");
	ck_assert_str_eq(print(5, cells, 2), "NO\n 1\n22\n");
	ck_assert_str_eq(print(1, cells, 2), "NO\n 1\n22\n"); /* something has to remain */
}
END_TEST

START_TEST(a_column_of_blanks_is_not_shown)
{
	static const char *const blanks[1][4] = { { "1", "", "5M", "" } };
	ck_assert_str_eq(print(80, blanks, 1), "NO SIZE\n 1   5M\n");
}
END_TEST

START_TEST(no_rows_are_no_table)
{ ck_assert_str_eq(print(80, cells, 0), ""); }
END_TEST

SUITE("table", columns_are_as_wide_as_their_widest_cell, a_sentence_without_room_goes_below,
      a_sentence_is_cut_only_where_enough_of_it_remains, the_least_important_column_goes_first,
      a_column_of_blanks_is_not_shown, no_rows_are_no_table)
