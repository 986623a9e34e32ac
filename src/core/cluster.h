/*
 * A Puma in cluster mode, seen from outside: who is a worker, who waits for one, and when the
 * master may be told to have one more (SIGTTIN) or one less (SIGTTOU). Pure.
 *
 * The one safe order (Puma culls the youngest, and forks a successor of its own for whoever ends):
 * TTIN, the new one serves, the old one is let go and gone, the master's own successor of it is
 * there: TTOU, which culls that one. Counting is enough: once a master has come to rest, whoever
 * isn't claimed is too many, or the next one's.
 *
 * New code comes with a second master on the same sockets, of one worker first: it grows by one
 * whenever the former one shrinks, so that there is never more than one worker too many.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "util/base.h"

/*
 * /proc/PID/cmdline of a worker: `puma: cluster worker INDEX: MASTER [TAG]`, then NULs. False: it
 * is none, or another master's. Its title says nothing of whether it serves.
 */
bool cluster_title(const char *cmdline, size_t len, pid_t master, unsigned *index);

/*
 * With fork_worker a worker is worker 0's child, and has its title until it sets its own, as whatever
 * the app forks has for good; and who was left behind by a worker is ours. So `index` says who it is
 * only of a child of the master, of another index, or, of an orphan, once its server runs.
 */
struct cluster_kin {
	pid_t parent, master, worker_0; /* 0: there is none, or it isn't known */
	bool serves;
};
bool cluster_title_is_own(const struct cluster_kin *kin, unsigned index);

/* Somebody who waits for a worker. */
struct cluster_wait {
	unsigned worker, slot;
	unsigned release; /* of a master that has that one */
	bool successor;   /* its slot has a worker yet */
};

/* Who of that release gets the worker of that index: the slot of that number, then any that has none. `n`: nobody. */
size_t cluster_pick(const struct cluster_wait *waits, size_t n, unsigned release, unsigned index);

/* One master. */
struct cluster_count {
	unsigned wanted;    /* slots, if new workers are to be its; 0: another one's */
	unsigned elsewhere; /* of those, who have a worker of another master, and keep it yet */
	unsigned has;       /* workers that it is to have, by its own count */
	unsigned living;    /* that there are, the leaving ones as well */
	unsigned ready;     /* of those, whose server runs */
	unsigned leaving;   /* of those, who were told to go */
	unsigned claimed;   /* of those, that somebody has got */
	unsigned untold;    /* who have ended, and whoever has got them hasn't heard of it */
	unsigned waits;     /* who wait for one of it */
	bool culling;       /* a TTOU is out: somebody leaves without having been told by us */
	bool restarting;    /* it replaces its workers itself, and says so */
	bool over;          /* it has said that it is done with that */
	unsigned old;       /* of those who live, whom it has yet to replace */
};

enum cluster_action { CLUSTER_NOTHING, CLUSTER_ONE_MORE, CLUSTER_ONE_LESS };

/* How many workers it should have: what a new one is started with, and others are brought to. */
unsigned cluster_needed(const struct cluster_count *count);

/*
 * It has replaced them all, whether it says so or not (Puma 5 doesn't after a refork), and everybody
 * knows whom: what ends later has died.
 */
bool cluster_restarted(const struct cluster_count *count);

/* What to tell the master, which serves, and whose signal before was confirmed or is overdue. */
enum cluster_action cluster_decide(const struct cluster_count *count);
