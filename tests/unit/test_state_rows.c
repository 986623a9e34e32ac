/* The tables of a state: nothing is forgotten, and what one row prints it reads. */
#include <stdio.h>
#include <string.h>

#include "core/state_parts.h"
#include "suite.h"

static const struct state_table *const tables[] = {
	&state_table,    &state_herd,        &state_slot,
	&state_hook,     &state_replacement, &state_last_replacement,
	&state_restart,  &state_parent,      &state_counters,
	&state_room,     &state_futility,    &state_guarded,
	&state_listener, &state_worker,      &state_life,
	&state_watch,    &state_memory,      &state_strikes,
	&state_sample,   &state_allocator,
};

static bool has_row(const struct state_table *table, const char *name, size_t n) {
	for (size_t i = 0; i < table->n; i++) {
		const char *row = table->rows[i].name;
		if (strncmp(row, name, n) == 0 && (row[n] == '\0' || row[n] == '['))
			return true;
	}
	return false;
}

/* Its names stand before one of these: "unsigned last_id;", "bool asked, forced;", "x y[9];" */
static void check_declared(const struct state_table *table, const char *of, const char *at) {
	for (size_t n; *at != '\0'; at += n > 0 ? n : 1) {
		n = strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
		if (n > 0 && at[n] != '\0' && strchr(",;[", at[n]) != NULL && at[-1] != '[')
			ck_assert_msg(has_row(table, at, n),
				      "%s.%.*s has no row in src/core/state_rows*.c: KEPT(), or "
				      "NOT_KEPT() with the reason",
				      of, (int)n, at);
	}
}

/* Between "struct NAME {" and its end: what is one tab further to the right. */
static void check_struct(const struct state_table *table, const char *header, const char *name) {
	char path[300], line[400], opens[100];
	size_t depth = 0, n = 0;
	snprintf(path, sizeof path, SOURCE_ROOT "/src/core/%s", header);
	snprintf(opens, sizeof opens, "struct %s {\n", name);
	FILE *file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof line, file) != NULL) {
		size_t tabs = strspn(line, "\t");
		if (strcmp(line + tabs, opens) == 0)
			depth = tabs + 1;
		else if (depth > 0 && tabs < depth && line[tabs] == '}')
			break;
		line[strcspn(line, "/")] = '\0';
		if (depth == 0 || tabs != depth || line[tabs] == '\0')
			continue;
		check_declared(table, name, line + tabs - 1);
		n++;
	}
	fclose(file);
	ck_assert_msg(n > 0, "struct %s is not in %s", name, header);
}

START_TEST(every_member_is_kept_or_says_why_not)
{
	static const struct {
		const struct state_table *table;
		const char *header, *name;
	} structs[] = {
		{ &state_table, "state.h", "state" },
		{ &state_listener, "state.h", "state_listener" },
		{ &state_herd, "herd.h", "herd" },
		{ &state_counters, "herd.h", "herd_counters" },
		{ &state_worker, "herd.h", "worker" },
		{ &state_slot, "herd.h", "slot" },
		{ &state_hook, "herd.h", "hook" },
		{ &state_replacement, "herd.h", "replacement" },
		{ &state_last_replacement, "herd.h", "last_replacement" },
		{ &state_restart, "herd.h", "restart" },
		{ &state_parent, "herd.h", "parent" },
		{ &state_life, "worker.h", "worker_life" },
		{ &state_watch, "watch.h", "watch" },
		{ &state_strikes, "policy.h", "strike_record" },
		{ &state_memory, "proc.h", "memory" },
		{ &state_sample, "history.h", "sample" },
		{ &state_allocator, "allocator.h", "allocator" },
		{ &state_room, "room.h", "room" },
		{ &state_futility, "futility.h", "futility" },
		{ &state_guarded, "futility.h", "futility_worker" },
	};
	ck_assert_uint_eq(ARRAY_LEN(structs), ARRAY_LEN(tables));
	for (size_t i = 0; i < ARRAY_LEN(structs); i++)
		check_struct(structs[i].table, structs[i].header, structs[i].name);
}
END_TEST

