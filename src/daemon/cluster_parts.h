/* What the files of the cluster share: cluster.c has the master, cluster_workers.c its workers. */
#pragma once

#include "core/cluster.h"
#include "daemon/cluster.h"
#include "daemon/member.h"

/* A worker of Puma's, whoever has it. */
struct known {
	pid_t pid;
	uint64_t start_ticks;
	unsigned index;
	unsigned worker; /* who has got it; 0: nobody */
	bool living;     /* seen at the last look */
	bool ready;      /* its server runs */
	bool leaving;
};

struct cluster {
	struct ev_loop *loop;
	const struct launcher *launcher;
	const struct molds_handler *handler;
	void *context;
	struct member_owner owner;

	struct mold_life life;
	unsigned generation; /* of the master */
	unsigned release;
	struct member *master; /* NULL: none */
	ev_timer deadline, look;

	struct cluster_wait waits[HERD_WORKERS_MAX];
	size_t n_waits;
	struct known known[HERD_WORKERS_MAX];
	size_t n_known;
	unsigned extra;     /* TTINs that no TTOU has taken back */
	bool culling;       /* a TTOU is out */
	msec_t changed;     /* when the number of workers last changed, or was asked to */
	unsigned last;      /* that number then */
	msec_t empty_since; /* no worker is there any more; 0: there are */
	bool settling, again;
	msec_t births_since; /* new workers are counted from then on */
	unsigned births;
};

/* cluster.c */
void cluster_drive(struct cluster *c, enum mold_event event);

/* cluster_workers.c: who is there, who gets them, and what the master is told */
void cluster_look(struct cluster *c);
void cluster_fail_waits(struct cluster *c, const char *why);
