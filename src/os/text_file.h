/* Small files, such as those of /proc and /sys, as text in a buffer of the caller's. */
#pragma once

#include <sys/types.h>

#include "util/base.h"

/*
 * The file `path`, seen from `dirfd` (AT_FDCWD too), until its end or until the buffer is
 * full; `size` of at least 1 byte, for the NUL that always follows. The bytes read without
 * it (size - 1: there may be more), or -errno. No lock is held and nothing is kept open.
 */
NODISCARD ssize_t text_read_at(int dirfd, const char *path, char *buf, size_t size);

/*
 * An open file from its start, in one pread(2), which leaves its offset alone: enough for
 * those files of /proc that the kernel writes in one piece (statm, status, stat). Else as above.
 */
NODISCARD ssize_t text_read_once(int fd, char *buf, size_t size);
