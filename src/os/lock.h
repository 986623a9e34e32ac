/* A lock file: held as long as its descriptor is open anywhere, and by nobody after a crash. */
#pragma once

#include <sys/types.h>

#include "util/base.h"
#include "util/msec.h"

/*
 * Takes the lock `name` in the directory `dir_fd` (or AT_FDCWD) and writes our pid into it.
 * The descriptor (CLOEXEC, the caller's): closing it is letting go. -EWOULDBLOCK when somebody
 * holds it, and `holder` is their pid as far as the file tells, else 0; or another -errno.
 *
 * Whoever may open it, for reading only as well, may hold it and keep every daemon from starting:
 * nobody else may (0600).
 *
 * flock(2), not fcntl(2): it goes with the open description, so a daemon that re-execs and
 * hands the number over never lets go in between. The file stays: unlinking a lock that
 * another process has just opened would give two of them one each.
 */
NODISCARD int lock_take(int dir_fd, const char *name, pid_t *holder);

/*
 * With how long to wait, at most, for the lock of a holder that is dead: until it execs, a child of
 * a daemon that was killed in the middle of a launch has the daemon's descriptors. A holder that
 * lives, or that nobody knows, is not waited for. lock_take() waits LOCK_PATIENCE; it blocks.
 */
#define LOCK_PATIENCE (2 * MSEC_SECOND)
NODISCARD int lock_take_within(int dir_fd, const char *name, msec_t patience, pid_t *holder);

/*
 * The directory itself, as well: what is locked is left alone by systemd-tmpfiles (tmpfiles.d(5),
 * "exclusive BSD file lock"), and a lock file that somebody has removed is not all there was. Held
 * as long as `dir_fd` is open. 0 or -EWOULDBLOCK, after `patience` (for the child of a dead daemon,
 * as above); whoever may read the directory may hold it, so that is an answer in a private one only.
 */
NODISCARD int lock_directory(int dir_fd, msec_t patience);
