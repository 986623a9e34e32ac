/*
 * Inside daemon/control: one client's life (control_client.c), and what all of them share.
 * Nobody else includes this.
 */
#pragma once

#include <ev.h>

#include "daemon/control.h"
#include "util/buffer.h"

struct client {
	enum client_state { CLIENT_FREE, CLIENT_ASKING, CLIENT_WAITING, CLIENT_LEAVING } state;
	struct control *control;
	uint64_t id;
	int fd;
	uid_t uid;
	enum peer_rank rank;
	struct buffer in, out;
	ev_io readable, writable;
	ev_timer patience; /* for a whole request, or for reading the answer */
};

struct control {
	struct ev_loop *loop;
	struct control_rules rules;
	const struct control_handler *handler;
	void *context;
	uint64_t last_id;
	unsigned reports, unreported; /* since `reports_since` */
	ev_tstamp reports_since;
	bool out_of_descriptors;
	ev_io acceptable;
	ev_timer accept_again;
	struct client clients[]; /* rules.max_clients */
};

/* Tells handler->refused, unless there were too many just now. */
void control_report(struct control *c, uid_t uid, const char *reason);

/* Begins to listen to it; `client` is a free one, `fd` its own from now on. */
void client_welcome(struct client *client, struct control *c, int fd, uid_t uid,
		    enum peer_rank rank);

/* Nothing more is read; closes when all is written. */
void client_leave(struct client *client);

/* At once, and without a word to the handler. */
void client_close(struct client *client);

/* Queues that line; false when too much waits to be read already, the queue is as it was. */
bool client_send(struct client *client, const char *line);
