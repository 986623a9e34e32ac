/*
 * Text for a person's terminal: as wide as it is, in colour if it may be, and safe: whatever
 * an app calls itself, no byte of it can move the cursor, colour the line or turn it around.
 * Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "util/base.h"
#include "util/text.h"

struct style {
	unsigned width; /* columns; 0: as wide as it gets */
	bool colour;
	bool unicode; /* else plain ASCII */
};

enum ink { INK_PLAIN, INK_BOLD, INK_DIM, INK_GREEN, INK_YELLOW, INK_RED };

/* `safe` (our own words, or from paint_safe()) in that ink. */
void paint(struct text *out, const struct style *style, enum ink ink, const char *safe);

/* What somebody wrote, made safe: `?` for what a terminal should not see. */
void paint_safe(struct text *out, const struct style *style, const char *anything);

/* Columns that safe UTF-8 takes, by blocks of Unicode: 0, 1 or 2 for each character. */
unsigned paint_width(const char *safe);

/* At most `width` columns of it; with `…` in the last one when there is more. */
void paint_cut(struct text *out, const struct style *style, const char *safe, unsigned width);

/* Words over as many lines as it takes, the later ones indented; ends with a newline. */
void paint_wrapped(struct text *out, const struct style *style, unsigned indent,
		   const char *anything);

/* Parts side by side, two blanks between them, on a new line where the terminal ends. */
struct flow {
	struct text *out;
	const struct style *style;
	unsigned column;
};
PRINTF(3, 4) void flow_part(struct flow *flow, enum ink ink, const char *fmt, ...);
void flow_end(struct flow *flow); /* the newline, if there is anything to end */

/* 812MiB, 3.2GiB; short: 812M, 3.2G. At most 7, or 5, columns below 1000 TiB. */
void paint_bytes(struct text *out, int64_t bytes, bool is_short);

/* 45s, 12m03s, 3h12m, 4d03h, 400d. At most 6 columns below 2700 years. */
void paint_age(struct text *out, int64_t seconds);

/* `–`: not known. Never 0. */
const char *paint_unknown(const struct style *style);
