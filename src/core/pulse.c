#include "core/pulse.h"

bool pulse_moved(struct pulse *pulse, uint64_t ticks, long per_second, msec_t now) {
	/* Fewer than before: another process image counts anew. */
	if (!pulse->known || ticks < pulse->ticks) {
		*pulse = (struct pulse){ .known = true, .ticks = ticks, .at = now };
		return false;
	}
	msec_t window = msec_max(now - pulse->at, PULSE_WINDOW);
	uint64_t used_msec = (ticks - pulse->ticks) * 1000 / (uint64_t)per_second;
	bool moved = used_msec * 100 > (uint64_t)window;
	if (moved || now - pulse->at >= PULSE_WINDOW) {
		pulse->ticks = ticks;
		pulse->at = now;
	}
	return moved;
}
