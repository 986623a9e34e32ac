#include "daemon/control_client.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "os/control_socket.h"
#include "util/fd.h"

#define READ_AT_ONCE 4096 /* bytes */

void client_close(struct client *client) {
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

void client_leave(struct client *client) {
	ev_io_stop(client->control->loop, &client->readable);
	client->state = CLIENT_LEAVING;
	if (client->out.len == 0)
		client_close(client);
	else
		client_watch(client);
}

bool client_send(struct client *client, const char *line) {
	if (!client_queue(client, line))
		return false;
	client_watch(client);
	return true;
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
	control_report(c, uid, reason);
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
	control_report(c, client->uid, "a client that does not read its answer");
	client_lost(client);
}

void client_welcome(struct client *client, struct control *c, int fd, uid_t uid,
		    enum peer_rank rank) {
	*client = (struct client){ .state = CLIENT_ASKING,
				   .control = c,
				   .id = ++c->last_id,
				   .fd = fd,
				   .uid = uid,
				   .rank = rank };
	ev_io_init(&client->readable, on_readable, fd, EV_READ);
	ev_io_init(&client->writable, on_writable, fd, EV_WRITE);
	ev_timer_init(&client->patience, on_impatient, 0.0, (double)c->rules.request_within / 1000);
	ev_io_start(c->loop, &client->readable);
	ev_timer_again(c->loop, &client->patience);
}
