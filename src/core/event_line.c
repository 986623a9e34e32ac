#include "core/event_line.h"

#include <inttypes.h>
#include <string.h>

#include "core/json_read.h"

static bool ends_with(const char *key, const char *unit, size_t *stem) {
	size_t n = strlen(key), m = strlen(unit);
	if (n <= m || strcmp(key + n - m, unit) != 0)
		return false;
	*stem = n - m;
	return true;
}

static void put_time(struct text *out, int64_t ms) {
	if (ms >= 0 && ms < 1000)
		text_printf(out, "%" PRId64 "ms", ms);
	else if (ms >= 0 && ms < 60000)
		text_printf(out, "%.1fs", (double)ms / 1000);
	else
		paint_age(out, ms / 1000);
}

static void put_value(const char *key, const json_t *value, struct text *out) {
	size_t stem = strlen(key);
	int64_t n = json_integer_value(value);
	bool bytes = ends_with(key, "_bytes", &stem);
	bool time = !bytes && ends_with(key, "_ms", &stem);
	text_printf(out, " %.*s ", (int)stem, key);
	if (json_is_string(value))
		text_puts(out, json_string_value(value));
	else if (!json_is_integer(value))
		text_puts(out, json_is_true(value) ? "yes" : "?");
	else if (bytes)
		paint_bytes(out, n, false);
	else if (time)
		put_time(out, n);
	else
		text_printf(out, "%" PRId64, n);
}

static bool in_front(const char *key) {
	return strcmp(key, "seq") == 0 || strcmp(key, "time") == 0 || strcmp(key, "event") == 0 ||
	       strcmp(key, "level") == 0 || strcmp(key, "v") == 0;
}

static enum ink ink_of_level(const char *level) {
	if (level != NULL && strcmp(level, "error") == 0)
		return INK_RED;
	return level != NULL && strcmp(level, "warning") == 0 ? INK_YELLOW : INK_BOLD;
}

/* 2026-01-02T03:04:05.678Z without the letters that only programs like. */
static void put_moment(const json_t *event, const struct style *style, struct text *out) {
	char moment[32] = "";
	const char *time = json_read_string(event, "time");
	struct text safe = TEXT_IN(moment);
	paint_safe(&safe, style, time != NULL ? time : "");
	char *t = strchr(moment, 'T'), *fraction = strchr(moment, '.');
	if (t != NULL)
		*t = ' ';
	if (fraction != NULL)
		strcpy(fraction, "Z");
	paint(out, style, INK_DIM, moment);
}

void event_line_print(json_t *event, const struct style *style, struct text *out) {
	char name[64], line[1600];
	struct text safe = TEXT_IN(name), values = TEXT_IN(line);
	const char *word = json_read_string(event, "event"), *key;
	json_t *value;
	paint_safe(&safe, style, word != NULL ? word : "?");
	put_moment(event, style, out);
	text_puts(out, "  ");
	paint(out, style, ink_of_level(json_read_string(event, "level")), name);

	json_object_foreach(event, key, value) {
		if (!in_front(key))
			put_value(key, value, &values);
	}
	/* One event is one line, for grep; a terminal wraps by itself. */
	const struct style endless = { 0, style->colour, style->unicode };
	text_puts(out, "  ");
	paint_wrapped(out, &endless, 0, line);
}
