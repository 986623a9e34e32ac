#include "core/last_words.h"

#include <string.h>

#define LINE_MOST ((size_t)160) /* a path, and what is wrong there */

struct line {
	const char *at;
	size_t len;
};

/* A cut must not leave half a character. */
static size_t cut(const char *at, size_t len) {
	if (len <= LINE_MOST)
		return len;
	for (len = LINE_MOST; len > 0 && ((unsigned char)at[len] & 0xc0) == 0x80; len--)
		;
	return len;
}

/* Of an endless line: a gem's whole path in front would cost the words behind it. */
static struct line without_folders(struct line line) {
	const char *colon = memchr(line.at, ':', line.len);
	if (line.len <= LINE_MOST || line.at[0] != '/' || colon == NULL)
		return line;
	const char *name = colon;
	while (name[-1] != '/')
		name--;
	return (struct line){ name, line.len - (size_t)(name - line.at) };
}

static bool is_worth_it(struct line line) {
	static const char trace[] = "\tfrom ";
	return line.len > 0 && strncmp(line.at, trace, strlen(trace)) != 0;
}

/* The line that ends at `end`; everything in front of it is left for the next call. */
static struct line line_before(const char *output, const char *end) {
	const char *at = end;
	while (at > output && at[-1] != '\n')
		at--;
	return (struct line){ at, (size_t)(end - at) };
}

void last_words(const char *output, size_t room, struct text *out) {
	struct line lines[20];
	size_t n = 0, used = 0;
	const char *end = output + strlen(output);
	while (n < ARRAY_LEN(lines)) {
		struct line whole = line_before(output, end), line = without_folders(whole);
		size_t len = cut(line.at, line.len);
		bool fits = n == 0 || used + len + 1 <= room;
		if (is_worth_it(line) && !fits)
			break;
		if (is_worth_it(line)) {
			lines[n++] = (struct line){ line.at, len };
			used += len + 1;
		}
		if (whole.at == output)
			break;
		end = whole.at - 1;
	}
	while (n-- > 0) {
		text_put(out, lines[n].at, lines[n].len);
		text_puts(out, n > 0 ? "\n" : "");
	}
}
