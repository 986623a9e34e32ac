/*
 * One worker's memory, watched: from cheap readings to a verdict.
 *
 * Pure. The cheap reading (RSS, swap) comes at every tick and either proves that the worker is
 * under its limits, or asks for the dear one (PSS, USS), which is judged.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/config.h"
#include "core/gate.h"
#include "core/growth.h"
#include "core/history.h"
#include "core/policy.h"
#include "core/proc.h"
#include "util/msec.h"

/* A dear reading for display, at least; the second where memory lies as still as it was read. */
#define WATCH_SLOW_SCHEDULE (60 * MSEC_SECOND)
#define WATCH_CALM_SCHEDULE (10 * MSEC_MINUTE)

struct watch_rules {
	enum memory_figure figure;
	uint64_t soft_bytes, hard_bytes;
	struct strikes strikes;
	uint64_t slack_bytes; /* by how much a cheap reading may be wrong (kernel.md) */
};

struct watch {
	uint64_t rss_bytes, swap_bytes; /* the last cheap reading */
	msec_t cheap_at;                /* 0: none yet */
	uint64_t peak_rss_bytes;
	struct memory memory; /* the last dear reading */
	msec_t dear_at;       /* 0: none yet */
	struct gate gate;
	struct growth growth;
	struct strike_record strikes;
	struct history history;

	bool forked;        /* from a mold: it shares pages until it writes to them */
	bool wants_dear;    /* the gate is open, or the slow schedule is due */
	bool urgent;        /* the gate is open: a limit may have been crossed */
	enum cause verdict; /* CAUSE_NONE, CAUSE_SOFT or CAUSE_HARD */
	bool over;          /* the last judged figure is over the soft limit */
};

/* A tick's reading of a worker that doesn't serve (yet, or any more): only noted. */
void watch_note(struct watch *w, uint64_t rss_bytes, uint64_t swap_bytes, msec_t now);

/*
 * A tick's reading of one that serves. True when it was enough to judge: the figure is RSS
 * (`only_rss`: the dear one can't be had), or the gate is shut.
 */
bool watch_cheap(struct watch *w, uint64_t rss_bytes, uint64_t swap_bytes, msec_t now,
		 const struct watch_rules *rules, bool only_rss);

/* A dear reading came back: it is judged. */
void watch_dear(struct watch *w, const struct memory *memory, msec_t now,
		const struct watch_rules *rules);

/* The figure that is judged, from the last dear reading; RSS and swap where there is none. */
uint64_t watch_figure(const struct watch *w, enum memory_figure figure);

/* "uss", "pss", "rss" */
const char *figure_name(enum memory_figure figure);

/* When, at the measured growth, the next limit is crossed; MSEC_NEVER: it isn't. */
msec_t watch_time_to_limit(const struct watch *w, const struct watch_rules *rules);

/*
 * Nothing has moved since the last dear reading that a new one would show. It walks every page
 * of the worker, far the dearest thing that is done for one that sleeps: so it can wait.
 */
bool watch_is_calm(const struct watch *w);

/* New limits: what was judged by the old ones is forgotten. */
void watch_forget_verdict(struct watch *w);
