#include "core/limit_watch.h"

bool limit_watch_due(struct limit_watch *watch, msec_t now) {
	if (now < watch->next)
		return false;
	watch->next = now + LIMIT_WATCH_EVERY;
	return true;
}

bool limit_watch_believe(struct limit_watch *watch, uint64_t holds_bytes, uint64_t seen_bytes) {
	uint64_t before = watch->candidate;
	watch->candidate = seen_bytes > holds_bytes ? seen_bytes : 0;
	if (seen_bytes == 0 || seen_bytes == holds_bytes)
		return false;
	return seen_bytes < holds_bytes || seen_bytes == before;
}
