/*
 * Another image for this process, which is given descriptors by number: what an upgrade of the
 * daemon is made of. It stays who it is: its pid, its children, its locks (flock(2)), its place.
 */
#pragma once

#include <stddef.h>

#include "os/inherited.h"
#include "util/base.h"

#define HANDED_OVER_MAX 96 /* every listener, and some air */

struct handed_over {
	const char *name; /* without control characters */
	int fd;
};

/*
 * Execs `path`. The new image finds the descriptors by hand_over_take(), everything that is CLOEXEC
 * is closed. Returns only when that failed, with -errno (-E2BIG: too many), and everything as it was before.
 *
 * SIGTERM, SIGINT, SIGHUP, SIGUSR2 and SIGCHLD are blocked then and there, so that none of them
 * meets an image that has no handler for it yet: hand_over_listen() lets them in.
 */
NODISCARD int hand_over(const char *path, char *const argv[], const struct handed_over *list,
			size_t n);

/* Adds what was handed over to this image, if anything was. 0, or -ENOSPC. */
NODISCARD int hand_over_take(struct inherited *in);

/*
 * Lets none of them in already: what has come before is with this image's handlers, and a loop that
 * turns once more has seen it. Else one that came in between would be nobody's.
 */
void hand_over_hold(void);

/* The handlers are there. */
void hand_over_listen(void);
