/*
 * Which malloc a worker runs on, and how sure we are.
 *
 * Pure. How it is found out: daemon/allocator_proof.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/elf.h"
#include "core/maps.h"

enum allocator_proof {
	PROOF_UNKNOWN, /* the process could not be looked at */
	PROOF_NO, /* the C library's own; or, where memory may not be read, no sign of another */
	PROOF_MAPPED, /* another one is loaded; that malloc is its could not be seen */
	PROOF_PROVED, /* malloc was seen to be another one's */
};

struct allocator {
	enum allocator_proof proof;
	char name[32];    /* "jemalloc", "glibc", …, else the file's name; "" not known */
	char version[32]; /* "5.3.0", or "" */
};

/* "unknown", "no", "mapped", "proved" */
const char *allocator_proof_name(enum allocator_proof proof);

/* An allocator that is known here. */
struct allocator_kind {
	const char *name;
	const char *files[3];   /* how its file's name may begin; NULL ends the list */
	const char *symbols[3]; /* any of which gives it away, also when linked statically */
	bool own;               /* it is the C library's own */
	/* Fills `version` out of the library's bytes; NULL where they don't tell. */
	void (*read_version)(const char *bytes, const char *end, char *version, size_t size);
};

/* By what it defines, else by the name of its file; NULL for a stranger. */
const struct allocator_kind *allocator_kind_of(const struct elf *elf, const struct mapping *file);

/* One that is loaded beside the C library's own, by its file's name; an executable mapping of it. */
const struct allocator_kind *allocator_kind_mapped(const struct maps *maps, struct mapping *file);

/* Fills `version` out of the library's bytes; "" where it isn't in there. */
void allocator_read_version(const struct allocator_kind *kind, const void *bytes, size_t len,
			    char *version, size_t size);
