#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "core/event.h"
#include "util/utf8.h"

/* RFC 3339 has four digits for a year. */
#define LAST_WALL_MSEC INT64_C(253402300799999)

static void print_time(int64_t wall_msec, struct text *out) {
	if (wall_msec < 0)
		wall_msec = 0;
	if (wall_msec > LAST_WALL_MSEC)
		wall_msec = LAST_WALL_MSEC;
	time_t seconds = wall_msec / 1000;
	struct tm tm;
	char date[40] = "";
	if (gmtime_r(&seconds, &tm) != NULL)
		strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
	text_printf(out, "\"%s.%03dZ\"", date, (int)(wall_msec % 1000));
}

static void print_character(uint32_t c, const char *bytes, size_t length, struct text *out) {
	if (c == '"' || c == '\\')
		text_printf(out, "\\%c", (char)c);
	else if (c == '\n')
		text_puts(out, "\\n");
	else if (c < ' ' || c == 0x7f)
		text_printf(out, "\\u%04x", (unsigned)c);
	else
		text_put(out, bytes, length);
}

/* A worker's title or an app's Location header: any bytes. JSON has characters only. */
static void print_string(const char *s, struct text *out) {
	text_puts(out, "\"");
	for (size_t n = strlen(s); n > 0;) {
		uint32_t c = 0;
		size_t length = utf8_next(s, n, &c);
		if (length > 0)
			print_character(c, s, length, out);
		else
			text_puts(out, UTF8_REPLACEMENT);
		length = length > 0 ? length : 1;
		s += length;
		n -= length;
	}
	text_puts(out, "\"");
}

static const char *unit(enum field_type type) {
	switch (type) {
	case FIELD_BYTES: return "_bytes";
	case FIELD_TIME: return "_ms";
	case FIELD_NUMBER:
	case FIELD_TEXT: return "";
	}
	return "";
}

static void print_field(const struct event *e, const struct event_field *f, struct text *out) {
	text_printf(out, ",\"%s%s\":", f->key, unit(f->type));
	if (f->type == FIELD_TEXT)
		print_string(e->text + f->at, out);
	else
		text_printf(out, "%" PRId64, f->number);
}

void event_print_json(const struct event *e, struct text *out) {
	const struct event_row *row = &event_rows[e->id];
	size_t begin = out->len;
	text_printf(out, "{\"seq\":%" PRIu64 ",\"time\":", e->seq);
	print_time(e->wall_msec, out);
	text_printf(out, ",\"event\":\"%s\",\"level\":\"%s\"", row->name, level_name(row->level));
	for (unsigned i = 0; i < e->len; i++)
		print_field(e, &e->fields[i], out);
	text_puts(out, "}");
	if (out->cut) { /* half an object would be worse than none */
		out->len = begin;
		out->data[begin] = '\0';
	}
}