static size_t size_as(const struct state_row *row) {
	switch (row->as) {
	case AS_BOOL: return sizeof(bool);
	case AS_INT:
	case AS_UNSIGNED:
	case AS_BITS:
	case AS_WORD: return sizeof(int);
	case AS_UINT64:
	case AS_INT64:
	case AS_TIME:
	case AS_DEADLINE: return sizeof(int64_t);
	case AS_TEXT:
	case AS_BEHIND: return sizeof(void *);
	case AS_OBJECT: return row->table->size;
	case AS_NOTHING:
	case AS_CHARS:
	case AS_LIST:
	case AS_OWN: break;
	}
	return row->size;
}

START_TEST(every_row_is_as_large_as_what_it_reads)
{
	for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
		for (size_t i = 0; i < tables[t]->n; i++) {
			const struct state_row *row = &tables[t]->rows[i];
			ck_assert_uint_eq(row->size, size_as(row));
			ck_assert(row->as == AS_NOTHING || row->name != NULL);
			ck_assert(row->as != AS_LIST || row->size % row->table->size == 0);
			ck_assert((row->as == AS_OWN) == (row->print != NULL));
			for (unsigned k = 0; k < row->n_words; k++)
				ck_assert_msg(row->words[k] != NULL, "%s: %u", row->name, k);
		}
	}
}
END_TEST

static uint32_t seed = 1;
static uint32_t dice(uint32_t sides) {
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % sides;
}

static int64_t any_number(const struct state_row *row) {
	static const int64_t some[] = { 0,          1,          -1,
					32,         4096,       1 << 30,
					INT32_MAX,  UINT32_MAX, INT64_MAX / 4,
					MSEC_NEVER, INT64_MIN,  1234567890123 };
	for (;;) {
		int64_t n = row->as == AS_WORD ? dice(row->n_words) : some[dice(ARRAY_LEN(some))];
		if (row->as == AS_WORD || state_may_be(row, n))
			return n;
	}
}

static void make_chars(char *at, size_t size) {
	static const char *const letters[] = { "a", "\"", "\\", "\n", "\x01", "\x7f", "é", "€" };
	size_t wanted = dice((uint32_t)size), n = 0;
	memset(at, 0, size);
	for (const char *next; n + 3 < wanted; n += strlen(next)) {
		next = letters[dice(ARRAY_LEN(letters))];
		memcpy(at + n, next, strlen(next));
	}
}

static void make_history(struct history *h) {
	for (unsigned n = dice(100); n > 0; n--) {
		struct sample sample = { 0 };
		for (size_t i = 0; i < state_sample.n; i++)
			state_set_number(&state_sample.rows[i],
					 (char *)&sample + state_sample.rows[i].offset,
					 any_number(&state_sample.rows[i]));
		history_push(h, &sample);
	}
}

static void make_object(const struct state_table *table, char *at);

static void make_member(const struct state_row *row, char *at) {
	switch (row->as) {
	case AS_CHARS: make_chars(at, row->size); break;
	case AS_TEXT: *(const char **)at = dice(2) ? "over \"it\"" : dice(2) ? "" : NULL; break;
	case AS_OBJECT: make_object(row->table, at); break;
	case AS_LIST:
		for (size_t i = 0; i < row->size; i += row->table->size)
			make_object(row->table, at + i);
		break;
	case AS_OWN:
		if (row->print == state_print_history)
			make_history((struct history *)at);
		break;
	case AS_NOTHING:
	case AS_BEHIND: break;
	case AS_BOOL:
	case AS_INT:
	case AS_UNSIGNED:
	case AS_BITS:
	case AS_UINT64:
	case AS_INT64:
	case AS_TIME:
	case AS_DEADLINE:
	case AS_WORD: state_set_number(row, at, any_number(row)); break;
	}
}

static void make_object(const struct state_table *table, char *at) {
	for (size_t i = 0; i < table->n; i++)
		make_member(&table->rows[i], at + table->rows[i].offset);
}

