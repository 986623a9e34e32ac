#include "os/chance.h"

#include <sys/random.h>

#include "os/clock.h"

uint64_t chance(void) {
	uint64_t number;
	if (getrandom(&number, sizeof number, GRND_NONBLOCK) != sizeof number)
		number = clock_now_usec();
	return number;
}
