#include "util/utf8.h"

#include <stdbool.h>
#include <string.h>

static size_t length_of(unsigned char first) {
	if (first < 0x80)
		return 1;
	if (first < 0xc2) /* a continuation, or an overlong form of ASCII */
		return 0;
	if (first < 0xe0)
		return 2;
	if (first < 0xf0)
		return 3;
	return first < 0xf5 ? 4 : 0;
}

static bool well_formed(uint32_t c, size_t length) {
	if (length == 3)
		return c >= 0x800 && (c < 0xd800 || c > 0xdfff);
	return length != 4 || (c >= 0x10000 && c <= 0x10ffff);
}

size_t utf8_next(const char *bytes, size_t n, uint32_t *codepoint) {
	static const unsigned char payload[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	if (n == 0)
		return 0;
	size_t length = length_of((unsigned char)bytes[0]);
	if (length == 0 || length > n)
		return 0;
	uint32_t c = (unsigned char)bytes[0] & payload[length];
	for (size_t i = 1; i < length; i++) {
		unsigned char next = (unsigned char)bytes[i];
		if ((next & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (next & 0x3f);
	}
	if (!well_formed(c, length))
		return 0;
	*codepoint = c;
	return length;
}

/* Controls; what turns the direction of a line around; the byte order mark. */
static bool invisible(uint32_t c) {
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

void utf8_print(const char *string, size_t characters, struct text *out) {
	size_t n = strlen(string);
	for (; n > 0 && characters > 0; characters--) {
		uint32_t c = 0;
		size_t length = utf8_next(string, n, &c);
		if (length == 0 || invisible(c)) {
			text_put(out, "?", 1);
			length = length == 0 ? 1 : length;
		} else {
			text_put(out, string, length);
		}
		string += length;
		n -= length;
	}
	if (n > 0)
		text_puts(out, "…");
}
