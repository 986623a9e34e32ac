#include "core/room.h"

#define FORGETS_BY 8

/*
 * What ΣPSS doesn't count and a cgroup does: page tables, sockets, the daemon. Seen: without it a
 * surge at the very border of a small cgroup ended with the old worker killed by the kernel.
 */
#define RESERVE_PERCENT 5

void room_learn(struct room *room, uint64_t peak_bytes) {
	if (peak_bytes >= room->boot_peak_bytes)
		room->boot_peak_bytes = peak_bytes;
	else
		room->boot_peak_bytes -= (room->boot_peak_bytes - peak_bytes) / FORGETS_BY;
}

bool room_for(const struct room *room, uint64_t effective_bytes, uint64_t used_bytes,
	      uint64_t fallback_bytes) {
	uint64_t peak = room->boot_peak_bytes > 0 ? room->boot_peak_bytes : fallback_bytes;
	if (effective_bytes == 0 || peak == 0)
		return true;
	uint64_t usable = effective_bytes - effective_bytes / 100 * RESERVE_PERCENT;
	return used_bytes <= usable && usable - used_bytes >= peak;
}
