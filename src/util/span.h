/* Part of a text that somebody else holds: looked at and cut up in place, not terminated. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct span {
	const char *at;
	size_t len;
};

static inline bool span_is(struct span s, const char *string) {
	return s.len == strlen(string) && memcmp(s.at, string, s.len) == 0;
}

/* Takes what is before the next `separator` off `rest`; the separator goes too. */
static inline struct span span_cut(struct span *rest, char separator) {
	const char *end = rest->len > 0 ? memchr(rest->at, separator, rest->len) : NULL;
	struct span first = { rest->at, end == NULL ? rest->len : (size_t)(end - rest->at) };
	size_t gone = first.len + (end != NULL);
	*rest = (struct span){ rest->at + gone, rest->len - gone };
	return first;
}
