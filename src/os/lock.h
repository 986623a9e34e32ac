/* A lock file: held as long as its descriptor is open anywhere, and by nobody after a crash. */
#pragma once

#include <sys/types.h>

#include "util/base.h"

/*
 * Takes the lock `name` in the directory `dir_fd` (or AT_FDCWD) and writes our pid into it.
 * The descriptor (CLOEXEC, the caller's): closing it is letting go. -EWOULDBLOCK when somebody
 * holds it, and `holder` is their pid as far as the file tells, else 0; or another -errno.
 *
 * flock(2), not fcntl(2): it goes with the open description, so a daemon that re-execs and
 * hands the number over never lets go in between. The file stays: unlinking a lock that
 * another process has just opened would give two of them one each.
 */
NODISCARD int lock_take(int dir_fd, const char *name, pid_t *holder);
