#include "core/proc_unix.h"

#include <stdio.h>
#include <string.h>

#define LISTENS 0x10000u /* __SO_ACCEPTCON, in its column of flags (net/unix/af_unix.c) */
#define LINE    512      /* seven numbers, and a path of 107 bytes */

/* Num: RefCount Protocol Flags Type St Inode Path */
static uint64_t inode_of(const char *line, const char *path) {
	unsigned flags;
	unsigned long long inode;
	int at = 0;
	if (sscanf(line, "%*[^:]: %*x %*x %x %*x %*x %llu %n", &flags, &inode, &at) != 2 || at == 0)
		return 0;
	return (flags & LISTENS) != 0 && strcmp(line + at, path) == 0 ? inode : 0;
}

uint64_t proc_unix_listener(const char *table, size_t len, const char *path) {
	const char *end = table + len;
	uint64_t found = 0;
	for (const char *next; table < end; table = next) {
		char line[LINE];
		const char *newline = memchr(table, '\n', (size_t)(end - table));
		next = newline != NULL ? newline + 1 : end;
		snprintf(line, sizeof line, "%.*s",
			 (int)((newline != NULL ? newline : end) - table), table);
		uint64_t inode = inode_of(line, path);
		found = inode != 0 ? inode : found;
	}
	return found;
}
