#include "core/backoff.h"

#define FIRST      MSEC_SECOND
#define CAP        MSEC_MINUTE
#define MAX_SHIFTS 6 /* 64 s: past the cap */

/* Neighbouring seeds far apart: the finaliser of MurmurHash3. */
static uint32_t scatter(uint32_t n) {
	n ^= n >> 16;
	n *= 0x85ebca6b;
	n ^= n >> 13;
	n *= 0xc2b2ae35;
	return n ^ n >> 16;
}

msec_t backoff_delay(unsigned failures, uint32_t seed) {
	if (failures == 0)
		return 0;
	unsigned shifts = failures - 1 < MAX_SHIFTS ? failures - 1 : MAX_SHIFTS;
	msec_t delay = msec_min(FIRST << shifts, CAP);
	msec_t spread = delay / 10;
	return delay - spread + scatter(seed * 31 + failures) % (2 * spread + 1);
}
