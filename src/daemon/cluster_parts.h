/*
 * What the files of the cluster share: cluster.c has the set, cluster_master.c one master's life,
 * cluster_find.c who its workers are, cluster_voice.c what it says, cluster_workers.c who gets them and what it is told.
 */
#pragma once

#include <limits.h>

#include "core/cluster.h"
#include "core/notice.h"
#include "daemon/cluster.h"
#include "daemon/member.h"
#include "util/text.h"

#define INDEX_UNKNOWN UINT_MAX

/* A worker of Puma's, whoever has it. */
struct known {
	pid_t pid;
	uint64_t start_ticks;
	unsigned index;  /* INDEX_UNKNOWN: it was adopted, and not looked at yet */
	unsigned worker; /* who has got it; 0: nobody */
	bool living;     /* seen at the last look */
	bool ready;      /* its server runs */
	bool leaving;
	bool old; /* there when a person had the master restart its workers */
};

struct master {
	struct master *next;
	struct cluster *all;
	unsigned release, generation;
	struct mold_life life; /* MOLD_GONE after that: swept at the next look */
	struct member *member; /* its process; NULL: none */
	ev_timer deadline;
	struct known known[HERD_WORKERS_MAX];
	size_t n_known;
	unsigned has;    /* workers, by what it was started with and told; 0: not known yet */
	bool culling;    /* a TTOU is out */
	msec_t changed;  /* when the number of workers last changed, or was asked to */
	unsigned last;   /* that number then */
	bool restarting; /* its workers, as a person told it to: it says so */
	bool over;       /* it is done with that, it says */
	char says[NOTICE_STATUS_MAX]; /* its last STATUS=; "": none */
	msec_t empty_since;           /* no worker is there any more; 0: there are */
	msec_t births_since;          /* new workers are counted from then on */
	unsigned births;
};

struct cluster {
	struct ev_loop *loop;
	const struct launcher *launcher;
	const struct molds_handler *handler;
	void *context;
	struct member_owner owner;
	unsigned generation; /* of the last one */
	struct master *list;
	ev_timer look;
	struct cluster_wait waits[HERD_WORKERS_MAX];
	size_t n_waits;
};

/* cluster.c */
struct master *cluster_add(struct cluster *c, unsigned release); /* NULL: no memory */
bool cluster_waits_for(const struct cluster *c, unsigned release);

/* cluster_master.c: it may be MOLD_GONE afterwards, and never freed */
void master_drive(struct master *m, enum mold_event event);
void master_tell(struct master *m, const char *reason);
void master_on_deadline(struct ev_loop *loop, ev_timer *w, int revents);
void master_ended(struct master *m, const char *how);
/* Kills it and waits for its end: none is left without a parent. */
void master_end_process(const struct master *m);

/* cluster_find.c */
void master_find(struct master *m);
struct known *cluster_known(struct cluster *c, unsigned worker); /* who has got it; NULL */

/* cluster_voice.c */
void master_say(const struct master *m);
void master_hush(
	struct master *m); /* a restart that is over, or doesn't get on, is none any more */

/* cluster_workers.c */
void master_look(struct master *m);
struct cluster_count master_count(const struct master *m);
void cluster_fail_waits(struct cluster *c, unsigned release, const char *why);
