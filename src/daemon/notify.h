/*
 * Who says something of itself to us (sd_notify(3)): Puma since 6.1, with ruby-sd-notify an earlier one,
 * and any other server that speaks it. READY=1 proves a worker where there is no probe to ask it; a
 * cluster's master tells when it restarts its workers.
 */
#pragma once

#include <sys/types.h>

#include "util/base.h"
#include "util/error.h"

struct ev_loop;
struct notice;
struct notify;

/* `pid` is who said it: the kernel vouches for that, not for what that pid is. */
typedef void notify_heard(void *context, pid_t pid, const struct notice *notice);

/*
 * Listens at `path`, which becomes $NOTIFY_SOCKET of the workers, or of a cluster's master. `heard` is
 * told of each message: only the caller knows its processes. NULL with `err`.
 */
NODISCARD struct notify *notify_create(struct ev_loop *loop, const char *path, notify_heard *heard,
				       void *context, struct error *err);

/* The socket's file was removed: another one, at the same path. 0 or -errno. */
NODISCARD int notify_listen_again(struct notify *n);

/* The path is somebody else's by now: nothing is listened for, and nothing removed. */
void notify_give_up(struct notify *n);

/* Removes the socket. Takes NULL. */
void notify_destroy(struct notify *n);
