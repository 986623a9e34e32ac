/* Bytes out of the middle: of a large file, or of a process's memory (proc(5): /proc/PID/mem). */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "util/base.h"

/*
 * A descriptor for reading, the caller's, with its size (0 for memory) if `size` isn't NULL; or
 * -errno. Never blocks on a FIFO: whatever isn't a regular file is -EINVAL. For memory it takes
 * the right to ptrace-attach (ptrace(2): the same user and Yama's consent), else -EACCES or
 * -EPERM; and it stays with the program of that moment, through its exec and its end.
 */
NODISCARD int bytes_open(int dirfd, const char *path, uint64_t *size);

/* As many of `n` bytes from `at` on as are there; -errno if the first one already isn't. */
NODISCARD ssize_t bytes_read(int fd, void *buf, size_t n, uint64_t at);
