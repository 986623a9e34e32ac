/*
 * One option's value in a configuration: from text, compared, forgotten. What an option's type
 * means is known here and in option_print.c, and nowhere else.
 */
#pragma once

#include <stdbool.h>

#include "core/config.h"
#include "util/base.h"
#include "util/error.h"
#include "util/text.h"

/*
 * Replaces the value of any but a list. 0, or -1 with `err` (without a
 * place: the caller knows it) and the value untouched.
 */
NODISCARD int option_set(const struct option *option, struct config *config, const char *text,
			 struct error *err);

/*
 * One more entry of a list (`key` is NULL but for OPTION_PAIRS); a repeated key or address is an
 * error.
 * 0, or -1 with `err` and the value untouched.
 */
NODISCARD int option_add(const struct option *option, struct config *config, const char *key,
			 const char *text, struct error *err);

/* Frees what the value owns and zeroes it. */
void option_clear(const struct option *option, struct config *config);

bool option_equal(const struct option *option, const struct config *a, const struct config *b);

/* False for a NULL string and an empty list: there is nothing that one could write. */
bool option_is_set(const struct option *option, const struct config *config);

/* What can be written: "a time from 100ms to 1h, such as 5s". */
void option_expected(const struct option *option, struct text *out);

/* Where the value is. */
static inline void *option_at(const struct option *option, struct config *config) {
	return (char *)config + option->offset;
}

static inline const void *option_in(const struct option *option, const struct config *config) {
	return (const char *)config + option->offset;
}

static inline bool option_is_list(const struct option *option) {
	return option->type == OPTION_STRINGS || option->type == OPTION_ADDRESSES ||
	       option->type == OPTION_PAIRS;
}
