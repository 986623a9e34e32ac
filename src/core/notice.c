#include "core/notice.h"

#include <stddef.h>
#include <string.h>

#define STATUS "STATUS="

static bool is(const char *line, size_t n, const char *word) {
	return n == strlen(word) && memcmp(line, word, n) == 0;
}

/* It goes to a terminal, and into a log. */
static void copy_status(const char *from, size_t n, struct notice *notice) {
	size_t len = n < sizeof notice->status - 1 ? n : sizeof notice->status - 1;
	while (len > 0 && len < n && ((unsigned char)from[len] & 0xc0) == 0x80)
		len--; /* not within a character (UTF-8) */
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)from[i];
		notice->status[i] = c < ' ' || c == 0x7f ? '?' : from[i];
	}
	notice->status[len] = '\0';
}

static void read_line(const char *line, size_t n, struct notice *notice) {
	const size_t word = sizeof STATUS - 1;
	if (is(line, n, "READY=1"))
		notice->ready = true;
	else if (is(line, n, "RELOADING=1"))
		notice->reloading = true;
	else if (is(line, n, "STOPPING=1"))
		notice->stopping = true;
	else if (n >= word && memcmp(line, STATUS, word) == 0)
		copy_status(line + word, n - word, notice);
}

void notice_read(const char *text, struct notice *notice) {
	*notice = (struct notice){ 0 };
	for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
		line += *line == '\n';
		read_line(line, strcspn(line, "\n"), notice);
	}
}
