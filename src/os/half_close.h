/*
 * Another process's connection, borrowed with pidfd_getfd(2), and ended for reading: its next
 * read returns end-of-file once what has arrived is read. A server then finishes the answer
 * in flight and closes.
 *
 * Needs the right to attach to the process (Yama scope 1 allows our children only), and a
 * seccomp profile that allows pidfd_getfd.
 */
#pragma once

#include <stdint.h>

#include "util/base.h"

/*
 * A duplicate (CLOEXEC, the caller's) of descriptor `fd` of the process, after making sure
 * that it still is the socket with that inode: the number may have been reused. Or -errno:
 * -ESTALE is another one now, -EBADF closed, -EPERM, -ENOSYS (before 5.6), -ESRCH.
 */
NODISCARD int half_close_borrow(int pidfd, int fd, uint64_t inode);

/* A connection as it is this very moment. */
struct half_close_look {
	uint32_t unread, unsent; /* bytes: arrived but not read, written but not acknowledged */
	uint32_t recv_age_ms, sent_age_ms;
	uint64_t received, written; /* bytes in all; written includes the unsent */
};

/* 0 or -errno: -ENOTSUP on a unix socket, where only the queues are known. */
NODISCARD int half_close_look(int borrowed, struct half_close_look *look);

/*
 * shutdown(SHUT_RD). 0 or -errno (-ENOTCONN: the peer is gone).
 *
 * TCP: the peer notices nothing until the server closes. What it sends in between is still
 * read; but what arrives between the server's end-of-file and its close is answered by a reset.
 * Unix: the peer's next write fails with EPIPE, so it knows what was not taken.
 */
NODISCARD int half_close(int borrowed);
