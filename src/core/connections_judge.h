/*
 * What a worker's connections are doing, and which of them may be half-closed. Pure.
 *
 * Why at all (puma.md, fact 6; Puma 5.6.5, thread_pool.rb): after a TERM the acceptor has to
 * read STOP from a pipe, but before that it waits in wait_until_not_full until a thread is
 * free. A thread does not let go of a keep-alive client while requests follow one another, so
 * as long as as many clients as threads keep talking, STOP is never read. The server's status
 * stays `run`, thus its answers do not even say `Connection: close`. An end-of-file on a client's
 * socket is the one thing from outside that makes the thread close it and come back.
 *
 * What an end-of-file does to a connection depends on where it is:
 *  - between two requests (parked in the reactor, or waited for by a thread): closed at once,
 *    nothing lost, unless a request arrives within the microseconds between the read that
 *    returned end-of-file and the close;
 *  - a request that was read whole: answered, then closed;
 *  - a request that has arrived but was not read: read first, so it is answered as well;
 *  - a request of which a part is still under way: lost. Puma parses what it has, reads
 *    end-of-file, gives up. So never while a body arrives.
 *
 * Bytes already read by the worker cannot be seen from outside, thus a request that is being
 * answered and a body that pauses look the same in one look: received last. What tells them
 * apart is movement. Puma reads a request whole before it answers a byte of it (but for the
 * 25 bytes of `100 Continue`), so whatever is written proves that nothing is missing of what had
 * come before; what is received twice without a word written in between is still arriving.
 */
#pragma once

#include "core/connections.h"

struct connection_count {
	unsigned open, busy;
	unsigned
		silent; /* not busy, as far as one sees; without totals a request may be under way */
};

/*
 * Busy: bytes are queued either way, or the last to speak was the peer. Response streams and
 * hijacked connections (websockets, SSE) look idle between two pieces, a unix socket between its
 * request and its response. For display and quiet moments; never a proof that a worker is done.
 */
bool connection_busy(const struct connection *c);
struct connection_count connections_judge(const struct connections *owned);

/* What a connection did between two looks; the words are the worker's. */
enum connection_motion {
	MOTION_NEW,    /* not there at the look before */
	MOTION_STILL,  /* nothing */
	MOTION_ASKED,  /* received, written nothing: a request came, or its body still comes */
	MOTION_TOLD,   /* written without being asked: the end of a long answer, a stream, SSE */
	MOTION_CYCLED, /* both: requests follow one another */
};

/* `before` may be NULL. Without totals (unix, /proc) it is NEW or STILL. */
enum connection_motion connection_motion(const struct connection *before,
					 const struct connection *now);

enum close_which {
	CLOSE_IDLE, /* parked between two requests for at least IDLE_AGE_MS */
	CLOSE_BUSY, /* those, and those that cycle requests */
};

#define IDLE_AGE_MS 1000

/*
 * May it be half-closed, as far as two looks tell? `before` is NULL at the first look.
 *
 * IDLE takes what the worker has answered last and what was still for a second. A client that
 * never said a word is idle, too: Puma drops it without an answer anyway. A parked
 * websocket cannot be told from a parked keep-alive client; it is closed and reconnects.
 *
 * BUSY takes, besides, what cycled between the looks. Not: one request that takes long (it ends
 * by itself, and then cycles or is parked), a stream (Puma does not wait for hijacked ones, and
 * a download ends by itself), what was only received from. Before one is closed for being
 * busy, it is watched for a moment, see below.
 *
 * Unix sockets have no ages and no totals: IDLE takes those whose queues were empty at both
 * looks, BUSY those where nothing is unread now. Their clients are proxies on this machine, that
 * hand over a request in one piece. The same is said of TCP from /proc, only to be judged again
 * by what the borrowed socket itself tells.
 */
bool connection_may_close(const struct connection *before, const struct connection *now,
			  enum close_which which);

/*
 * The last look before the act: totals read again and again from the borrowed socket itself.
 * Arriving: received from in two steps with nothing written in between, or in the last step more
 * than a request's head has, so that a body may follow.
 */
struct connection_watch {
	uint64_t received, written;
	uint64_t unanswered; /* bytes received since the last word written */
	unsigned pieces;     /* steps in which they came */
	bool last_step;      /* some in the last one */
	bool cycled;         /* some were answered */
};

#define WATCH_HEAD_BYTES 8192 /* heads longer than this are rare, bodies are not */

struct connection_watch connection_watch(uint64_t received, uint64_t written);
void connection_watch_step(struct connection_watch *w, uint64_t received, uint64_t written);
bool connection_arriving(const struct connection_watch *w);
