#include "daemon/control.h"

#include <errno.h>
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control_client.h"
#include "os/control_socket.h"
#include "util/fd.h"

#define ACCEPT_AT_ONCE 16  /* then other watchers have their turn */
#define ACCEPT_PAUSE   1.0 /* seconds; while there are no descriptors */
#define REPORTS        8   /* refusals told one by one … */
#define REPORTS_WITHIN 8.0 /* … in so many seconds */

/* A stranger in a loop must not fill the disk with our complaints about them. */
void control_report(struct control *c, uid_t uid, const char *reason) {
	ev_tstamp now = ev_now(c->loop);
	if (now - c->reports_since > REPORTS_WITHIN) {
		c->reports_since = now;
		c->reports = 0;
	}
	if (c->reports++ >= REPORTS) {
		c->unreported++;
		return;
	}
	char text[300];
	if (c->unreported > 0)
		snprintf(text, sizeof text, "%s (and %u others, not told)", reason, c->unreported);
	else
		snprintf(text, sizeof text, "%s", reason);
	c->unreported = 0;
	c->handler->refused(c->context, uid, text);
}

static struct client *free_client(struct control *c) {
	for (unsigned i = 0; i < c->rules.max_clients; i++) {
		if (c->clients[i].state == CLIENT_FREE)
			return &c->clients[i];
	}
	return NULL;
}

/* A fresh socket always has room for a line; whoever doesn't get it is closed all the same. */
static void turn_away(struct control *c, int fd, uid_t uid, const char *reason) {
	char line[PROTOCOL_LINE_MAX];
	struct text out = TEXT_IN(line);
	protocol_refuse(&out, CODE_FAILED, "%s", reason);
	text_puts(&out, "\n");
	ssize_t n = control_socket_write(fd, out.data, out.len);
	(void)n;
	control_report(c, uid, reason);
}

static void meet(struct control *c, int connected) {
	AUTOCLOSE int fd = connected;
	CLEANUP(control_peer_finish) struct control_peer peer = { 0 };
	int error = control_socket_peer(fd, &peer);
	if (error != 0) {
		control_report(c, (uid_t)-1, strerror(-error));
		return;
	}
	const struct peer who = { peer.uid, peer.gid, peer.groups, peer.n_groups };
	enum peer_rank rank = peer_rank(&who, &c->rules.peers);
	struct client *client = free_client(c);
	if (rank == PEER_STRANGER)
		turn_away(c, fd, peer.uid, "you may not talk to this daemon");
	else if (client == NULL)
		turn_away(c, fd, peer.uid, "too many clients at once");
	else
		client_welcome(client, c, fd_take(&fd), peer.uid, rank);
}

/* The queue stays readable while we can't accept: without a pause that is a busy loop. */
static void pause_accepting(struct control *c, int error) {
	ev_io_stop(c->loop, &c->acceptable);
	ev_timer_set(&c->accept_again, ACCEPT_PAUSE, 0.0);
	ev_timer_start(c->loop, &c->accept_again);
	if (!c->out_of_descriptors)
		control_report(c, (uid_t)-1, strerror(-error));
	c->out_of_descriptors = true;
}

static void on_acceptable(struct ev_loop *loop UNUSED, ev_io *w, int revents UNUSED) {
	struct control *c = container_of(w, struct control, acceptable);
	for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
		int fd = control_socket_accept(w->fd);
		if (fd == -EAGAIN)
			return;
		if (fd == -EINTR || fd == -ECONNABORTED)
			continue;
		if (fd < 0) {
			pause_accepting(c, fd);
			return;
		}
		c->out_of_descriptors = false;
		meet(c, fd);
	}
}

static void on_accept_again(struct ev_loop *loop, ev_timer *w, int revents UNUSED) {
	ev_io_start(loop, &container_of(w, struct control, accept_again)->acceptable);
}

void control_set_rules(struct control *c, const struct control_rules *rules) {
	unsigned clients = c->rules.max_clients;
	c->rules = *rules;
	c->rules.max_clients = clients;
	if (rules->max_request == 0 || rules->max_request > PROTOCOL_REQUEST_MAX)
		c->rules.max_request = PROTOCOL_REQUEST_MAX;
	if (rules->max_unread == 0)
		c->rules.max_unread = 1 << 20;
	if (rules->request_within == 0)
		c->rules.request_within = 30 * MSEC_SECOND;
	if (rules->read_within == 0)
		c->rules.read_within = 30 * MSEC_SECOND;
}

struct control *control_create(struct ev_loop *loop, int listener,
			       const struct control_rules *rules,
			       const struct control_handler *handler, void *context) {
	unsigned clients = rules->max_clients > 0 ? rules->max_clients : 64;
	struct control *c = calloc(1, sizeof *c + clients * sizeof c->clients[0]);
	if (c == NULL || control_socket_unblock(listener) != 0) {
		free(c);
		return NULL;
	}
	c->loop = loop;
	c->handler = handler;
	c->context = context;
	c->rules.max_clients = clients;
	control_set_rules(c, rules);
	ev_io_init(&c->acceptable, on_acceptable, listener, EV_READ);
	ev_timer_init(&c->accept_again, on_accept_again, 0.0, 0.0);
	ev_io_start(loop, &c->acceptable);
	return c;
}

void control_listen(struct control *c, int listener) {
	ev_io_stop(c->loop, &c->acceptable);
	ev_timer_stop(c->loop, &c->accept_again);
	ev_io_set(&c->acceptable, listener, EV_READ);
	if (listener >= 0)
		ev_io_start(c->loop, &c->acceptable);
}

/* Of those who wait for an answer. */
static struct client *find_waiting(struct control *c, uint64_t id) {
	for (unsigned i = 0; i < c->rules.max_clients; i++) {
		if (c->clients[i].state == CLIENT_WAITING && c->clients[i].id == id)
			return &c->clients[i];
	}
	return NULL;
}

bool control_send(struct control *c, uint64_t id, const char *json_line) {
	struct client *client = find_waiting(c, id);
	if (client == NULL)
		return false;
	if (client_send(client, json_line))
		return true;
	client_close(client);
	return false;
}

void control_done(struct control *c, uint64_t id) {
	struct client *client = find_waiting(c, id);
	if (client != NULL)
		client_leave(client);
}

void control_answer(struct control *c, uint64_t id, const char *json_line) {
	if (control_send(c, id, json_line))
		control_done(c, id);
}

uid_t control_uid(struct control *c, uint64_t id) {
	const struct client *client = find_waiting(c, id);
	return client != NULL ? client->uid : (uid_t)-1;
}

unsigned control_count(const struct control *c) {
	unsigned n = 0;
	for (unsigned i = 0; i < c->rules.max_clients; i++)
		n += c->clients[i].state != CLIENT_FREE;
	return n;
}

void control_destroy(struct control *c) {
	if (c == NULL)
		return;
	for (unsigned i = 0; i < c->rules.max_clients; i++) {
		struct client *client = &c->clients[i];
		if (client->state == CLIENT_FREE)
			continue;
		if (client->out.len > 0) {
			ssize_t n =
				control_socket_write(client->fd, client->out.data, client->out.len);
			(void)n;
		}
		client_close(client);
	}
	ev_io_stop(c->loop, &c->acceptable);
	ev_timer_stop(c->loop, &c->accept_again);
	free(c);
}
