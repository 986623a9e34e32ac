/* How many processors this process may run on. */
#pragma once

/*
 * By its affinity (sched_getaffinity(2), so a cpuset counts), at least 1. A quota (cpu.max)
 * is no number of processors: an app with half a processor's time may still use them all.
 */
unsigned processors_available(void);
