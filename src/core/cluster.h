/*
 * A Puma in cluster mode, seen from outside: who is a worker, who waits for one, and when the
 * master may be told to have one more (SIGTTIN) or one less (SIGTTOU). Pure.
 *
 * The one safe order (Puma culls the youngest, and forks a successor of its own for whoever ends):
 * TTIN, the new one serves, the old one is let go and gone, the master's own successor of it is
 * there: TTOU, which culls that one. Counting is enough: the master has `wanted + extra` workers as
 * soon as it has come to rest, and whoever isn't claimed then is too many, or the next one's.
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

/* Somebody who waits for a worker. */
struct cluster_wait {
	unsigned worker, slot;
	bool successor; /* its slot has a worker yet */
};

/* Who gets the worker of that index: the slot of that number, then any that has none. `n` > 0. */
size_t cluster_pick(const struct cluster_wait *waits, size_t n, unsigned index);

struct cluster_count {
	unsigned wanted;  /* by the configuration */
	unsigned extra;   /* and so many more by our TTINs */
	unsigned living;  /* workers that there are, the leaving ones as well */
	unsigned ready;   /* of those, whose server runs */
	unsigned leaving; /* of those, who were told to go */
	unsigned claimed; /* of those, that somebody has got */
	unsigned untold;  /* who have ended, and whoever has got them hasn't heard of it */
	unsigned residents, successors; /* who wait for one */
	bool culling; /* a TTOU is out: somebody leaves without having been told by us */
};

enum cluster_action { CLUSTER_NOTHING, CLUSTER_ONE_MORE, CLUSTER_ONE_LESS };

/* What to tell the master, which serves, and whose signal before was confirmed or is overdue. */
enum cluster_action cluster_decide(const struct cluster_count *count);
