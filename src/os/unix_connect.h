/* A connection to a unix socket, without waiting, and how far it got. */
#pragma once

#include <stdbool.h>

#include "util/base.h"

/*
 * Connects to `path`; `@` starts an abstract name. The descriptor (non-blocking, CLOEXEC, the
 * caller's) or -errno: -EAGAIN the queue is full (try later), -ENOENT or -ECONNREFUSED nobody
 * listens, -ENAMETOOLONG beyond 107 bytes: it is never cut into another path.
 */
NODISCARD int unix_connect(const char *path);

/* Has the other side read all that was sent (SIOCOUTQ)? Not before it has accepted it. */
bool unix_connect_is_read(int fd);
