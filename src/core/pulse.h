/* Does a process move? By its CPU time, for the question whether it hangs. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "util/msec.h"

/*
 * More than a hundredth of a processor is somebody who works in there. CPU time comes in ticks of
 * 10 ms, and a hung Ruby spends one now and then (its timer thread polls): within a second a
 * single tick would be a hundredth. So it is measured over ten seconds, or until as much was used
 * as ten seconds ask for.
 */
#define PULSE_WINDOW (10 * MSEC_SECOND)

/* All zero: nothing measured yet. */
struct pulse {
	bool known;
	uint64_t ticks;
	msec_t at;
};

/*
 * `ticks`: utime + stime of /proc/PID/stat; `per_second`: sysconf(_SC_CLK_TCK). True when it has
 * moved since it was last found to, or since a window ago; often false in between.
 */
bool pulse_moved(struct pulse *pulse, uint64_t ticks, long per_second, msec_t now);
