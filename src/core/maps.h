/*
 * /proc/PID/maps (proc(5)): what is where in a process's memory.
 *
 * Pure: works on the text as it was read, any bytes at all; lines that aren't mappings are
 * passed over. A mapping borrows its path from that text.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct maps {
	const char *text;
	size_t len;
};

struct mapping {
	uint64_t start, end; /* [start, end), never empty */
	uint64_t offset;     /* in the file, bytes */
	unsigned major, minor;
	uint64_t inode; /* 0: no file */
	bool read, write, execute;
	bool deleted;     /* the file has no name any more (an upgrade replaced it) */
	const char *path; /* not terminated, without " (deleted)"; may hold blanks */
	size_t path_len;  /* 0: anonymous */
};

/* The next mapping at *at (0 to begin with), which moves on. False at the end. */
bool maps_next(const struct maps *maps, size_t *at, struct mapping *mapping);

/* The one in which `address` lies. */
bool maps_at(const struct maps *maps, uint64_t address, struct mapping *mapping);

/* The first executable one of a file whose name begins with `prefix` ("libruby", "libc.so.6"). */
bool maps_named(const struct maps *maps, const char *prefix, struct mapping *mapping);

/* The first executable one of the file at exactly this path. */
bool maps_of_path(const struct maps *maps, const char *path, size_t path_len,
		  struct mapping *mapping);

/*
 * Where the load that `of` belongs to begins: the nearest mapping of the file's first byte, at
 * or below it. (The file may be mapped elsewhere as well, by somebody who only reads it.)
 */
bool maps_head_of(const struct maps *maps, const struct mapping *of, struct mapping *head);

bool mapping_same_file(const struct mapping *a, const struct mapping *b);

/* The last part of the path; `len` bytes, not terminated. */
const char *mapping_name(const struct mapping *mapping, size_t *len);
