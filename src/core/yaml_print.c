#include "core/yaml_print.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "util/utf8.h"

#define FIRST "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_"

/* Words that are not text to somebody who reads YAML. */
static bool is_special(const char *string) {
	static const char *const words[] = { "null", "true", "false", "yes", "no",
					     "on",   "off",  "y",     "n" };
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcasecmp(string, words[i]) == 0)
			return true;
	}
	return false;
}

static bool is_plain(const char *string) {
	size_t n = strlen(string);
	if (n == 0 || strchr(FIRST, string[0]) == NULL || is_special(string))
		return false;
	return string[strspn(string, FIRST ":.@%+=-")] == '\0' && string[n - 1] != ':';
}

/* The reader takes the rest as it is; some of these would end a line. */
static bool needs_escape(uint32_t c) {
	return c < 0x20 || (c >= 0x7f && c <= 0xa0) || c == 0x2028 || c == 0x2029 || c == 0xfeff ||
	       c == 0xfffe || c == 0xffff;
}

static void print_character(uint32_t c, const char *bytes, size_t length, struct text *out) {
	if (c == '"' || c == '\\')
		text_printf(out, "\\%c", (char)c);
	else if (c == '\n')
		text_puts(out, "\\n");
	else if (c == '\t')
		text_puts(out, "\\t");
	else if (needs_escape(c))
		text_printf(out, c < 0x100 ? "\\x%02x" : "\\u%04x", (unsigned)c);
	else
		text_put(out, bytes, length);
}

void yaml_print(const char *string, struct text *out) {
	if (is_plain(string)) {
		text_puts(out, string);
		return;
	}
	text_puts(out, "\"");
	for (size_t n = strlen(string); n > 0;) {
		uint32_t c = 0;
		size_t length = utf8_next(string, n, &c);
		if (length > 0)
			print_character(c, string, length, out);
		else
			text_puts(out, UTF8_REPLACEMENT);
		length = length > 0 ? length : 1;
		string += length;
		n -= length;
	}
	text_puts(out, "\"");
}

void yaml_indent(unsigned depth, struct text *out) {
	while (depth-- > 0)
		text_puts(out, "  ");
}
