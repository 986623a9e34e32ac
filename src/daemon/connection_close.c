#include "daemon/connection_close.h"

#include <errno.h>
#include <poll.h>

#include "os/borrow.h"
#include "os/half_close.h"
#include "util/fd.h"

/* A connection borrowed from the worker, because it may be closed. */
struct candidate {
	const struct connection *seen; /* in the look */
	int fd;
	bool parked; /* it may be closed because it was idle in the look */
	struct connection_watch watch;
};

/* Those that are watched together. */
struct batch {
	struct candidate list[WATCH_AT_ONCE];
	size_t len;
};

static void note(struct half_closed *result, int error) {
	/* Closed, or another one by now: what we wanted. */
	bool gone = error == -EBADF || error == -ESTALE || error == -ENOTCONN;
	if (error < 0 && !gone && result->error == 0)
		result->error = -error;
}

static void end(struct candidate *one, struct half_closed *result) {
	int error = half_close(one->fd);
	note(result, error);
	result->closed += error == 0;
}

/* The look again, as the socket itself tells it: with ages and totals even if /proc had none. */
static bool look_again(const struct candidate *one, struct connection *fresh) {
	struct half_close_look look;
	int error = half_close_look(one->fd, &look);
	if (error != 0 && error != -ENOTSUP)
		return false;
	*fresh = (struct connection){
		.inode = one->seen->inode,
		.fd = one->seen->fd,
		.unix_socket = one->seen->unix_socket,
		.counted = error == 0,
		.rqueue = look.unread,
		.wqueue = look.unsent,
		.recv_age_ms = look.recv_age_ms,
		.sent_age_ms = look.sent_age_ms,
		.received = look.received,
		.written = look.written,
	};
	return true;
}

static void watch(struct batch *b) {
	for (unsigned step = 0; step < WATCH_STEPS; step++) {
		poll(NULL, 0, WATCH_STEP_MS);
		for (size_t i = 0; i < b->len; i++) {
			struct connection fresh;
			if (look_again(&b->list[i], &fresh) && fresh.counted)
				connection_watch_step(&b->list[i].watch, fresh.received,
						      fresh.written);
		}
	}
}

static void end_batch(struct batch *b, struct half_closed *result) {
	if (b->len > 0)
		watch(b);
	for (size_t i = 0; i < b->len; i++) {
		struct candidate *one = &b->list[i];
		/* Without totals in the look, only the watch can tell that it cycles. */
		bool cycles = one->seen->counted || one->watch.cycled;
		if (cycles && !connection_arriving(&one->watch))
			end(one, result);
		fd_close(&one->fd);
	}
	b->len = 0;
}

static void consider(struct batch *b, struct candidate *one, enum close_which which,
		     struct half_closed *result) {
	struct connection fresh;
	if (!look_again(one, &fresh)) {
		fd_close(&one->fd);
		return;
	}
	bool idle = connection_may_close(one->seen, &fresh, CLOSE_IDLE);
	bool unix_busy = which == CLOSE_BUSY && !fresh.counted && fresh.rqueue == 0;
	/* Parked a moment ago and not any more: a request has come, its turn is at the next look. */
	bool woke = one->seen->counted && one->parked;
	if (idle || unix_busy)
		end(one, result);
	if (idle || unix_busy || woke || which == CLOSE_IDLE) {
		fd_close(&one->fd);
		return;
	}
	one->watch = connection_watch(fresh.received, fresh.written);
	b->list[b->len++] = *one;
	if (b->len == ARRAY_LEN(b->list))
		end_batch(b, result);
}

struct half_closed connections_half_close(int pidfd, const struct connections *before,
					  const struct connections *now, enum close_which which) {
	static const struct connections none;
	struct half_closed result = { 0 };
	struct batch batch = { .len = 0 };
	for (size_t i = 0; i < now->len; i++) {
		const struct connection *c = &now->list[i];
		const struct connection *was = connections_find(before ? before : &none, c->inode);
		if (!connection_may_close(was, c, which))
			continue;
		struct candidate one = {
			.seen = c,
			.fd = borrow_socket(pidfd, c->fd, c->inode),
			.parked = connection_may_close(was, c, CLOSE_IDLE),
		};
		if (one.fd >= 0)
			consider(&batch, &one, which, &result);
		else
			note(&result, one.fd);
	}
	end_batch(&batch, &result);
	result.left = (unsigned)now->len - result.closed;
	return result;
}
