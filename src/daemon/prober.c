#include "daemon/prober.h"

#include <errno.h>
#include <sys/socket.h>

#include "os/unix_connect.h"
#include "util/fd.h"

/* An app that refuses now may be warming up: not so often that it fills the app's log. */
#define ASK_AGAIN 2.0 /* seconds */

/* The kernel doesn't tell when a question was read, only whether: so often within its timeout. */
#define LOOKS 4

static void hang_up(struct prober *p) {
	ev_io_stop(p->loop, &p->io);
	ev_timer_stop(p->loop, &p->look);
	fd_close(&p->fd);
}

static void ask_later(struct prober *p) {
	hang_up(p);
	ev_timer_stop(p->loop, &p->again);
	ev_timer_set(&p->again, ASK_AGAIN, 0.0);
	ev_timer_start(p->loop, &p->again);
}

/* The callback may stop or restart us, or end the worker: nothing of ours comes after it. */
static void conclude(struct prober *p) {
	const struct prober_answer answer = { .ready = p->answer.answer == PROBE_READY,
					      .status = p->answer.status,
					      .location = p->answer.location };
	if (answer.ready)
		hang_up(p);
	else
		ask_later(p);
	if (answer.ready || answer.status != 0)
		p->answered(p, &answer);
}

static void on_look(struct ev_loop *loop UNUSED, ev_timer *w, int revents UNUSED) {
	struct prober *p = container_of(w, struct prober, look);
	p->unsaid = unix_connect_is_read(p->fd) ? p->unsaid + 1 : 0;
	if (p->unsaid <= LOOKS)
		return;
	const struct prober_answer late = { .location = "" };
	ask_later(p);
	p->answered(p, &late);
}

static void watch_for(struct prober *p, int events) {
	ev_io_stop(p->loop, &p->io);
	ev_io_set(&p->io, p->fd, events);
	ev_io_start(p->loop, &p->io);
}

static void send_more(struct prober *p) {
	ssize_t n = send(p->fd, p->rules->request + p->sent, p->rules->request_len - p->sent,
			 MSG_NOSIGNAL);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		ask_later(p);
		return;
	}
	p->sent += (size_t)n;
	if (p->sent == p->rules->request_len)
		watch_for(p, EV_READ);
}

static void receive(struct prober *p) {
	char bytes[4096];
	ssize_t n = recv(p->fd, bytes, sizeof bytes, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	enum probe_answer answer =
		n > 0 ? probe_read(&p->answer, bytes, (size_t)n, p->rules->status)
		      : probe_end(&p->answer);
	if (answer != PROBE_MORE)
		conclude(p);
}

static void on_io(struct ev_loop *loop UNUSED, ev_io *w, int revents) {
	struct prober *p = container_of(w, struct prober, io);
	if (revents & EV_READ)
		receive(p);
	else
		send_more(p);
}

static void ask(struct prober *p) {
	p->answer = (struct probe){ 0 };
	p->sent = p->unsaid = 0;
	p->fd = unix_connect(p->path);
	if (p->fd < 0) {
		p->fd = -1;
		ask_later(p); /* a full backlog, or descriptors are short */
		return;
	}
	watch_for(p, EV_WRITE);
	if (p->look.repeat > 0)
		ev_timer_again(p->loop, &p->look);
}

void prober_stop(struct prober *p) {
	ev_timer_stop(p->loop, &p->again);
	hang_up(p);
}

static void on_again(struct ev_loop *loop UNUSED, ev_timer *w, int revents UNUSED) {
	struct prober *p = container_of(w, struct prober, again);
	prober_stop(p);
	ask(p);
}

void prober_init(struct prober *p, struct ev_loop *loop, const char *path,
		 void (*answered)(struct prober *p, const struct prober_answer *answer)) {
	*p = (struct prober){ .loop = loop, .fd = -1, .path = path, .answered = answered };
	ev_init(&p->io, on_io);
	ev_timer_init(&p->again, on_again, 0.0, 0.0);
	ev_timer_init(&p->look, on_look, 0.0, 0.0);
}

void prober_start(struct prober *p, const struct probe_rules *rules, msec_t timeout) {
	prober_stop(p);
	p->look.repeat = (double)timeout / 1000 / LOOKS;
	p->rules = rules;
	ask(p);
}
