/* When is the next tick? Sooner than usual if something would cross its limit before. Pure. */
#pragma once

#include "util/msec.h"

/*
 * `shortest_time_to_limit` of all workers and of the herd, as growth_time_to() tells it;
 * MSEC_NEVER: nothing grows; 0: already over, which is no reason to hurry: it has been seen.
 * Never longer than `interval`, never shorter than 100 ms or a twentieth of it, whichever is
 * larger, but for an `interval` that is itself shorter.
 */
msec_t cadence_next(msec_t interval, msec_t shortest_time_to_limit);
