#include "core/explain_table.h"

#include <inttypes.h>
#include <string.h>

#include "core/event_line.h"
#include "core/json_read.h"
#include "core/status_lines.h"

/* `uss` is said in the member uss_bytes. */
static bool figure_of(const json_t *sample, const char *figure, int64_t *value) {
	char key[32];
	struct text name = TEXT_IN(key);
	text_printf(&name, "%s_bytes", figure);
	return json_read_number(sample, key, value);
}

static void print_head(const json_t *answer, const char *figure, const struct style *style,
		       struct text *out) {
	struct flow flow = { .out = out, .style = style };
	char limit[24];
	struct text bytes = TEXT_IN(limit);
	const char *state = json_read_string(answer, "state");
	int64_t n;
	flow_part(&flow, INK_BOLD, "slot %" PRId64, json_read_number_or(answer, "slot", -1));
	if (json_read_number(answer, "pid", &n))
		flow_part(&flow, INK_PLAIN, "pid %" PRId64, n);
	if (json_read_number(answer, "generation", &n))
		flow_part(&flow, INK_PLAIN, "gen %" PRId64, n);
	if (state != NULL)
		flow_part(&flow, status_ink(state), "%s", state);
	if (json_read_number(answer, "limit_bytes", &n)) {
		paint_bytes(&bytes, n, false);
		flow_part(&flow, INK_PLAIN, "%s limit %s", figure, limit);
	} else {
		flow_part(&flow, INK_PLAIN, "%s, no limit", figure);
	}
	flow_end(&flow);
}

/*
 * A cheap reading knows RSS only (what it says of PSS and USS is the last dear one's): in
 * brackets, as it is another figure than the limit's.
 */
static void put_sample(const json_t *sample, const char *figure, int64_t limit,
		       const struct style *style, struct text *out) {
	int64_t n;
	bool cheap = json_is_false(json_object_get(sample, "dear")) && strcmp(figure, "rss") != 0;
	if (!cheap && figure_of(sample, figure, &n)) {
		text_puts(out, limit > 0 && n > limit ? "*" : "");
		paint_bytes(out, n, false);
	} else if (json_read_number(sample, "rss_bytes", &n)) {
		text_puts(out, "(rss ");
		paint_bytes(out, n, false);
		text_puts(out, ")");
	} else {
		text_puts(out, paint_unknown(style));
	}
}

static void print_samples(const json_t *answer, const char *figure, const struct style *style,
			  struct text *out) {
	const json_t *samples = json_object_get(answer, "samples");
	int64_t limit = json_read_number_or(answer, "limit_bytes", 0), age;
	char line[1600];
	struct text ring = TEXT_IN(line);
	text_puts(&ring, "[");
	for (size_t i = 0; i < json_array_size(samples); i++) {
		text_puts(&ring, i > 0 ? ", " : "");
		put_sample(json_array_get(samples, i), figure, limit, style, &ring);
	}
	text_puts(&ring, "]");
	if (json_read_number(json_array_get(samples, 0), "age_ms", &age)) {
		text_puts(&ring, " in the last ");
		paint_age(&ring, age / 1000);
	}
	if (limit > 0)
		text_puts(&ring, "; * over the limit");
	text_puts(out, "samples  ");
	paint_wrapped(out, style, 9, line);
}

static void print_rule(const json_t *rule, const struct style *style, struct text *out) {
	char buffer[64], cause[16];
	struct text safe = TEXT_IN(buffer), cut = TEXT_IN(cause);
	bool fires = json_read_true(rule, "fires");
	const char *name = json_read_string(rule, "cause");
	const char *reason = json_read_string(rule, "reason");
	paint_safe(&safe, style, name != NULL ? name : "?");
	paint_cut(&cut, style, buffer, 8);
	text_printf(out, "  %s%*s ", cause, (int)(8 - paint_width(cause)), "");
	paint(out, style, fires ? INK_RED : INK_DIM, fires ? "fires" : "no   ");
	text_puts(out, "  ");
	paint_wrapped(out, style, 18, reason != NULL ? reason : paint_unknown(style));
}

static void print_rules(const json_t *answer, const struct style *style, struct text *out) {
	const char *verdict = json_read_string(answer, "verdict");
	const json_t *rules = json_object_get(answer, "rules");
	text_puts(out, "verdict  ");
	paint_wrapped(out, style, 9, verdict != NULL ? verdict : paint_unknown(style));
	for (size_t i = 0; i < json_array_size(rules); i++)
		print_rule(json_array_get(rules, i), style, out);
}

/* Sentences, or events. */
static void print_history(const json_t *history, const struct style *style, struct text *out) {
	if (json_array_size(history) > 0)
		text_puts(out, "history\n");
	for (size_t i = 0; i < json_array_size(history); i++) {
		json_t *entry = json_array_get(history, i);
		text_puts(out, "  ");
		if (json_is_string(entry))
			paint_wrapped(out, style, 4, json_string_value(entry));
		else
			event_line_print(entry, style, out);
	}
}

void explain_table_print(const json_t *answer, const struct style *style, struct text *out) {
	const char *figure = json_read_string(answer, "figure");
	figure = figure != NULL ? figure : "uss";
	print_head(answer, figure, style, out);
	print_samples(answer, figure, style, out);
	print_rules(answer, style, out);
	print_history(json_object_get(answer, "history"), style, out);
}
