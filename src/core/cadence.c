#include "core/cadence.h"

#define FLOOR ((msec_t)100)

msec_t cadence_next(msec_t interval, msec_t shortest_time_to_limit) {
	if (shortest_time_to_limit <= 0)
		return interval;
	msec_t soonest = msec_max(FLOOR, interval / 20);
	return msec_min(msec_max(shortest_time_to_limit, soonest), interval);
}
