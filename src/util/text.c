#include "util/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct text text_in(char *buffer, size_t size) {
	assert(size > 0);
	buffer[0] = '\0';
	return (struct text){ .data = buffer, .size = size };
}

void text_put(struct text *t, const char *bytes, size_t n) {
	size_t room = t->size - 1 - t->len;
	if (n > room) {
		n = room;
		t->cut = true;
	}
	memcpy(t->data + t->len, bytes, n);
	t->len += n;
	t->data[t->len] = '\0';
}

void text_puts(struct text *t, const char *string) {
	text_put(t, string, strlen(string));
}

void text_printf(struct text *t, const char *fmt, ...) {
	size_t room = t->size - t->len;
	va_list args;
	va_start(args, fmt);
	int n = vsnprintf(t->data + t->len, room, fmt, args);
	va_end(args);
	if (n < 0)
		return;
	if ((size_t)n >= room) {
		t->cut = true;
		n = (int)room - 1;
	}
	t->len += (size_t)n;
}
