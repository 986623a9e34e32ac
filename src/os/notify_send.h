/*
 * The sending end of sd_notify(3): what is told to the service manager, at once or not at all.
 *
 * libsystemd's own (252, and still in 258) sends on a blocking socket: while the manager doesn't
 * read and its queue is full, whoever tells it something waits.
 */
#pragma once

#include "util/base.h"

/* A socket to send from (CLOEXEC); the caller's. Or -errno. */
NODISCARD int notify_send_open(void);

/*
 * One message, a line for each assignment, from `fd` to `address` ($NOTIFY_SOCKET: a path, or an
 * abstract name after `@`). `attached` goes along, unless it is -1; it stays the caller's. 0 or
 * -errno: -EAGAIN nobody reads fast enough, -EPROTONOSUPPORT an address of another kind,
 * -ENAMETOOLONG beyond 107 bytes, -ENOENT or -ECONNREFUSED nobody is there.
 */
NODISCARD int notify_send(int fd, const char *address, const char *text, int attached);
