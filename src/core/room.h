/*
 * Is there room for one more booting worker? Learns what a boot takes at its peak. Pure.
 *
 * A surge that doesn't fit ends with the kernel killing someone, and not always the new one.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Zeroed: no boot was seen yet. */
struct room {
	uint64_t boot_peak_bytes;
};

/*
 * One boot is over; `peak_bytes` is the most it held (VmHWM, or the largest USS of a fork).
 * A larger one counts at once, a smaller one by an eighth: an odd boot is forgotten after
 * two dozen.
 */
void room_learn(struct room *room, uint64_t peak_bytes);

/*
 * `used_bytes`: the herd's sum of PSS, and what boots under way have yet to take.
 * `fallback_bytes`: the largest worker's USS, while nothing was learned. What is not known (0)
 * doesn't forbid.
 */
bool room_for(const struct room *room, uint64_t effective_bytes, uint64_t used_bytes,
	      uint64_t fallback_bytes);
