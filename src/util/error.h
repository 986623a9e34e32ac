/*
 * An error meant for a person: what went wrong, and where in their file.
 * Filled by the function that failed; printed once, by whoever talks to them.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "util/base.h"

struct error {
	size_t line, column; /* 1-based; 0 when there is no place to point at */
	char text[400];
};

/* Always returns -1, so a parser can say `return error_at(...)`. */
PRINTF(4, 5)
static inline int error_at(struct error *err, size_t line, size_t column, const char *fmt, ...) {
	va_list args;
	va_start(args, fmt);
	err->line = line;
	err->column = column;
	vsnprintf(err->text, sizeof err->text, fmt, args);
	va_end(args);
	return -1;
}

/* Several errors at once: a person mends a file once, not once per mistake. */
struct errors {
	struct error list[16];
	size_t len;
	bool more; /* there were further ones that did not fit */
};

/* A place for the next error; never NULL: past the end, the last is overwritten. */
static inline struct error *errors_next(struct errors *e) {
	if (e->len == ARRAY_LEN(e->list)) {
		e->more = true;
		return &e->list[e->len - 1];
	}
	return &e->list[e->len++];
}
