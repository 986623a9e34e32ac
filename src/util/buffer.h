/* Bytes that come and go: appended at the end, taken off the front; grows up to a limit. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "util/base.h"

struct buffer {
	char *data; /* NULL when nothing was ever added; not terminated */
	size_t len, size;
};

/* Room for `n` more bytes behind `len`, of at most `max` in all. False: too much, or no memory. */
NODISCARD bool buffer_reserve(struct buffer *b, size_t n, size_t max);

/* False: the buffer is as it was. */
NODISCARD bool buffer_add(struct buffer *b, const char *bytes, size_t n, size_t max);

/* `n` <= `len` bytes leave at the front. */
void buffer_take(struct buffer *b, size_t n);

/* Frees it; empty and usable afterwards. */
void buffer_finish(struct buffer *b);
