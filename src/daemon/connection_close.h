/*
 * Half-closing some of a worker's connections. Runs on a reader thread, as connection_look.h.
 *
 * While a worker drains, look at it every second or so, keep the look before, show what
 * connections_judge() counts, and hand both looks over once the drain has stalled; again at
 * every look, until the worker is gone.
 */
#pragma once

#include "core/connections_judge.h"
#include "util/base.h"

struct half_closed {
	unsigned closed; /* half-closed now; they go away when the worker closes them */
	unsigned left;   /* the others of the look */
	int error;       /* errno of the first refusal (EPERM, ENOSYS, EMFILE); 0: none */
};

/*
 * Half-closes what core/connections_judge.h allows, given two looks at the same worker;
 * `before` is NULL at the first, which allows only what was idle. Busy ones are watched first,
 * at most WATCH_AT_ONCE together, for WATCH_STEPS × WATCH_STEP_MS.
 */
#define WATCH_STEPS   10
#define WATCH_STEP_MS 10
#define WATCH_AT_ONCE 128

NODISCARD struct half_closed connections_half_close(int pidfd, const struct connections *before,
						    const struct connections *now,
						    enum close_which which);
