#include "os/clock.h"

#include <time.h>

static msec_t read_clock(clockid_t id) {
	struct timespec ts;
	clock_gettime(id, &ts);
	return (msec_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

msec_t clock_now(void) {
	return read_clock(CLOCK_MONOTONIC);
}

msec_t clock_since_boot(void) {
	return read_clock(CLOCK_BOOTTIME);
}

uint64_t clock_now_usec(void) {
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

int64_t clock_wall(void) {
	return read_clock(CLOCK_REALTIME);
}
