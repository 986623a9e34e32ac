/*
 * The life of one worker.
 *
 *              proved           retire            quiet, patience
 *    BOOTING ──────────▶ READY ────────▶ LEAVING ──────────────▶ DRAINING
 *     │    ▲               │ │                                     │  ▲
 *     │    └── reboot ─────┘ └─────────── terminate ───────────────┼──┘
 *     │ patience, retire                                           │ patience
 *     ▼                                                            ▼
 *  ABANDONED ─ patience ─▶ KILLING ◀─ exhausted ─ CLOSING_BUSY ◀─ CLOSING_IDLE
 *                                                     └──▶ itself, each second
 *
 *  From everywhere an exit leads to GONE; `hurry` takes the shortest way there.
 *
 * Pure: the caller tells what happened and what time it is, and is told the one thing to do.
 * A timer is a number (`deadline`); every state but the two restful ones, GONE and READY, has
 * one, so a worker can never be forgotten.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "util/base.h"
#include "util/msec.h"

enum worker_state {
	WORKER_GONE,
	WORKER_BOOTING,      /* launched, and not proved yet */
	WORKER_READY,        /* it answered: it serves */
	WORKER_LEAVING,      /* to go; serves until a moment without a busy connection */
	WORKER_DRAINING,     /* TERM was sent; it finishes what it has */
	WORKER_CLOSING_IDLE, /* stalled: idle keep-alive connections are half-closed */
	WORKER_CLOSING_BUSY, /* still stalled: also those that go on asking */
	WORKER_ABANDONED,    /* it did not become ready: TERM was sent, nothing to drain */
	WORKER_KILLING,      /* SIGKILL was sent */
	WORKER_STATES,
};

enum worker_event {
	WORKER_LAUNCH,
	WORKER_PROVED,
	WORKER_RETIRE,    /* go, at a quiet moment */
	WORKER_TERMINATE, /* go, now, and gracefully */
	WORKER_QUIET,     /* no busy connection at this moment */
	WORKER_REBOOT,    /* same pid, new image */
	WORKER_HURRY,     /* a person has no more patience */
	WORKER_EXIT,
	WORKER_DEADLINE,  /* `deadline` has passed */
	WORKER_EXHAUSTED, /* and with it all patience for the drain */
	WORKER_EVENTS,
};

enum worker_action {
	WORKER_NOTHING,
	WORKER_START,
	WORKER_PROBE, /* it has to prove itself again */
	WORKER_TERM,
	WORKER_CLOSE_IDLE,
	WORKER_CLOSE_BUSY,
	WORKER_KILL,
};

/* How long each may last. */
struct worker_patience {
	msec_t boot;       /* app.boot_timeout */
	msec_t quiet;      /* restart.quiet_wait */
	msec_t drain;      /* restart.drain_timeout: from TERM to SIGKILL */
	msec_t half_close; /* restart.half_close_after: from TERM */
};

#define WORKER_CLOSE_AGAIN   (1 * MSEC_SECOND) /* between two rounds of half-closing */
#define WORKER_ABANDON_GRACE (5 * MSEC_SECOND) /* a booting Puma ends in ms (puma.md) */
#define WORKER_KILL_AGAIN    (5 * MSEC_SECOND) /* it may sit in the kernel, uninterruptible */
#define WORKER_HURRY_GRACE   (2 * MSEC_SECOND) /* what a hurried drain still gets */

struct worker_life {
	enum worker_state state;
	msec_t since;     /* when it came to this state */
	msec_t deadline;  /* MSEC_NEVER in the restful ones */
	msec_t drain_end; /* MSEC_NEVER until TERM was sent */
};

/* Feed one event; do what it returns. Events that mean nothing here are ignored. */
NODISCARD enum worker_action worker_step(struct worker_life *life, enum worker_event event,
					 msec_t now, const struct worker_patience *patience);

/* Does it take part in serving: may a client's connection be in it? */
bool worker_serves(enum worker_state state);

/* Was it told to go (or given up)? */
bool worker_goes(enum worker_state state);

const char *worker_state_name(enum worker_state state);
