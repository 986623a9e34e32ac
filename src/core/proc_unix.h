/* /proc/net/unix: which socket listens at a path. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "util/base.h"

/*
 * The inode of the listening unix socket whose file is `path`, in `len` bytes of that table; 0:
 * there is none. A name may be there twice, after its file was removed: the later one counts,
 * which the table has last.
 */
uint64_t proc_unix_listener(const char *table, size_t len, const char *path);
