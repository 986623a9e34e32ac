/*
 * One text, kept in a file so that whoever comes next finds it whole: what was written last, or,
 * when the writer was killed meanwhile, what was written before.
 *
 * It is known by its descriptor only: a file in the runtime directory, a memfd, or either one
 * handed over by another process; its offset is neither used nor moved. Two places, written in
 * turn, in a sparse file; the header behind which a text is whole is written last:
 *
 *     0            header      STATE_FILE_PLACE            header
 *     4096         text        STATE_FILE_PLACE + 4096     text
 *
 * Nothing is synced to a disk: this is to outlive a process, not the machine.
 */
#pragma once

#include "util/base.h"

#define STATE_FILE_MAX   ((size_t)16 << 20) /* bytes of text */
#define STATE_FILE_TEXT  4096               /* where it starts in its place */
#define STATE_FILE_PLACE (2 * STATE_FILE_MAX)

/*
 * The file `name` in `dir_fd` (or AT_FDCWD), created with 0600 where there is none. A descriptor
 * (CLOEXEC, the caller's), or -errno: -EPERM when it isn't a regular file, or is somebody else's;
 * -ELOOP when it is a link.
 */
NODISCARD int state_file_open(int dir_fd, const char *name);

/* One without a file: gone with its last descriptor. As above; `name` is for /proc only. */
NODISCARD int state_file_memory(const char *name);

/*
 * The newest text that is whole: the caller's to free, with a NUL behind its `*len` bytes. 0, or
 * -errno with both untouched: -ENODATA when nothing was ever written, -EBADMSG when there is
 * something and none of it is whole (a first text that was cut off is that, too).
 */
NODISCARD int state_file_read(int fd, char **text, size_t *len);

/*
 * Only one process at a time may. 0, or -errno, and then the text of before is what is read:
 * -EFBIG when it is longer than STATE_FILE_MAX, -ENOSPC. Under a limit on the size of files
 * (RLIMIT_FSIZE) the kernel sends SIGXFSZ before it says -EFBIG: to be ignored by the program.
 */
NODISCARD int state_file_write(int fd, const char *text, size_t len);

/* As if nothing had ever been written. 0 or -errno. */
NODISCARD int state_file_empty(int fd);
