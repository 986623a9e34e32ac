/*
 * A library tried before anybody depends on it: some are found, fit, and still don't work here.
 * jemalloc built for 4K pages aborts on an arm64 kernel with 16K or 64K ones; one in a directory
 * that is mounted noexec can't be loaded.
 */
#pragma once

#include <stddef.h>

#include "util/base.h"
#include "util/msec.h"

#define ALLOCATOR_TRIAL_PATIENCE (2 * MSEC_SECOND)

/*
 * Runs true(1) once with `library` preloaded and MALLOC_CONF=`malloc_conf` (NULL: none). 0: it
 * works; -ELIBBAD: ld.so refused it or the program failed; -ETIMEDOUT; or -errno when the trial
 * itself could not be made (-ENOENT: no true here). `output` is what was printed, always
 * terminated: with 0 normally empty, else such as jemalloc's "Invalid conf pair".
 *
 * Blocks, for a few milliseconds and at most the patience: for before the loop.
 */
NODISCARD int allocator_trial(const char *library, const char *malloc_conf, char *output,
			      size_t size);
