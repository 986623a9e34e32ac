/*
 * app.mode: cluster. A third way to bring a worker up, beside launcher_start() and the molds: the
 * command is a Puma in cluster mode, whose master forks and respawns workers by itself. Who waits
 * for one gets one that is there, or is forked next; what comes of it is told later, as by molds.
 *
 * There is a master for each release that workers are wanted of: two during a deploy.
 */
#pragma once

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/cluster.h"
#include "daemon/molds.h"
#include "util/base.h"

struct cluster;
struct notice;

/* Everything borrowed outlives it. NULL: no memory. */
NODISCARD struct cluster *cluster_create(struct ev_loop *loop, const struct launcher *launcher,
					 struct reader *reader, const struct molds_handler *handler,
					 void *context);

/*
 * Kills the masters, and waits for their end; workers end with them. `leave`: all of them serve on,
 * for the next daemon. Takes NULL.
 */
void cluster_destroy(struct cluster *c, bool leave);

/* Another daemon's master, which serves on and forks for this one. */
struct cluster_former {
	unsigned release, generation;
	bool loaded;   /* it has had workers */
	bool restarts; /* those that it has yet, as a person told it to */
	pid_t pid;
	int pidfd;
};

/* Its pidfd becomes the set's. 0, or -ENOMEM: then it is still the caller's. */
NODISCARD int cluster_adopt(struct cluster *c, const struct cluster_former *former);

/* One of its workers, which that worker of the herd is. */
void cluster_adopt_worker(struct cluster *c, unsigned generation, unsigned worker, pid_t pid,
			  uint64_t start_ticks, bool leaving);

/* Tells of all that were adopted. */
void cluster_tell(struct cluster *c);

/* Of the last master that there was; and the next one has a greater number. */
unsigned cluster_generation(const struct cluster *c);
void cluster_continue(struct cluster *c, unsigned generation);

/*
 * A worker for that slot; `successor`: one more than there are, the slot has one yet. Starts a
 * master of that release if there is none. Told of by born() or unborn().
 */
void cluster_ask(struct cluster *c, const struct cluster_wait *wait);

/* Nobody waits for it any more. False: it isn't waited for, or it is a worker by now. */
bool cluster_cancel(struct cluster *c, unsigned worker);

/* It was told to go: until it is gone its master is left alone. */
void cluster_leaving(struct cluster *c, unsigned worker);

/*
 * Ends the master of that worker, and so the worker, if nobody has got another one of it that was
 * not told to go. False: it has others, and goes alone.
 */
bool cluster_end_master(struct cluster *c, unsigned worker);

/* A worker that is gone. */
void cluster_forget(struct cluster *c, unsigned worker);

/* Ends every master, and with it its workers: it drains them and forks no more. More than once. */
void cluster_leave(struct cluster *c);

/* Lets those go that have no worker which somebody has got, and whose release is not wanted. */
void cluster_keep(struct cluster *c, bool (*wanted)(const void *context, unsigned release),
		  const void *context);

/* Something that process has said of itself. */
void cluster_heard(struct cluster *c, pid_t pid, const struct notice *notice);

/* A dear reading of that master; told of by read(). */
void cluster_read(struct cluster *c, unsigned generation);

/* Is that one of its masters? */
bool cluster_own(const struct cluster *c, pid_t pid);
