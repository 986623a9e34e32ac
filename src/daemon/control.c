#include "daemon/control.h"

#include <errno.h>
#include <ev.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/control_socket.h"
#include "util/buffer.h"
#include "util/fd.h"

#define ACCEPT_AT_ONCE 16              /* then other watchers have their turn */
#define ACCEPT_PAUSE   1.0             /* seconds; while there are no descriptors */
#define READ_AT_ONCE   4096            /* bytes */
#define REPORTS        8               /* refusals told one by one … */
#define REPORTS_WITHIN MSEC_SECOND * 8 /* … in this time */

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

/* A stranger in a loop must not fill the disk with our complaints about them. */
static void report(struct control *c, uid_t uid, const char *reason) {
	ev_tstamp now = ev_now(c->loop);
	if (now - c->reports_since > (double)(REPORTS_WITHIN) / 1000) {
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

static void client_close(struct client *client) {
	struct ev_loop *loop = client->control->loop;
	ev_io_stop(loop, &client->readable);
	ev_io_stop(loop, &client->writable);
	ev_timer_stop(loop, &client->patience);
	fd_close(&client->fd);
	buffer_finish(&client->in);
	buffer_finish(&client->out);
	client->state = CLIENT_FREE;
}

/* Always the last thing that a callback does: gone() may do anything but destroy us. */
static void client_lost(struct client *client) {
	struct control *c = client->control;
	bool waiting = client->state == CLIENT_WAITING;
	uint64_t id = client->id;
	client_close(client);
	if (waiting)
		c->handler->gone(c->context, id);
}

/* The patience runs while we wait for the client, and not while it waits for us. */
static void client_watch(struct client *client) {
	struct ev_loop *loop = client->control->loop;
	if (client->out.len > 0) {
		if (!ev_is_active(&client->writable)) {
			client->patience.repeat = (double)client->control->rules.read_within / 1000;
			ev_timer_again(loop, &client->patience);
			ev_io_start(loop, &client->writable);
		}
		return;
	}
	ev_io_stop(loop, &client->writable);
	ev_timer_stop(loop, &client->patience);
}

static bool client_queue(struct client *client, const char *line) {
	size_t max = client->control->rules.max_unread;
	size_t len = client->out.len;
	if (buffer_add(&client->out, line, strlen(line), max) &&
	    buffer_add(&client->out, "\n", 1, max))
		return true;
	client->out.len = len;
	return false;
}

static void client_leave(struct client *client) {
	ev_io_stop(client->control->loop, &client->readable);
	client->state = CLIENT_LEAVING;
	if (client->out.len == 0)
		client_close(client);
	else
		client_watch(client);
}

/* In a callback of the client's. */
PRINTF(3, 4)
static void client_refuse(struct client *client, enum protocol_code code, const char *fmt, ...) {
	char reason[400], line[PROTOCOL_LINE_MAX];
	struct text out = TEXT_IN(line);
	struct control *c = client->control;
	uid_t uid = client->uid;
	va_list args;
	va_start(args, fmt);
	vsnprintf(reason, sizeof reason, fmt, args);
	va_end(args);

	protocol_refuse(&out, code, "%s", reason);
	ev_timer_stop(c->loop, &client->patience);
	if (client_queue(client, line))
		client_leave(client);
	else
		client_close(client);
	report(c, uid, reason);
}

static void client_ask(struct client *client, size_t len) {
	struct control *c = client->control;
	struct request request;
	struct error err;
	if (protocol_parse(client->in.data, len, &request, &err) != 0) {
		client_refuse(client, CODE_NOT_UNDERSTOOD, "%s", err.text);
		return;
	}
	const struct verb_row *row = &verb_rows[request.verb];
	if (client->rank < row->who) {
		client_refuse(client, CODE_FAILED, "only root and the daemon's own user may %s",
			      row->name);
		return;
	}
	buffer_finish(&client->in);
	client->state = CLIENT_WAITING;
	client_watch(client);
	c->handler->request(c->context, client->id, &request);
}

static void read_request(struct client *client) {
	size_t max = client->control->rules.max_request, before = client->in.len;
	size_t room = max - before < READ_AT_ONCE ? max - before : READ_AT_ONCE;
	if (!buffer_reserve(&client->in, room, max)) {
		client_refuse(client, CODE_FAILED, "out of memory");
		return;
	}
	ssize_t n = control_socket_read(client->fd, client->in.data + before, room);
	if (n == -EAGAIN)
		return;
	if (n < 0 || (n == 0 && before == 0)) {
		client_lost(client); /* a port scan, or somebody who thought better of it */
		return;
	}
	if (n == 0) {
		client_refuse(client, CODE_NOT_UNDERSTOOD,
			      "cut off: a request ends with a newline");
		return;
	}
	client->in.len += (size_t)n;
	const char *newline = memchr(client->in.data + before, '\n', (size_t)n);
	if (newline != NULL)
		client_ask(client, (size_t)(newline - client->in.data));
	else if (client->in.len >= max)
		client_refuse(client, CODE_NOT_UNDERSTOOD, "longer than %zu bytes", max);
}

/*
 * It waits for its answer: has it left? One that only ended its own side (`… | nc -N`) still
 * reads, and one that goes on talking is not listened to; their end is found by writing.
 */
static void read_end(struct client *client) {
	char ignored[64];
	ssize_t n = control_socket_read(client->fd, ignored, sizeof ignored);
	if (n == -EAGAIN)
		return;
	if (n < 0 || control_socket_gone(client->fd))
		client_lost(client);
	else
		ev_io_stop(client->control->loop, &client->readable);
}

static void on_readable(struct ev_loop *loop UNUSED, ev_io *w, int revents UNUSED) {
	struct client *client = container_of(w, struct client, readable);
	if (client->state == CLIENT_ASKING)
		read_request(client);
	else
		read_end(client);
}

static void on_writable(struct ev_loop *loop, ev_io *w, int revents UNUSED) {
	struct client *client = container_of(w, struct client, writable);
	ssize_t n = control_socket_write(client->fd, client->out.data, client->out.len);
	if (n == -EAGAIN)
		return;
	if (n < 0) {
		client_lost(client);
		return;
	}
	buffer_take(&client->out, (size_t)n);
	ev_timer_again(loop, &client->patience);
	if (client->out.len == 0 && client->state == CLIENT_LEAVING)
		client_close(client);
	else
		client_watch(client);
}

static void on_impatient(struct ev_loop *loop UNUSED, ev_timer *w, int revents UNUSED) {
	struct client *client = container_of(w, struct client, patience);
	struct control *c = client->control;
	if (client->state == CLIENT_ASKING) {
		client_refuse(client, CODE_NOT_UNDERSTOOD, "no whole request in %lld s",
			      (long long)(c->rules.request_within / 1000));
		return;
	}
	report(c, client->uid, "a client that does not read its answer");
	client_lost(client);
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
	report(c, uid, reason);
}

static void welcome(struct control *c, struct client *client, int fd,
		    const struct control_peer *peer, enum peer_rank rank) {
	*client = (struct client){ .state = CLIENT_ASKING,
				   .control = c,
				   .id = ++c->last_id,
				   .fd = fd,
				   .uid = peer->uid,
				   .rank = rank };
	ev_io_init(&client->readable, on_readable, fd, EV_READ);
	ev_io_init(&client->writable, on_writable, fd, EV_WRITE);
	ev_timer_init(&client->patience, on_impatient, 0.0, (double)c->rules.request_within / 1000);
	ev_io_start(c->loop, &client->readable);
	ev_timer_again(c->loop, &client->patience);
}

static void meet(struct control *c, int connected) {
	AUTOCLOSE int fd = connected;
	CLEANUP(control_peer_finish) struct control_peer peer = { 0 };
	int error = control_socket_peer(fd, &peer);
	if (error != 0) {
		report(c, (uid_t)-1, strerror(-error));
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
		welcome(c, client, fd_take(&fd), &peer, rank);
}

/* The queue stays readable while we can't accept: without a pause that is a busy loop. */
static void pause_accepting(struct control *c, int error) {
	ev_io_stop(c->loop, &c->acceptable);
	ev_timer_set(&c->accept_again, ACCEPT_PAUSE, 0.0);
	ev_timer_start(c->loop, &c->accept_again);
	if (!c->out_of_descriptors)
		report(c, (uid_t)-1, strerror(-error));
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
	if (client_queue(client, json_line)) {
		client_watch(client);
		return true;
	}
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
