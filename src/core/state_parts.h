/*
 * How a state (core/state.h) is told as JSON: a table for each struct, a row for each member. The
 * same rows print and read, and say why a member isn't kept, so that none is ever forgotten.
 *
 * Pure. A member that has its usual value (`blank`) isn't printed, and one that isn't there, or
 * can't be, has it after reading.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/state.h"
#include "util/base.h"

enum state_as {
	AS_NOTHING, /* not kept: the row says why */
	AS_BOOL,
	AS_INT, /* from -1 to 2^30: two of them can be added */
	AS_UNSIGNED,
	AS_BITS, /* an unsigned with all its bits */
	AS_UINT64,
	AS_INT64,
	AS_TIME,     /* msec_t: a moment that was, or a while; 0: none */
	AS_DEADLINE, /* msec_t: MSEC_NEVER, too */
	AS_WORD,     /* an enum */
	AS_CHARS,    /* char[]: what doesn't fit is cut */
	AS_TEXT,     /* const char * */
	AS_OBJECT,   /* a struct */
	AS_BEHIND,   /* a pointer to one, which is there when it is read */
	AS_LIST,     /* an array of structs; the empty ones at its end aren't printed */
	AS_OWN,      /* in a way of its own */
};

struct state_writer;
struct state_reader;

struct state_row {
	const char *name;
	enum state_as as;
	size_t offset, size; /* no size: there is no member, and somebody else reads it */
	int64_t blank;
	int64_t most; /* 0: what the type allows */
	const char *const *words;
	unsigned n_words;
	const struct state_table *table;   /* of the struct, or of one in the list */
	bool (*is_free)(const void *item); /* a list's: not printed */
	bool (*print)(struct state_writer *w,
		      const void *at); /* false: there is nothing to print */
	void (*read)(struct state_reader *r, const json_t *value, void *at);
};

struct state_table {
	const struct state_row *rows;
	size_t n, size; /* rows; bytes of the struct */
};

/* state_rows.c, state_rows_worker.c */
extern const struct state_table state_table, state_herd, state_slot, state_hook, state_replacement,
	state_last_replacement, state_restart, state_every, state_parent, state_counters,
	state_room, state_futility, state_guarded, state_listener;
extern const struct state_table state_worker, state_life, state_watch, state_memory, state_strikes,
	state_sample, state_allocator;

/* state_rings.c: what isn't a plain struct */
bool state_print_history(struct state_writer *w, const void *at);
void state_read_history(struct state_reader *r, const json_t *value, void *at);
bool state_print_guarded(struct state_writer *w, const void *at);
void state_read_guarded(struct state_reader *r, const json_t *value, void *at);
bool state_print_releases(struct state_writer *w, const void *at);
void state_read_releases(struct state_reader *r, const json_t *value, void *at);

/* Of a row that is a number: bool, enum, and the like. */
int64_t state_number(const struct state_row *row, const void *at);
void state_set_number(const struct state_row *row, void *at, int64_t n);
bool state_may_be(const struct state_row *row, int64_t n);

/* state_print.c: bytes, and what has a value */
struct state_writer {
	struct buffer *out;
	bool full; /* no memory, or beyond STATE_BYTES_MAX: from then on nothing is printed */
};
void state_put(struct state_writer *w, const char *bytes, size_t n);
void state_put_number(struct state_writer *w, int64_t n);
void state_put_string(struct state_writer *w, const char *string, size_t n);
bool state_put_object(struct state_writer *w, const struct state_table *table, const void *at);

/* state_fill.c */
struct state_reader {
	struct strings *texts;
	struct text *said;
	unsigned said_n, unsaid_n; /* complaints */
	char where[160];           /* in the text: herd.workers[3] */
};

/* `at` gets every member that is kept; `object` NULL, or none: all of them blank. */
void state_fill(struct state_reader *r, const struct state_table *table, const json_t *object,
		void *at);

/* It is said, with where it is, and the verdict isn't STATE_WHOLE any more. */
PRINTF(2, 3) void state_complain(struct state_reader *r, const char *fmt, ...);

/* Members of the same name in `where`: what was added is taken off by state_leave(). */
NODISCARD size_t state_enter(struct state_reader *r, const char *name, int64_t index);
void state_leave(struct state_reader *r, size_t before);

/* Those keys that no row has. */
void state_note_unknown(struct state_reader *r, const struct state_table *table,
			const json_t *object);

/* state_mend.c: what was read becomes a herd that herd_step() can go on with. */
void state_mend(struct state_reader *r, struct state *s);

/* state_mend_workers.c */
void state_mend_workers(struct state_reader *r, struct state *s);
void state_mend_successors(struct state_reader *r, struct herd *h);
