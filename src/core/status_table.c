#include "core/status_table.h"

#include <inttypes.h>
#include <string.h>

#include "core/json_read.h"
#include "core/status_lines.h"
#include "core/table.h"

#define BAR_COLUMNS 6

enum {
	SLOT,
	PID,
	STATE,
	AGE,
	RSS,
	PSS,
	USS,
	LIMIT,
	BAR,
	CONNECTIONS,
	STRIKES,
	RESTARTS,
	GENERATION,
	RELEASE,
	ALLOCATOR,
	REASON,
	COLUMNS
};

static const struct column all_columns[COLUMNS] = {
	[SLOT] = { "SLOT", .right = true },
	[PID] = { "PID", .right = true, .expendable = 2 },
	[STATE] = { "STATE" },
	[AGE] = { "AGE", .right = true, .expendable = 5 },
	[RSS] = { "RSS", .right = true, .expendable = 9 },
	[PSS] = { "PSS", .right = true, .expendable = 10 },
	[USS] = { "USS", .right = true, .expendable = 8 },
	[LIMIT] = { "LIMIT", .right = true, .expendable = 4 },
	[BAR] = { "", .expendable = 1 },
	[CONNECTIONS] = { "BUSY/OPEN", .right = true, .expendable = 3 },
	[STRIKES] = { "STRIKES", .right = true, .expendable = 6 },
	[RESTARTS] = { "RESTARTS", .right = true, .expendable = 7 },
	[GENERATION] = { "GEN", .right = true, .expendable = 11 },
	[RELEASE] = { "RELEASE", .expendable = 12 },
	[ALLOCATOR] = { "ALLOCATOR", .expendable = 13 },
	[REASON] = { "LAST", .stretches = true, .expendable = 14 },
};

/* What the cells of one table have in common. */
struct view {
	const json_t *workers;
	const struct style *style;
	const char *figure; /* what is compared with the limit: "uss" */
	bool same_allocator, same_release, same_generation, no_strikes, no_restarts;
};

static void put_number(const json_t *o, const char *key, const struct view *v, struct text *out) {
	int64_t n;
	if (json_read_number(o, key, &n))
		text_printf(out, "%" PRId64, n);
	else
		text_puts(out, paint_unknown(v->style));
}

static void put_bytes(const json_t *o, const char *key, const struct view *v, struct text *out) {
	int64_t n;
	if (json_read_number(o, key, &n))
		paint_bytes(out, n, true);
	else
		text_puts(out, paint_unknown(v->style));
}

static void put_age(const json_t *o, const struct view *v, struct text *out) {
	int64_t n;
	if (json_read_number(o, "age_s", &n))
		paint_age(out, n);
	else
		text_puts(out, paint_unknown(v->style));
}

static void put_string(const json_t *o, const char *key, const struct view *v, struct text *out) {
	const char *s = json_read_string(o, key);
	if (s != NULL)
		paint_safe(out, v->style, s);
	else
		text_puts(out, paint_unknown(v->style));
}

/* How much of its limit a worker has used, in thousandths; -1: not known. */
static int64_t used_of_limit(const json_t *worker, const char *figure) {
	char key[32];
	int64_t used, limit;
	const char *own = json_read_string(worker, "figure");
	struct text name = TEXT_IN(key);
	text_printf(&name, "%s_bytes", own != NULL ? own : figure);
	if (!json_read_number(worker, key, &used) ||
	    !json_read_number(worker, "limit_bytes", &limit) || limit <= 0 || used < 0)
		return -1;
	double share = 1000.0 * (double)used / (double)limit;
	return share < 9994 ? (int64_t)share : 9994;
}

static enum ink ink_of_share(int64_t thousandths) {
	if (thousandths < 0)
		return INK_PLAIN;
	if (thousandths >= 1000)
		return INK_RED;
	return thousandths >= 800 ? INK_YELLOW : INK_GREEN;
}

