/*
 * A list of owned strings, always ended by a NULL, so that `items` is an argv
 * or an envp as it stands. A zeroed value is an empty list whose items are NULL.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "util/base.h"

struct strings {
	char **items; /* NULL when nothing was ever added; else NULL-terminated */
	size_t len;
};

/* A copy of `string` is appended. 0, or -ENOMEM with the list unchanged. */
NODISCARD int strings_add(struct strings *s, const char *string);

/* The same, put together as by printf(3); a text beyond 399 bytes is cut. */
NODISCARD PRINTF(2, 3) int strings_printf(struct strings *s, const char *fmt, ...);

/* For lists of `KEY=value`: replaces the value of the same key, or appends. */
NODISCARD int strings_set(struct strings *s, const char *key, const char *value);

/* The value behind `KEY=`, or NULL. Borrowed from the list. */
const char *strings_get(const struct strings *s, const char *key);

/* Takes `KEY=…` out, if it is there. */
void strings_unset(struct strings *s, const char *key);

NODISCARD int strings_copy(struct strings *to, const struct strings *from);
bool strings_equal(const struct strings *a, const struct strings *b);

/* Frees every string; the list is empty and usable afterwards. */
void strings_finish(struct strings *s);
