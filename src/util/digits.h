/* A decimal number in the middle of a text: strict, no sign, no blanks, no errno. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Where the digits at `at` end, or NULL with `*value` untouched: none there, or over `max`. */
static inline const char *digits_read(const char *at, uint64_t max, uint64_t *value) {
	uint64_t n = 0;
	if (*at < '0' || *at > '9')
		return NULL;
	for (; *at >= '0' && *at <= '9'; at++) {
		unsigned digit = (unsigned)(*at - '0');
		if (digit > max || n > (max - digit) / 10)
			return NULL;
		n = n * 10 + digit;
	}
	*value = n;
	return at;
}
