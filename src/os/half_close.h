/*
 * Another process's connection, borrowed (os/borrow.h) and ended for reading: its next read
 * returns end-of-file once what has arrived is read. A server then finishes the answer in flight
 * and closes.
 */
#pragma once

#include <stdint.h>

#include "util/base.h"

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
