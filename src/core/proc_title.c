#include "core/proc_title.h"

#include <stdint.h>
#include <string.h>

#include "util/base.h"
#include "util/utf8.h"

/* Bytes of the character at `s`, or 0: a control character (U+009B starts an escape) is none. */
static size_t character(const char *s, size_t len) {
	uint32_t code;
	size_t n = utf8_next(s, len, &code);
	return n > 0 && code >= ' ' && (code < 0x7f || code > 0x9f) ? n : 0;
}

static size_t title_len(const char *cmdline, size_t len) {
	size_t n = 0;
	while (n < len && !(cmdline[n] == '\0' && (n + 1 == len || cmdline[n + 1] == '\0')))
		n++;
	return n;
}

void proc_title(const char *cmdline, size_t len, char *title, size_t size) {
	assert(size > 0);
	len = title_len(cmdline, len);
	size_t used = 0;
	for (size_t i = 0; i < len;) {
		size_t n = character(cmdline + i, len - i);
		size_t bytes = n > 0 ? n : 1;
		if (bytes > size - 1 - used)
			break;
		if (n > 0)
			memcpy(title + used, cmdline + i, n);
		else
			title[used] = cmdline[i] == '\0' ? ' ' : '?';
		used += bytes;
		i += bytes;
	}
	title[used] = '\0';
}
