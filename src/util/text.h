/*
 * Text that grows in a buffer of the caller's: never overruns, never allocates,
 * always terminated; `cut` says that something did not fit.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "util/base.h"

struct text {
	char *data;
	size_t len, size; /* bytes, `len` without the terminator */
	bool cut;
};

/* `size` of at least 1 byte; the text starts empty. */
#define TEXT_IN(buffer) text_in((buffer), sizeof(buffer))
struct text text_in(char *buffer, size_t size);

void text_put(struct text *t, const char *bytes, size_t n);
void text_puts(struct text *t, const char *string);
PRINTF(2, 3) void text_printf(struct text *t, const char *fmt, ...);
