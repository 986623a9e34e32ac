#include "core/table.h"

#include <string.h>

#define STRETCH_MIN 40 /* columns; in less a sentence is cut too soon */
#define BELOW_MIN   20
#define LINE_MAX    1024

/* Columns of each, 0: not shown. */
struct layout {
	unsigned widths[TABLE_COLUMNS];
};

static struct cell cell_at(const struct table *t, unsigned row, unsigned column) {
	struct cell cell = { .ink = INK_PLAIN };
	t->cell(t->context, row, column, &cell);
	return cell;
}

/* As wide as its widest cell; the title counts only when there is something below it. */
static unsigned natural_width(const struct table *t, unsigned column) {
	unsigned width = 0;
	for (unsigned row = 0; row < t->n_rows; row++) {
		struct cell cell = cell_at(t, row, column);
		unsigned w = paint_width(cell.text);
		width = w > width ? w : width;
	}
	unsigned title = paint_width(t->columns[column].title);
	return width > 0 && width < title ? title : width;
}

static unsigned total_width(const struct layout *l, unsigned n) {
	unsigned total = 0;
	for (unsigned i = 0; i < n; i++)
		total += l->widths[i] > 0 ? l->widths[i] + (total > 0) : 0;
	return total;
}

static void leave_out_one(const struct table *t, struct layout *l) {
	unsigned worst = 0;
	for (unsigned i = 1; i < t->n_columns; i++) {
		bool worse = t->columns[i].expendable > t->columns[worst].expendable;
		if (l->widths[i] > 0 && (worse || l->widths[worst] == 0))
			worst = i;
	}
	l->widths[worst] = 0;
}

static bool can_leave_out(const struct table *t, const struct layout *l) {
	for (unsigned i = 0; i < t->n_columns; i++) {
		if (l->widths[i] > 0 && t->columns[i].expendable > 0)
			return true;
	}
	return false;
}

static struct layout lay_out(const struct table *t, const struct style *style) {
	struct layout l = { 0 };
	unsigned last = t->n_columns - 1, n = t->n_columns;
	for (unsigned i = 0; i < n; i++)
		l.widths[i] = natural_width(t, i);
	if (style->width == 0)
		return l;

	unsigned wish = 0;
	if (t->columns[last].stretches) {
		wish = l.widths[last];
		l.widths[last] = 0;
	}
	while (total_width(&l, n) > style->width && can_leave_out(t, &l))
		leave_out_one(t, &l);
	unsigned used = total_width(&l, n) + 1;
	unsigned left = used < style->width ? style->width - used : 0;
	if (wish > 0 && (wish <= left || left >= STRETCH_MIN))
		l.widths[last] = wish < left ? wish : left;
	return l;
}

static void put_blanks(struct text *out, unsigned n) {
	text_printf(out, "%*s", (int)n, "");
}

/* The last column gets no blanks behind it: they would wrap on a narrow terminal. */
static void put_cell(struct text *out, const struct style *style, const struct cell *cell,
		     unsigned width, bool right, bool last) {
	char fits[sizeof cell->text + 4];
	struct text cut = TEXT_IN(fits);
	paint_cut(&cut, style, cell->text, width);
	unsigned blanks = width - paint_width(fits);
	if (right)
		put_blanks(out, blanks);
	paint(out, style, cell->ink, fits);
	if (!right && !last)
		put_blanks(out, blanks);
}

static unsigned last_shown(const struct layout *l, unsigned n) {
	while (n > 1 && l->widths[n - 1] == 0)
		n--;
	return n - 1;
}

static void put_titles(const struct table *t, const struct layout *l, const struct style *style,
		       struct text *out) {
	char line[LINE_MAX];
	struct text titles = TEXT_IN(line);
	const struct style plain = { style->width, false, style->unicode };
	unsigned last = last_shown(l, t->n_columns);
	for (unsigned i = 0; i < t->n_columns; i++) {
		struct cell title = { .ink = INK_PLAIN };
		struct text name = TEXT_IN(title.text);
		if (l->widths[i] == 0)
			continue;
		text_puts(&name, t->columns[i].title);
		text_puts(&titles, titles.len > 0 ? " " : "");
		put_cell(&titles, &plain, &title, l->widths[i], t->columns[i].right, i == last);
	}
	paint(out, style, INK_DIM, line);
	text_puts(out, "\n");
}

/* The sentence that found no room in its column. */
static void put_below(const struct table *t, unsigned row, const struct style *style,
		      struct text *out) {
	const unsigned indent = 5;
	struct cell cell = cell_at(t, row, t->n_columns - 1);
	if (cell.text[0] == '\0' || style->width <= indent + BELOW_MIN)
		return;
	char fits[sizeof cell.text + 4];
	struct text cut = TEXT_IN(fits);
	paint_cut(&cut, style, cell.text, style->width - indent);
	put_blanks(out, indent);
	paint(out, style, INK_DIM, fits);
	text_puts(out, "\n");
}

static void put_row(const struct table *t, const struct layout *l, unsigned row,
		    const struct style *style, struct text *out) {
	unsigned last = last_shown(l, t->n_columns);
	const char *between = "";
	for (unsigned i = 0; i < t->n_columns; i++) {
		if (l->widths[i] == 0)
			continue;
		struct cell cell = cell_at(t, row, i);
		if (i == last && cell.text[0] == '\0')
			continue;
		text_puts(out, between);
		put_cell(out, style, &cell, l->widths[i], t->columns[i].right, i == last);
		between = " ";
	}
	text_puts(out, "\n");
	if (t->columns[t->n_columns - 1].stretches && l->widths[t->n_columns - 1] == 0)
		put_below(t, row, style, out);
}

void table_print(const struct table *t, const struct style *style, struct text *out) {
	assert(t->n_columns > 0 && t->n_columns <= TABLE_COLUMNS);
	if (t->n_rows == 0)
		return;
	struct layout l = lay_out(t, style);
	put_titles(t, &l, style, out);
	for (unsigned row = 0; row < t->n_rows; row++)
		put_row(t, &l, row, style, out);
}