static bool same_history(const struct history *a, const struct history *b) {
	bool same = a->len == b->len;
	for (size_t i = 0; same && i < a->len; i++) {
		const struct sample *x = history_nth(a, i), *y = history_nth(b, i);
		same = x->at == y->at && x->rss_bytes == y->rss_bytes &&
		       x->pss_bytes == y->pss_bytes && x->uss_bytes == y->uss_bytes &&
		       x->dear == y->dear;
	}
	return same;
}

static bool same_text(const char *a, const char *b) {
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void check_same(const struct state_table *table, const char *a, const char *b) {
	for (size_t i = 0; i < table->n; i++) {
		const struct state_row *row = &table->rows[i];
		const char *x = a + row->offset, *y = b + row->offset;
		if (row->as == AS_NOTHING)
			continue;
		if (row->as == AS_OBJECT || row->as == AS_LIST) {
			for (size_t k = 0; k < row->size; k += row->table->size)
				check_same(row->table, x + k, y + k);
			continue;
		}
		bool same = row->as == AS_TEXT
				    ? same_text(*(const char *const *)x, *(const char *const *)y)
			    : row->print == state_print_history
				    ? same_history((const void *)x, (const void *)y)
				    : memcmp(x, y, row->size) == 0;
		ck_assert_msg(same, "%s is another one", row->name);
	}
}

static json_t *printed(const struct state_table *table, const void *at) {
	struct buffer out = { 0 };
	struct state_writer w = { .out = &out };
	json_error_t why;
	if (!state_put_object(&w, table, at))
		state_put(&w, "{}", 2);
	json_t *object = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, &why);
	ck_assert_msg(object != NULL, "%s: %.*s", why.text, (int)out.len, out.data);
	buffer_finish(&out);
	return object;
}

static void check_round_trip(const struct state_table *table) {
	char *a = calloc(1, table->size), *b = calloc(1, table->size);
	char buffer[400];
	struct text said = TEXT_IN(buffer);
	struct strings texts = { 0 };
	struct state_reader reader = { .texts = &texts, .said = &said };
	make_object(table, a);
	json_t *object = printed(table, a);
	state_fill(&reader, table, object, b);
	ck_assert_str_eq(buffer, "");
	check_same(table, a, b);
	json_decref(object);
	strings_finish(&texts);
	free(a);
	free(b);
}

START_TEST(whatever_a_member_may_be_it_comes_back)
{
	static const struct state_table *const whole[] = { &state_worker,   &state_slot,
							   &state_parent,   &state_restart,
							   &state_counters, &state_listener };
	for (int i = 0; i < 200; i++) {
		for (size_t t = 0; t < ARRAY_LEN(whole); t++)
			check_round_trip(whole[t]);
	}
}
END_TEST

START_TEST(what_is_blank_is_not_printed)
{
	struct slot slot = { 0 };
	struct worker worker = { .open = -1, .busy = -1, .slot = 3 };
	worker.life = (struct worker_life){ WORKER_READY, 5, MSEC_NEVER, MSEC_NEVER };
	json_t *object = printed(&state_slot, &slot);
	ck_assert_uint_eq(json_object_size(object), 0);
	json_decref(object);
	object = printed(&state_worker, &worker);
	char *text = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);
	ck_assert_str_eq(text, "{\"life\":{\"since\":5,\"state\":\"ready\"},\"slot\":3}");
	free(text);
	json_decref(object);
}
END_TEST

START_TEST(what_is_beyond_a_number_of_json_is_cut_at_it)
{
	struct herd_counters counters = { .boots = UINT64_MAX };
	json_t *object = printed(&state_counters, &counters);
	ck_assert_int_eq(json_integer_value(json_object_get(object, "boots")), INT64_MAX);
	json_decref(object);
}
END_TEST

SUITE("state_rows", every_member_is_kept_or_says_why_not, every_row_is_as_large_as_what_it_reads,
      whatever_a_member_may_be_it_comes_back, what_is_blank_is_not_printed,
      what_is_beyond_a_number_of_json_is_cut_at_it)
