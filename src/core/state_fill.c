/* JSON into structs, by the same rows that print them. Whatever it is: see state_parts.h. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/state_parts.h"
#include "util/utf8.h"

#define MORE_SIZE 24 /* "; and 1234567 more" */

void state_complain(struct state_reader *r, const char *fmt, ...) {
	char what[200];
	struct text *said = r->said;
	va_list args;
	va_start(args, fmt);
	vsnprintf(what, sizeof what, fmt, args);
	va_end(args);
	r->said_n++;
	if (r->unsaid_n > 0 ||
	    said->size - said->len < strlen(r->where) + strlen(what) + 4 + MORE_SIZE) {
		r->unsaid_n++;
		return;
	}
	text_printf(said, "%s%s%s%s", said->len > 0 ? "; " : "", r->where,
		    *r->where != '\0' ? ": " : "", what);
}

/* A name too long is cut: it is one of ours, or shown to a person only. */
size_t state_enter(struct state_reader *r, const char *name, int64_t index) {
	size_t before = strlen(r->where);
	struct text where = { .data = r->where, .len = before, .size = sizeof r->where };
	text_puts(&where, before > 0 && *name != '\0' ? "." : "");
	text_puts(&where, name);
	if (index >= 0)
		text_printf(&where, "[%" PRId64 "]", index);
	return before;
}

void state_leave(struct state_reader *r, size_t before) {
	r->where[before] = '\0';
}

static bool is_known(const struct state_table *table, const char *key) {
	for (size_t i = 0; i < table->n; i++) {
		const struct state_row *row = &table->rows[i];
		if ((row->as != AS_NOTHING || row->size == 0) && strcmp(row->name, key) == 0)
			return true;
	}
	return false;
}

void state_note_unknown(struct state_reader *r, const struct state_table *table,
			const json_t *object) {
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)object, key, value) {
		char shown[80];
		struct text out = TEXT_IN(shown);
		if (is_known(table, key))
			continue;
		utf8_print(key, 20, &out);
		state_complain(r, "\"%s\" is unknown here", shown);
	}
}

static void fill_number(struct state_reader *r, const struct state_row *row, const json_t *value,
			void *at) {
	int64_t n = row->as == AS_BOOL ? json_is_true(value) : json_integer_value(value);
	bool typed = row->as == AS_BOOL ? json_is_boolean(value) : json_is_integer(value);
	if (!typed || !state_may_be(row, n)) {
		state_complain(r, typed ? "%" PRId64 " can't be" : "has another type", n);
		n = row->blank;
	}
	state_set_number(row, at, n);
}

static void fill_word(struct state_reader *r, const struct state_row *row, const json_t *value,
		      void *at) {
	const char *word = json_string_value(value);
	unsigned n = 0;
	while (n < row->n_words &&
	       (word == NULL || row->words[n] == NULL || strcmp(row->words[n], word) != 0))
		n++;
	if (n == row->n_words)
		state_complain(r, "is a word that is unknown here");
	state_set_number(row, at, n < row->n_words ? n : row->blank);
}

/* Bytes that were no UTF-8 have grown: they are cut as they would have been then. */
static void fill_chars(struct state_reader *r, const struct state_row *row, const json_t *value,
		       char *at) {
	const char *string = json_is_string(value) ? json_string_value(value) : "";
	size_t n = 0, length;
	uint32_t unused;
	if (!json_is_string(value))
		state_complain(r, "has another type");
	for (size_t len = json_string_length(value);
	     (length = utf8_next(string + n, len - n, &unused)) > 0 && n + length < row->size;)
		n += length;
	if (n > 0)
		memcpy(at, string, n);
	memset(at + n, 0, row->size - n);
}

static void fill_text(struct state_reader *r, const json_t *value, void *at) {
	const char *string = json_string_value(value);
	const char *kept = NULL;
	if (string == NULL)
		state_complain(r, "has another type");
	else if (strings_add(r->texts, string) != 0)
		state_complain(r, "no memory for it");
	else
		kept = r->texts->items[r->texts->len - 1];
	*(const char **)at = kept;
}

static void fill_list(struct state_reader *r, const struct state_row *row, const json_t *value,
		      char *at) {
	size_t room = row->size / row->table->size, n = json_array_size(value);
	if (!json_is_array(value))
		state_complain(r, "has another type");
	if (n > room)
		state_complain(r, "there are %zu, and room for %zu", n, room);
	memset(at, 0, row->size);
	for (size_t i = 0; i < room && i < n; i++) {
		size_t before = state_enter(r, "", (int64_t)i);
		state_fill(r, row->table, json_array_get(value, i), at + i * row->table->size);
		state_leave(r, before);
	}
}

/* It isn't there. */
static void fill_blank(struct state_reader *r, const struct state_row *row, char *at) {
	switch (row->as) {
	case AS_OBJECT: state_fill(r, row->table, NULL, at); break;
	case AS_BEHIND: state_fill(r, row->table, NULL, *(void **)at); break;
	case AS_NOTHING:
	case AS_CHARS:
	case AS_TEXT:
	case AS_LIST:
	case AS_OWN: memset(at, 0, row->size); break;
	case AS_BOOL:
	case AS_INT:
	case AS_UNSIGNED:
	case AS_BITS:
	case AS_UINT64:
	case AS_INT64:
	case AS_TIME:
	case AS_DEADLINE:
	case AS_WORD: state_set_number(row, at, row->blank); break;
	}
}

static void fill_value(struct state_reader *r, const struct state_row *row, const json_t *value,
		       char *at) {
	switch (row->as) {
	case AS_OBJECT: state_fill(r, row->table, value, at); break;
	case AS_BEHIND: state_fill(r, row->table, value, *(void **)at); break;
	case AS_NOTHING: break;
	case AS_CHARS: fill_chars(r, row, value, at); break;
	case AS_TEXT: fill_text(r, value, at); break;
	case AS_LIST: fill_list(r, row, value, at); break;
	case AS_OWN: row->read(r, value, at); break;
	case AS_WORD: fill_word(r, row, value, at); break;
	case AS_BOOL:
	case AS_INT:
	case AS_UNSIGNED:
	case AS_BITS:
	case AS_UINT64:
	case AS_INT64:
	case AS_TIME:
	case AS_DEADLINE: fill_number(r, row, value, at); break;
	}
}

void state_fill(struct state_reader *r, const struct state_table *table, const json_t *object,
		void *at) {
	if (object != NULL && !json_is_object(object))
		state_complain(r, "has another type");
	else if (object != NULL)
		state_note_unknown(r, table, object);
	for (size_t i = 0; i < table->n; i++) {
		const struct state_row *row = &table->rows[i];
		char *member = (char *)at + row->offset;
		if (row->as == AS_NOTHING)
			continue;
		const json_t *value = json_object_get(object, row->name);
		if (value == NULL) {
			fill_blank(r, row, member);
			continue;
		}
		size_t before = state_enter(r, row->name, -1);
		fill_value(r, row, value, member);
		state_leave(r, before);
	}
}
