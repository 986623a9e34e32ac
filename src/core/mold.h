/*
 * The life of a mold, the process that workers are forked from (ruby/mold.rb).
 *
 *              loaded                      let go
 *    LOADING ──────────▶ READY ───────────────────────▶ ENDING
 *     ▲   │                │ ├─ stuck: a fork unanswered ──▲ │
 *     │   ├─ patience ─────┼─┴─────────────────────────────┘ │
 *     │   │ exit           │ exit                            │ exit
 *     │   ▼                ▼                                 ▼
 *     └─ BROKEN ◀──────────┘                               GONE
 *       back-off, or at once when somebody waits for a worker
 *
 * Another daemon's is ADOPTED: it forks nothing, is let go when ours is loaded, and is not made
 * again. Workers live on without it. Pure: the caller tells what happened and when, and is told the one
 * thing to do; `deadline` is when to come back.
 */
#pragma once

#include <stdbool.h>

#include "util/base.h"
#include "util/msec.h"

enum mold_state {
	MOLD_GONE,    /* not started, or let go: nothing of it is left */
	MOLD_LOADING, /* it runs, and loads the app */
	MOLD_READY,   /* it forks */
	MOLD_ENDING,  /* told to go; KILL is next */
	MOLD_BROKEN,  /* it ended by itself: another one is made later */
	MOLD_ADOPTED, /* another daemon's: it forks nothing, and goes when ours is loaded */
	MOLD_STATES,
};

enum mold_event {
	MOLD_WANT, /* somebody waits for a worker */
	MOLD_LOADED,
	MOLD_ASKED,    /* a fork was asked for */
	MOLD_ANSWERED, /* and the oldest one that was out was answered */
	MOLD_DEAF,     /* nobody is at the other end of its line: it has ended, or has to */
	MOLD_LET_GO,   /* it is of no more use */
	MOLD_EXIT,
	MOLD_DEADLINE,
};

enum mold_action {
	MOLD_NOTHING,
	MOLD_START,
	MOLD_TERM,
	MOLD_KILL,
};

#define MOLD_FORK_PATIENCE (15 * MSEC_SECOND) /* hooks around the fork may open connections */
#define MOLD_TERM_PATIENCE (5 * MSEC_SECOND)  /* it has nothing to finish */
#define MOLD_YOUNG         MSEC_MINUTE        /* who ends younger counts as a failure more */

struct mold_life {
	enum mold_state state;
	msec_t since;      /* when it came to this state */
	msec_t started;    /* its last launch */
	msec_t deadline;   /* MSEC_NEVER: only events move it on */
	unsigned failures; /* lives in a row that ended early */
	unsigned out;      /* forks asked for and not answered */
	bool deaf;         /* MOLD_DEAF was said */
	bool stuck;        /* it is ended because one was not answered in time */
	bool adopted;      /* another daemon has started it */
};

/* A new one: nothing has happened, nothing is due. */
struct mold_life mold_life(void);

/* Another daemon's, which lives. */
struct mold_life mold_life_adopted(msec_t now);

/*
 * Another daemon's that goes on as if it were ours, as a cluster's master can; one that has no
 * worker yet has all of its patience again.
 */
struct mold_life mold_life_taken_over(bool loaded, msec_t now, msec_t boot);

/* `boot`: app.boot_timeout. Events that mean nothing here are ignored. */
NODISCARD enum mold_action mold_step(struct mold_life *life, enum mold_event event, msec_t now,
				     msec_t boot);

/* Is there a process? */
bool mold_lives(enum mold_state state);

const char *mold_state_name(enum mold_state state);
