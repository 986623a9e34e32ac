/*
 * Workers that say READY=1 (sd_notify(3)) to us, where there is no probe to ask them: Puma since
 * 6.1, and any other server that speaks it.
 */
#pragma once

#include <sys/types.h>

#include "util/base.h"
#include "util/error.h"

struct ev_loop;
struct notify;

/*
 * Listens at `path`, which becomes $NOTIFY_SOCKET of the workers. `ready` hears of each READY=1
 * with the pid of who said it, which the kernel vouches for, not for what that pid is: only the
 * caller knows its workers. NULL with `err`.
 */
NODISCARD struct notify *notify_create(struct ev_loop *loop, const char *path,
				       void (*ready)(void *context, pid_t pid), void *context,
				       struct error *err);

/* The socket's file was removed: another one, at the same path. 0 or -errno. */
NODISCARD int notify_listen_again(struct notify *n);

/* The path is somebody else's by now: nothing is listened for, and nothing removed. */
void notify_give_up(struct notify *n);

/* Removes the socket. Takes NULL. */
void notify_destroy(struct notify *n);
