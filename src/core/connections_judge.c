#include "core/connections_judge.h"

/* "HTTP/1.1 100 Continue\r\n\r\n": says that the body may come, not that it has. */
#define CONTINUE_BYTES 25

static bool answered(uint64_t from, uint64_t to) {
	return to > from && to - from != CONTINUE_BYTES;
}

/*
 * Ages alone would miss the first request: a new connection's are equal, and the first
 * bytes of a deferred one come with it.
 */
static bool peer_spoke_last(const struct connection *c) {
	return c->recv_age_ms < c->sent_age_ms || (c->received > 0 && c->written == 0);
}

bool connection_busy(const struct connection *c) {
	return c->rqueue > 0 || c->wqueue > 0 || (c->counted && peer_spoke_last(c));
}

struct connection_count connections_judge(const struct connections *owned) {
	struct connection_count count = { .open = (unsigned)owned->len };
	for (size_t i = 0; i < owned->len; i++) {
		const struct connection *c = &owned->list[i];
		bool busy = connection_busy(c);
		count.busy += busy;
		count.silent += !busy && !c->counted;
	}
	return count;
}

enum connection_motion connection_motion(const struct connection *before,
					 const struct connection *now) {
	/* A smaller total is another connection that got the same inode. */
	if (before == NULL || before->inode != now->inode || before->counted != now->counted ||
	    now->received < before->received || now->written < before->written)
		return MOTION_NEW;
	bool asked = now->received > before->received;
	bool told = asked ? answered(before->written, now->written)
			  : now->written > before->written;
	if (asked)
		return told ? MOTION_CYCLED : MOTION_ASKED;
	return told ? MOTION_TOLD : MOTION_STILL;
}

static bool queues_allow(const struct connection *before, const struct connection *now,
			 enum close_which which) {
	if (now->rqueue > 0)
		return false;
	return which == CLOSE_BUSY ||
	       (now->wqueue == 0 && before != NULL && before->rqueue == 0 && before->wqueue == 0);
}

static bool parked(const struct connection *now) {
	return !connection_busy(now) && now->recv_age_ms >= IDLE_AGE_MS &&
	       now->sent_age_ms >= IDLE_AGE_MS;
}

bool connection_may_close(const struct connection *before, const struct connection *now,
			  enum close_which which) {
	if (!now->counted)
		return queues_allow(before, now, which);
	enum connection_motion motion = connection_motion(before, now);
	if ((motion == MOTION_STILL || motion == MOTION_NEW) && parked(now))
		return true;
	return which == CLOSE_BUSY && motion == MOTION_CYCLED;
}

struct connection_watch connection_watch(uint64_t received, uint64_t written) {
	return (struct connection_watch){ .received = received, .written = written };
}

void connection_watch_step(struct connection_watch *w, uint64_t received, uint64_t written) {
	uint64_t came = received - w->received;
	if (answered(w->written, written)) {
		w->cycled |= came > 0 || w->pieces > 0;
		w->pieces = 0;
		w->unanswered = 0;
	}
	w->last_step = came > 0;
	w->pieces += came > 0;
	w->unanswered += came;
	w->received = received;
	w->written = written;
}

bool connection_arriving(const struct connection_watch *w) {
	return w->pieces > 1 || (w->last_step && w->unanswered > WATCH_HEAD_BYTES);
}
