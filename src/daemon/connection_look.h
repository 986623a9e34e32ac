/*
 * One look at a worker's connections. Runs on a reader thread: blocks for milliseconds, keeps
 * nothing between calls, and shares nothing.
 */
#pragma once

#include "core/connections.h"
#include "util/base.h"

/*
 * Replaces `out` with the connections of the process behind `proc_dir` (a descriptor of
 * /proc/PID, O_PATH will do) to any of the listeners. Asks sock_diag, or /proc/PID/net where the
 * kernel lacks it: then there are inodes and queues only.
 *
 * 0, or -errno with `out` empty: -EACCES without the right to trace the worker, -ENOENT or
 * -ESRCH when it is gone.
 */
NODISCARD int connections_look(const struct listeners *listeners, int proc_dir,
			       struct connections *out);

/* Connections that wait to be accepted from the unix listeners. -errno: not known. */
NODISCARD int connections_queued_unix(const struct listeners *listeners);
