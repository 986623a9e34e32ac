/*
 * Rows and columns on a terminal of any width: what doesn't fit is left out, the least
 * important column first. Pure: cells are asked for, twice, and nothing is kept.
 */
#pragma once

#include <stdbool.h>

#include "core/paint.h"

#define TABLE_COLUMNS 16

struct cell {
	char text[256]; /* safe */
	enum ink ink;
};

struct column {
	const char *title;
	bool right;          /* aligned */
	unsigned expendable; /* the higher, the sooner it is left out; 0: never */
	bool stretches;      /* takes what is left (at least 40); in no room, a line of its own */
};

struct table {
	const struct column *columns; /* at most TABLE_COLUMNS; one that stretches is the last */
	unsigned n_columns, n_rows;
	/* An empty text leaves the cell blank; a column of blanks is not shown. */
	void (*cell)(const void *context, unsigned row, unsigned column, struct cell *cell);
	const void *context;
};

void table_print(const struct table *table, const struct style *style, struct text *out);
