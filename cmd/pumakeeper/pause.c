#include "cmd/pumakeeper/pause.h"

#include <time.h>

void pause_for(long msec) {
	const struct timespec pause = { .tv_sec = msec / 1000, .tv_nsec = msec % 1000 * 1000000 };
	nanosleep(&pause, NULL);
}
