/*
 * What of a state isn't a plain struct: the rings, from the oldest to the newest. Those of small
 * numbers as a column for each member, each number as its distance to the one before: the samples
 * of a herd are most of its state, and the most of them are as the one before.
 */
#include <stdio.h>
#include <string.h>

#include "core/state_parts.h"
#include "util/utf8.h"

static void put_columns(struct state_writer *w, const struct state_table *table,
			const void *const *items, size_t n) {
	for (size_t i = 0; i < table->n; i++) {
		const struct state_row *row = &table->rows[i];
		uint64_t last = 0;
		state_put(w, i == 0 ? "{\"" : ",\"", 2);
		state_put(w, row->name, strlen(row->name));
		state_put(w, "\":[", 3);
		for (size_t k = 0; k < n; k++) {
			const char *at = (const char *)items[k] + row->offset;
			uint64_t value = (uint64_t)state_number(row, at);
			state_put(w, ",", k > 0);
			state_put_number(w, (int64_t)(value - last));
			last = value;
		}
		state_put(w, "]", 1);
	}
	state_put(w, "}", 1);
}

/* Of `len` the newest `room` into `items`, which are so far apart. */
static bool fill_column(const struct state_row *row, const json_t *column, size_t room, char *items,
			size_t apart) {
	size_t len = json_array_size(column), skip = len > room ? len - room : 0;
	uint64_t value = 0;
	for (size_t k = 0; k < len; k++) {
		const json_t *item = json_array_get(column, k);
		value += (uint64_t)json_integer_value(item);
		if (!json_is_integer(item) || !state_may_be(row, (int64_t)value))
			return false;
		if (k >= skip)
			state_set_number(row, items + (k - skip) * apart + row->offset,
					 (int64_t)value);
	}
	return true;
}

/* How many of at most `room` were read: all columns have to be there, and as long. */
static size_t fill_columns(struct state_reader *r, const struct state_table *table,
			   const json_t *object, void *items, size_t room) {
	size_t len = 0;
	state_note_unknown(r, table, object);
	for (size_t i = 0; i < table->n; i++) {
		const struct state_row *row = &table->rows[i];
		const json_t *column = json_object_get(object, row->name);
		len = i == 0 ? json_array_size(column) : len;
		if (!json_is_array(column) || json_array_size(column) != len ||
		    !fill_column(row, column, room, items, table->size)) {
			state_complain(r, "is left out: \"%s\" can't be", row->name);
			return 0;
		}
	}
	return len < room ? len : room;
}

bool state_print_history(struct state_writer *w, const void *at) {
	const struct history *h = at;
	const void *items[HISTORY_MAX];
	size_t n = history_len(h);
	for (size_t i = 0; i < n; i++)
		items[i] = history_nth(h, n - 1 - i);
	if (n > 0)
		put_columns(w, &state_sample, items, n);
	return n > 0;
}

void state_read_history(struct state_reader *r, const json_t *value, void *at) {
	struct sample items[HISTORY_MAX] = { 0 };
	struct history *h = at;
	size_t n = fill_columns(r, &state_sample, value, items, HISTORY_MAX);
	*h = (struct history){ 0 };
	for (size_t i = 0; i < n; i++)
		history_push(h, &items[i]);
}

bool state_print_guarded(struct state_writer *w, const void *at) {
	const struct futility_worker *workers = at;
	const void *items[FUTILITY_WORKERS];
	size_t n = 0;
	for (size_t i = 0; i < FUTILITY_WORKERS; i++) {
		if (workers[i].id != 0)
			items[n++] = &workers[i];
	}
	if (n > 0)
		put_columns(w, &state_guarded, items, n);
	return n > 0;
}

void state_read_guarded(struct state_reader *r, const json_t *value, void *at) {
	struct futility_worker *workers = at;
	memset(workers, 0, sizeof *workers * FUTILITY_WORKERS);
	if (fill_columns(r, &state_guarded, value, workers, FUTILITY_WORKERS) == 0)
		memset(workers, 0, sizeof *workers * FUTILITY_WORKERS);
}

static bool is_utf8(const char *bytes, size_t n) {
	uint32_t unused;
	size_t length;
	for (; n > 0 && (length = utf8_next(bytes, n, &unused)) > 0; n -= length)
		bytes += length;
	return n == 0;
}

/* A path is where workers are started: it has to survive as it is, whatever its bytes. */
#define HEX "hex:" /* no path begins so: they are absolute */

static void put_path(struct state_writer *w, const char *path) {
	static const char digits[] = "0123456789abcdef";
	size_t n = strlen(path);
	if (is_utf8(path, n)) {
		state_put_string(w, path, n);
		return;
	}
	state_put(w, "\"" HEX, 1 + strlen(HEX));
	for (size_t i = 0; i < n; i++)
		state_put(w, (char[]){ digits[path[i] >> 4 & 15], digits[path[i] & 15] }, 2);
	state_put(w, "\"", 1);
}

/* The newest number, and the paths up to it. */
bool state_print_releases(struct state_writer *w, const void *at) {
	const struct releases *releases = at;
	unsigned n = releases->last < RELEASES_KEPT ? releases->last : RELEASES_KEPT;
	if (n == 0)
		return false;
	state_put(w, "{\"last\":", 8);
	state_put_number(w, releases->last);
	state_put(w, ",\"paths\":[", 10);
	for (unsigned i = n; i > 0; i--) {
		const char *path = releases_path(releases, releases->last - i + 1);
		put_path(w, path != NULL ? path : "");
		state_put(w, ",", i > 1);
	}
	state_put(w, "]}", 2);
	return true;
}

static int nibble(char c) {
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* False: it is neither a path nor "", for one that was lost before. */
static bool fill_path(const char *string, char path[PATH_MAX]) {
	size_t n = 0;
	if (string == NULL || strncmp(string, HEX, strlen(HEX)) != 0) {
		snprintf(path, PATH_MAX, "%s", string != NULL ? string : "");
		return string != NULL && strlen(string) < PATH_MAX &&
		       (*path == '/' || *path == '\0');
	}
	for (const char *at = string + strlen(HEX); *at != '\0'; at += 2) {
		int high = nibble(at[0]), low = high < 0 ? -1 : nibble(at[1]);
		if (low < 0 || n + 1 == PATH_MAX)
			return false;
		path[n++] = (char)(high << 4 | low);
	}
	path[n] = '\0';
	return *path == '/';
}

void state_read_releases(struct state_reader *r, const json_t *value, void *at) {
	struct releases *releases = at;
	const json_t *last = json_object_get(value, "last"),
		     *paths = json_object_get(value, "paths");
	int64_t newest = json_integer_value(last);
	size_t n = json_array_size(paths);
	memset(releases, 0, sizeof *releases);
	if (newest < 1 || newest > INT32_MAX || n < 1 || (int64_t)n > newest) {
		state_complain(r, "are left out: they can't be");
		return;
	}
	releases->last = (unsigned)newest;
	for (size_t i = 0; i < n && i < RELEASES_KEPT; i++) {
		unsigned number = releases->last - (unsigned)i;
		char path[PATH_MAX];
		if (fill_path(json_string_value(json_array_get(paths, n - 1 - i)), path))
			memcpy(releases->paths[number % RELEASES_KEPT], path, strlen(path) + 1);
		else
			state_complain(r, "%u has no path", number);
	}
}
