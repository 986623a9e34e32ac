/*
 * app.mode: cluster. A third way to bring a worker up, beside launcher_start() and the molds: the
 * command is a Puma in cluster mode, whose master forks and respawns workers by itself. Who waits
 * for one gets one that is there, or is forked next; what comes of it is told later, as by molds.
 */
#pragma once

#include <ev.h>
#include <stdbool.h>
#include <sys/types.h>

#include "core/cluster.h"
#include "daemon/molds.h"
#include "util/base.h"

struct cluster;

/* Everything borrowed outlives it. NULL: no memory. */
NODISCARD struct cluster *cluster_create(struct ev_loop *loop, const struct launcher *launcher,
					 struct reader *reader, const struct molds_handler *handler,
					 void *context);

/* Kills the master, and waits for its end; workers end with it. Takes NULL. */
void cluster_destroy(struct cluster *c);

/*
 * A worker for that slot; `successor`: one more than there are, the slot has one yet. Starts the
 * master if there is none. Told of by born() or unborn().
 */
void cluster_ask(struct cluster *c, unsigned release, const struct cluster_wait *wait);

/* Nobody waits for it any more. False: it isn't waited for, or it is a worker by now. */
bool cluster_cancel(struct cluster *c, unsigned worker);

/* It was told to go: until it is gone the master is left alone. */
void cluster_leaving(struct cluster *c, unsigned worker);

/* A worker that is gone. */
void cluster_forget(struct cluster *c, unsigned worker);

/* Ends the master, and with it every worker: it drains them and forks no more. More than once. */
void cluster_leave(struct cluster *c);

/* A dear reading of the master; told of by read(). */
void cluster_read(struct cluster *c);

/* Is that its master? */
bool cluster_own(const struct cluster *c, pid_t pid);
