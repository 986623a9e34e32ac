/*
 * Does replacing help? One guard for each limit (soft, hard, total): it holds replacements back
 * that give their memory back for minutes only, for ever.
 *
 * Pure. Futile is a limit that a fresh worker is over already, or that three replacements in a
 * row came back over within restart.min_useful_life. "Gave back little" is no sign of it: a
 * warm-up from 250 to 600 MB under a limit of 500 gives back more than half, each time.
 *
 *            a fresh worker is over it, or the third young re-crossing
 *   useful ─────────────────────────────────────────────────────────────▶ futile
 *          ◀─────────────────────────────────────────────────────────────
 *            a replacement stays below for min_useful_life; a changed limit,
 *            new code, a person's restart
 *
 * For `total` the figure is the herd's sum of PSS and the worker is the one that would go:
 * that the *others* grow meanwhile says nothing against having replaced it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "util/base.h"
#include "util/msec.h"

#define FUTILITY_WORKERS 64 /* remembered; the oldest is forgotten: evidence, not truth */

/* Zeroed but for `min_useful_life`: nothing known, replacing is useful. */
struct futility {
	msec_t min_useful_life; /* restart.min_useful_life; a reload may change it */
	bool futile;
	const char *reason;     /* while futile: static text for a person */
	uint64_t limit_bytes;   /* while futile: the limit that it is about */
	uint64_t plateau_bytes; /* what the app needs, as far as seen; 0: not known */
	msec_t interval;        /* between tries, doubled by each */
	msec_t next_try_at;
	unsigned recrossed; /* young re-crossings in a row */
	unsigned leaked;    /* the same for 1.5 × the plateau, while futile */
	struct futility_worker {
		uint64_t id; /* 0: a free place */
		msec_t ready_at;
		bool replaced; /* it took the place of one that was over this limit */
		bool crossed;  /* the limit */
		bool leaked;   /* 1.5 × the plateau; counted once */
	} workers[FUTILITY_WORKERS];
};

/* What an event did to the guard; tell it once. */
enum futility_change { FUTILITY_SAME, FUTILITY_BEGAN, FUTILITY_ENDED };

/*
 * Worker ids are above 0 and never used twice (a counter, no pid). Sizes are of the figure that
 * the limit is about; `now` never goes back.
 *
 * A replacement because of this limit has brought up `id`, which is ready now.
 */
void futility_replaced(struct futility *f, uint64_t id, msec_t now);

/*
 * The first figure of a worker that became ready just now, whatever it was launched for. For
 * `total`: its PSS times the number of workers wanted.
 */
NODISCARD enum futility_change futility_fresh(struct futility *f, uint64_t id,
					      uint64_t figure_bytes, uint64_t limit_bytes,
					      msec_t now);

/* A worker is over the limit for the first time in its life, `age` after it became ready. */
NODISCARD enum futility_change futility_crossed(struct futility *f, uint64_t id,
						uint64_t figure_bytes, uint64_t limit_bytes,
						msec_t age, msec_t now);

/*
 * Any later figure of a ready worker, before futility_ask() about it. Learns the plateau, and
 * sees that a replacement was worth it: it lived for min_useful_life without crossing.
 */
NODISCARD enum futility_change futility_seen(struct futility *f, uint64_t id, uint64_t figure_bytes,
					     int64_t growth_bytes_per_hour, msec_t now);

/* The limit changed, the code is new, or a person restarts: all of it was about another app. */
NODISCARD enum futility_change futility_clear(struct futility *f);

enum futile_answer {
	FUTILE_NO,   /* replace it */
	FUTILE_LEAK, /* beyond 1.5 × the plateau, by 16 MiB at least: a real leak, goes at once */
	FUTILE_TRY,  /* held back for long enough: one try; then futility_tried() */
	FUTILE_HOLD, /* keep it; `next_try_at` says until when */
};

enum futile_answer futility_ask(const struct futility *f, uint64_t figure_bytes, msec_t now);

/* The replacement that FUTILE_TRY allowed was started: the next one is twice as far away. */
void futility_tried(struct futility *f, msec_t now);

/* The limit that would work: plateau × 1.25, rounded up to 16 MiB; 0 while not known. */
uint64_t futility_suggest(const struct futility *f);

/* So near to the kernel's limit (95 %) that `total` acts although it is futile. */
bool futility_total_must_act(uint64_t used_bytes, uint64_t effective_bytes);
