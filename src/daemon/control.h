/*
 * The control socket, served: meets clients, turns away those who may not, hands each whole
 * request on, and carries the answer back, now or later. Never blocks the loop, and no client
 * can make it grow beyond its bounds.
 *
 *            stranger, full: a refusal, closed
 *     accept ──────────────┐
 *       │                  │
 *       ▼   bad, late      ▼
 *     ASKING ──────────▶ LEAVING ──▶ closed when all is written, or not read in time
 *       │                  ▲
 *       ▼ whole request    │ control_done()
 *     WAITING ─────────────┘
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/peer.h"
#include "core/protocol.h"
#include "util/base.h"
#include "util/msec.h"

struct ev_loop;
struct control;

/* A bound of 0 stands for the number behind it. */
struct control_rules {
	struct peer_rules peers;
	unsigned max_clients;  /* 64; never changes in a running one */
	size_t max_request;    /* PROTOCOL_REQUEST_MAX, at most */
	size_t max_unread;     /* 1 MiB of answers that a client has not read */
	msec_t request_within; /* 30 s from connecting to a whole request */
	msec_t read_within;    /* 30 s without taking a byte of what waits for it */
};

/*
 * Called from the loop, never from within the functions below. `client` is a number that is
 * never used again.
 */
struct control_handler {
	/* Answer with control_send(), now or later, and always end with control_done(). */
	void (*request)(void *context, uint64_t client, const struct request *request);

	/* A client that waited for its answer has left: forget it. What it asked for stands. */
	void (*gone)(void *context, uint64_t client);

	/* To be told as an event; the many of a flood come as one. (uid_t)-1: not known. */
	void (*refused)(void *context, uid_t uid, const char *reason);
};

/*
 * `listener` stays the caller's (it may be handed to the next daemon) and is made non-blocking.
 * `rules` are copied, `handler` is static. NULL when out of memory,
 * or when `listener` is no descriptor.
 */
NODISCARD struct control *control_create(struct ev_loop *loop, int listener,
					 const struct control_rules *rules,
					 const struct control_handler *handler, void *context);

/* Another listener in the place of the one before, or none (-1). Those who are connected stay. */
void control_listen(struct control *c, int listener);

/* After a reload: other rules for clients to come. */
void control_set_rules(struct control *c, const struct control_rules *rules);

/*
 * One line of an answer (json_line without its newline), queued. False: the client is gone, or
 * was dropped just now because it doesn't read; gone() is not called for it any more.
 */
bool control_send(struct control *c, uint64_t client, const char *json_line);

/* The answer is complete: what is queued is still written, then the connection closes. */
void control_done(struct control *c, uint64_t client);

/* Both at once, and the usual case: one line is the whole answer. */
void control_answer(struct control *c, uint64_t client, const char *json_line);

/* Who asked, for the event that tells of it; (uid_t)-1 when the client is gone. */
uid_t control_uid(struct control *c, uint64_t client);

/* Clients that are connected. */
unsigned control_count(const struct control *c);

/*
 * What is queued gets one last chance to be written (a socket takes some 200 KiB at once);
 * calls nobody back. The listener stays open. Not from within a callback. NULL is fine.
 */
void control_destroy(struct control *c);
