/*
 * Descriptors that somebody gave us: systemd (socket activation, its fd store) or whoever else
 * starts programs as sd_listen_fds(3) describes it, and those that the daemon found in another
 * way. Each has a name; whoever it is for takes it out, what is left in the end is closed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "util/base.h"
#include "util/strings.h"

#define INHERITED_MAX       512 /* a pidfd for each worker, every listener, and some air */
#define INHERITED_NAME_SIZE 256 /* FDNAME= and FileDescriptorName= have at most 255 characters */

struct inherited {
	struct inherited_fd {
		int fd; /* CLOEXEC; -1: it was taken out */
		char name[INHERITED_NAME_SIZE];
	} list[INHERITED_MAX];
	size_t len;
};

/*
 * Adds what LISTEN_FDS, LISTEN_PID and LISTEN_FDNAMES say; they are taken out of our environment,
 * also where they were meant for another process. 0, -ENOSPC when there were too many (the rest
 * is closed), or -errno when they say nonsense.
 */
NODISCARD int inherited_take(struct inherited *in);

/* Will there be one of that name? Before they are taken. */
bool inherited_is_named(const char *name);

/* `fd` becomes the set's, closed where there is no room. 0, or -ENOSPC. */
NODISCARD int inherited_add(struct inherited *in, const char *name, int fd);

/* The first of that name, the caller's now; -1: there is none (left). */
NODISCARD int inherited_named(struct inherited *in, const char *name);

/* The one at `index`, the caller's now. */
NODISCARD int inherited_out(struct inherited *in, size_t index);

/* Nobody wanted them. Their names are added to `closed`, as far as memory reaches; NULL is fine. */
void inherited_close_rest(struct inherited *in, struct strings *closed);
