#include "core/room.h"

#define FORGETS_BY 8

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
	return used_bytes <= effective_bytes && effective_bytes - used_bytes >= peak;
}
