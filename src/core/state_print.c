/*
 * A state as JSON. It is printed on each change, by the loop that serves everything else: straight
 * into bytes, and what is blank not at all. See state_parts.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "core/state_parts.h"
#include "util/utf8.h"

void state_put(struct state_writer *w, const char *bytes, size_t n) {
	w->full = w->full || !buffer_add(w->out, bytes, n, STATE_BYTES_MAX);
}

static void put_text(struct state_writer *w, const char *text) {
	state_put(w, text, strlen(text));
}

/* snprintf() would take most of the time there is. */
void state_put_number(struct state_writer *w, int64_t n) {
	char digits[24], *at = digits + sizeof digits;
	uint64_t rest = n < 0 ? -(uint64_t)n : (uint64_t)n;
	do
		*--at = (char)('0' + rest % 10);
	while ((rest /= 10) > 0);
	if (n < 0)
		*--at = '-';
	state_put(w, at, (size_t)(digits + sizeof digits - at));
}

static bool is_plain(char c) {
	return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

static size_t put_character(struct state_writer *w, const char *bytes, size_t n) {
	static const char hex[] = "0123456789abcdef";
	uint32_t c = 0;
	size_t length = utf8_next(bytes, n, &c);
	char escape[] = { '\\', 'u', '0', '0', hex[c >> 4 & 7], hex[c & 15] };
	if (length == 0)
		put_text(w, UTF8_REPLACEMENT);
	else if (c == '"' || c == '\\')
		state_put(w, (char[]){ '\\', (char)c }, 2);
	else if (c < ' ' || c == 0x7f)
		state_put(w, escape, sizeof escape);
	else
		state_put(w, bytes, length);
	return length > 0 ? length : 1;
}

void state_put_string(struct state_writer *w, const char *string, size_t n) {
	put_text(w, "\"");
	for (size_t i = 0; i < n;) {
		size_t plain = 0;
		while (i + plain < n && is_plain(string[i + plain]))
			plain++;
		state_put(w, string + i, plain);
		i += plain;
		if (i < n)
			i += put_character(w, string + i, n - i);
	}
	put_text(w, "\"");
}

static bool put_list(struct state_writer *w, const struct state_row *row, const char *at) {
	size_t filled = 0; /* bytes up to the end of the last one that isn't empty */
	put_text(w, "[");
	for (const char *end = at + row->size; at < end; at += row->table->size) {
		if (row->is_free != NULL && row->is_free(at))
			continue;
		if (w->out->len > 0 && w->out->data[w->out->len - 1] == '}')
			put_text(w, ",");
		if (!state_put_object(w, row->table, at))
			put_text(w, "{}");
		else
			filled = w->out->len;
	}
	if (filled > 0)
		w->out->len = filled;
	put_text(w, "]");
	return filled > 0;
}

static void put_word(struct state_writer *w, const struct state_row *row, const void *at) {
	int64_t n = state_number(row, at);
	bool known = n >= 0 && n < row->n_words && row->words[n] != NULL;
	const char *word = known ? row->words[n] : "";
	state_put_string(w, word, strlen(word));
}

static void put_number(struct state_writer *w, const struct state_row *row, const void *at) {
	int64_t n = state_number(row, at);
	if (row->as == AS_BOOL)
		put_text(w, n != 0 ? "true" : "false");
	else
		state_put_number(w, n);
}

/* An empty one is one, too. */
static void put_behind(struct state_writer *w, const struct state_table *table, const void *at) {
	if (!state_put_object(w, table, at))
		put_text(w, "{}");
}

/* False: it was nothing after all. */
static bool put_value(struct state_writer *w, const struct state_row *row, const char *at) {
	const char *text = row->as == AS_TEXT ? *(const char *const *)at : at;
	switch (row->as) {
	case AS_NOTHING: return false;
	case AS_OBJECT: return state_put_object(w, row->table, at);
	case AS_LIST: return put_list(w, row, at);
	case AS_OWN: return row->print(w, at);
	case AS_WORD: put_word(w, row, at); break;
	case AS_CHARS: state_put_string(w, text, strnlen(text, row->size)); break;
	case AS_TEXT: state_put_string(w, text, strlen(text)); break;
	case AS_BEHIND: put_behind(w, row->table, *(const char *const *)at); break;
	case AS_BOOL:
	case AS_INT:
	case AS_UNSIGNED:
	case AS_BITS:
	case AS_UINT64:
	case AS_INT64:
	case AS_TIME:
	case AS_DEADLINE: put_number(w, row, at); break;
	}
	return true;
}

/* As most of them are, and then not even its name is printed. Of some it is known later only. */
static bool is_blank(const struct state_row *row, const char *at) {
	switch (row->as) {
	case AS_NOTHING: return true;
	case AS_CHARS: return *at == '\0';
	case AS_TEXT: return *(const char *const *)at == NULL;
	case AS_OBJECT:
	case AS_BEHIND:
	case AS_LIST:
	case AS_OWN: return false;
	case AS_BOOL:
	case AS_INT:
	case AS_UNSIGNED:
	case AS_BITS:
	case AS_UINT64:
	case AS_INT64:
	case AS_TIME:
	case AS_DEADLINE:
	case AS_WORD: break;
	}
	return state_number(row, at) == row->blank;
}

/* False: it is blank all over, and nothing was printed. */
bool state_put_object(struct state_writer *w, const struct state_table *table, const void *at) {
	size_t begin = w->out->len;
	bool first = true;
	for (size_t i = 0; i < table->n; i++) {
		const struct state_row *row = &table->rows[i];
		const char *member = (const char *)at + row->offset;
		size_t before = w->out->len;
		if (is_blank(row, member))
			continue;
		put_text(w, first ? "{\"" : ",\"");
		put_text(w, row->name);
		put_text(w, "\":");
		if (put_value(w, row, member))
			first = false;
		else
			w->out->len = before;
	}
	if (first)
		w->out->len = begin;
	else
		put_text(w, "}");
	return !first;
}

int state_print(const struct state *s, struct buffer *out) {
	struct state_writer w = { .out = out };
	size_t begin = out->len;
	put_text(&w, "{\"version\":");
	state_put_number(&w, STATE_VERSION);
	size_t members = out->len;
	state_put_object(&w, &state_table, s); /* never blank: there is a herd */
	if (w.full) {
		out->len = begin;
		return -ENOMEM;
	}
	out->data[members] = ','; /* one object: its own goes on */
	return 0;
}