/* Eighths of a column, or whole `#`. */
static void put_bar(struct text *out, const struct style *style, int64_t thousandths) {
	static const char *const eighths[] = { " ", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
	int64_t filled = (thousandths > 1000 ? 1000 : thousandths) * BAR_COLUMNS * 8 / 1000;
	for (int i = 0; i < BAR_COLUMNS; i++, filled -= 8) {
		if (filled >= 8)
			text_puts(out, style->unicode ? "█" : "#");
		else if (filled > 0 && style->unicode)
			text_puts(out, eighths[filled]);
		else
			text_puts(out, style->unicode ? " " : ".");
	}
}

static void bar_cell(const json_t *worker, const struct view *v, struct cell *cell) {
	struct text out = TEXT_IN(cell->text);
	int64_t share = used_of_limit(worker, v->figure);
	cell->ink = ink_of_share(share);
	if (share < 0) {
		text_puts(&out, paint_unknown(v->style));
		return;
	}
	put_bar(&out, v->style, share);
	text_printf(&out, "%4" PRId64 "%%", share / 10);
}

static void put_connections(const json_t *worker, const struct view *v, struct text *out) {
	const json_t *connections = json_object_get(worker, "connections");
	put_number(connections, "busy", v, out);
	text_puts(out, "/");
	put_number(connections, "open", v, out);
}

static void cell_at(const void *context, unsigned row, unsigned column, struct cell *cell) {
	const struct view *v = context;
	const json_t *w = json_array_get(v->workers, row);
	struct text out = TEXT_IN(cell->text);
	switch (column) {
	case SLOT: put_number(w, "slot", v, &out); break;
	case PID: put_number(w, "pid", v, &out); break;
	case STATE:
		cell->ink = status_ink(json_read_string(w, "state"));
		put_string(w, "state", v, &out);
		break;
	case AGE: put_age(w, v, &out); break;
	case RSS: put_bytes(w, "rss_bytes", v, &out); break;
	case PSS: put_bytes(w, "pss_bytes", v, &out); break;
	case USS: put_bytes(w, "uss_bytes", v, &out); break;
	case LIMIT: put_bytes(w, "limit_bytes", v, &out); break;
	case BAR: bar_cell(w, v, cell); break;
	case CONNECTIONS: put_connections(w, v, &out); break;
	case STRIKES:
		if (!v->no_strikes)
			put_number(w, "strikes", v, &out);
		break;
	case RESTARTS:
		if (!v->no_restarts)
			put_number(w, "restarts", v, &out);
		break;
	case GENERATION:
		if (!v->same_generation)
			put_number(w, "generation", v, &out);
		break;
	case RELEASE:
		if (!v->same_release) {
			const char *release = status_release_name(json_read_string(w, "release"));
			paint_safe(&out, v->style, release != NULL ? release : "");
		}
		break;
	case ALLOCATOR:
		if (!v->same_allocator)
			status_put_allocator(json_object_get(w, "allocator"), v->style, &out);
		break;
	case REASON: {
		const char *reason = json_read_string(w, "last_reason");
		paint_safe(&out, v->style, reason != NULL ? reason : "");
		break;
	}
	default: break;
	}
}

static bool all_zero(const json_t *workers, const char *key) {
	for (size_t i = 0; i < json_array_size(workers); i++) {
		if (json_read_number_or(json_array_get(workers, i), key, -1) != 0)
			return false;
	}
	return true;
}

static struct view view_of(const json_t *status, const struct style *style) {
	const json_t *workers = json_object_get(status, "workers");
	const char *figure = json_read_string(json_array_get(workers, 0), "figure");
	return (struct view){
		.workers = workers,
		.style = style,
		.figure = figure != NULL ? figure : "uss",
		.same_allocator = json_read_same(workers, "allocator"),
		.same_release = json_read_same(workers, "release"),
		.same_generation = json_read_same(workers, "generation"),
		.no_strikes = all_zero(workers, "strikes"),
		.no_restarts = all_zero(workers, "restarts"),
	};
}

static void print_workers(const json_t *status, const struct style *style, struct text *out) {
	struct view view = view_of(status, style);
	struct column columns[COLUMNS];
	char title[32];
	struct text bar = TEXT_IN(title);
	memcpy(columns, all_columns, sizeof columns);
	for (const char *c = view.figure; *c != '\0'; c++) /* our own word, or it is shown safe */
		text_printf(&bar, "%c", *c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : '?');
	text_puts(&bar, "/LIMIT");
	columns[BAR].title = title;
	const struct table table = {
		.columns = columns,
		.n_columns = COLUMNS,
		.n_rows = (unsigned)json_array_size(view.workers),
		.cell = cell_at,
		.context = &view,
	};
	if (table.n_rows > 0)
		text_puts(out, "\n");
	table_print(&table, style, out);
}

void status_table_print(const json_t *status, const struct style *style, struct text *out) {
	status_print_head(status, style, out);
	print_workers(status, style, out);
	status_print_foot(status, style, out);
}
