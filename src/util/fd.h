/* A descriptor that closes itself when its name goes out of scope; -1 is none. */
#pragma once

#include <errno.h>
#include <unistd.h>

#include "util/base.h"

static inline void fd_close(int *fd) {
	if (*fd < 0)
		return;
	int saved = errno; /* a cleanup must not change what the function reports */
	close(*fd);
	errno = saved;
	*fd = -1;
}

/* Hands the descriptor over: the name no longer closes it. */
NODISCARD static inline int fd_take(int *fd) {
	int taken = *fd;
	*fd = -1;
	return taken;
}

#define AUTOCLOSE CLEANUP(fd_close)
