/* The library that workers are to have preloaded: found, and checked before anything runs on it. */
#pragma once

#include <stddef.h>

#include "util/base.h"
#include "util/error.h"

/*
 * `preload` as it is written in allocator.preload: "jemalloc" is looked for where distributions
 * have it, an absolute path is taken as it is, "none" is an empty `path`. 0 with the absolute
 * path; or -1 with `path` empty and `err` for a person, the way out included.
 *
 * ld.so only warns about what it can't preload, into a log that nobody reads, and goes on; so
 * here it is checked that the file is a library for this machine and this C library, and that it
 * defines malloc at all. Reads the file whole: for before the loop, or a reader thread.
 */
NODISCARD int allocator_find(const char *preload, char *path, size_t size, struct error *err);
