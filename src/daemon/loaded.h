/*
 * An object file loaded in a process (its program, a library), and what of it matters to malloc.
 * Learned once per file and remembered: a herd of sixty shares the same few files.
 *
 * Any thread may call; the memory of it is locked. What a process shows is never trusted.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/allocator.h"
#include "core/maps.h"

/* A process that is being looked at. */
struct looked_at {
	int dir;          /* /proc/PID */
	int memory;       /* os/bytes.h; -1: may not be read, then files are read instead */
	struct maps maps; /* the whole text of its maps */
};

/* Addresses are as in the file: before ld.so moved it. */
struct loaded {
	bool has_slot, has_malloc;
	uint64_t slot;                     /* where it keeps malloc's address for its own calls */
	uint64_t malloc;                   /* the malloc that it defines itself */
	const struct allocator_kind *kind; /* NULL: no allocator that we know */
	char version[32];                  /* the kind's, or "" */
};

/*
 * The object that `mapping` belongs to. True, and `moved_by`: what is added to an address of
 * its file in this process (0 when memory may not be read).
 */
bool loaded_look(const struct looked_at *process, const struct mapping *mapping,
		 struct loaded *loaded, uint64_t *moved_by);
