/* A connection to a unix socket, without waiting. */
#pragma once

#include "util/base.h"

/*
 * Connects to `path`; `@` starts an abstract name. The descriptor (non-blocking, CLOEXEC, the
 * caller's) or -errno: -EAGAIN the queue is full (try later), -ENOENT or -ECONNREFUSED nobody
 * listens, -ENAMETOOLONG beyond 107 bytes: it is never cut into another path.
 */
NODISCARD int unix_connect(const char *path);
