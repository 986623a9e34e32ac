/*
 * Which sockets a process holds: the inodes behind /proc/PID/fd, with their numbers there.
 */
#pragma once

#include <stdint.h>

#include "util/base.h"

/* Two lists of one length: socket inodes[i] is descriptor fds[i] of that process. */
struct socket_inodes {
	uint64_t *inodes;
	int *fds;
	size_t len, size;
};

/*
 * Replaces the lists with what is there now. `proc_dir` is a descriptor of /proc/PID (O_PATH
 * will do), so a reused pid is never read. Costs a readlink(2) per descriptor. Descriptors
 * that come and go meanwhile may be missing. 0 or -errno: -EACCES without the right to trace
 * the process, -ESRCH or -ENOENT when it is gone.
 */
NODISCARD int socket_inodes_read(int proc_dir, struct socket_inodes *sockets);

void socket_inodes_finish(struct socket_inodes *sockets);
