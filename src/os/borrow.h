/*
 * A duplicate of another process's socket, by pidfd_getfd(2).
 *
 * Needs the right to attach to the process (Yama scope 1 allows our children only), and a seccomp
 * profile that allows pidfd_getfd.
 */
#pragma once

#include <stdint.h>

#include "util/base.h"

/*
 * A duplicate (CLOEXEC, the caller's) of descriptor `fd` of the process, after making sure that it
 * is (still) the socket with that inode: the number may have been reused. Or -errno: -ESTALE is
 * another one now, -EBADF closed, -EPERM, -ENOSYS (before 5.6), -ESRCH.
 */
NODISCARD int borrow_socket(int pidfd, int fd, uint64_t inode);

/* The same, wherever the process has it; `proc_dir` is its /proc/PID. -ENOENT: nowhere. */
NODISCARD int borrow_socket_of(int pidfd, int proc_dir, uint64_t inode);

/* And only if it still listens there: a worker on its way out may have shut it down. -EINVAL. */
NODISCARD int borrow_listener(int pidfd, int proc_dir, uint64_t inode);
