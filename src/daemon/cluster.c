#include "daemon/cluster.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "daemon/cluster_parts.h"
#include "os/clock.h"

#define LOOK_EVERY 0.05 /* seconds; a look costs as much as reading a few small files */

static void tell(struct cluster *c, const char *reason) {
	const struct mold_facts facts = {
		.generation = c->generation,
		.release = c->release,
		.pid = c->master != NULL ? c->master->pid : 0,
		.state = c->life.state,
		.took = c->life.since - c->life.started,
		.retry = c->life.state == MOLD_BROKEN ? c->life.deadline - c->life.since : 0,
		.reason = reason,
	};
	c->handler->changed(c->context, &facts);
}

static void rearm(struct cluster *c) {
	ev_timer_stop(c->loop, &c->deadline);
	if (c->life.deadline == MSEC_NEVER)
		return;
	msec_t wait = c->life.deadline - clock_now();
	ev_now_update(c->loop); /* libev's own idea of now is as old as its last turn */
	ev_timer_set(&c->deadline, wait > 0 ? (double)wait / 1000.0 : 0.0, 0.0);
	ev_timer_start(c->loop, &c->deadline);
}

static void explain(const struct cluster *c, const char *how, struct text *why) {
	msec_t patience = c->launcher->plan->config.app.boot_timeout;
	if (c->life.state != MOLD_LOADING)
		text_puts(why, how);
	else if (clock_now() - c->life.started >= patience)
		text_printf(why, "it had no worker within %lld s (app.boot_timeout)",
			    (long long)(patience / MSEC_SECOND));
	else
		text_printf(why, "it ended before it had a worker: %s; what it printed is %s", how,
			    c->launcher->plan->config.app.output != NULL ? "in app.output"
									 : "above");
}

/* The master is gone, or never came to be. Its workers see that, and end. */
static void ended(struct cluster *c, const char *how) {
	bool loading = c->life.state == MOLD_LOADING;
	char buffer[300];
	struct text why = TEXT_IN(buffer);
	explain(c, how, &why);
	if (c->master != NULL)
		member_forget(c->master);
	c->master = NULL;
	c->extra = 0;
	c->culling = false;
	ev_timer_stop(c->loop, &c->look);
	for (size_t i = 0; i < c->n_known; i++)
		c->known[i].living = false;
	cluster_drive(c, MOLD_EXIT);
	tell(c, buffer);
	if (loading || c->life.state == MOLD_GONE)
		cluster_fail_waits(c, buffer);
	else if (c->n_waits > 0)
		cluster_drive(c, MOLD_WANT);
}

static void on_report(void *context, const struct herd_event *event) {
	struct cluster *c = context;
	if (event->kind == HERD_EXITED)
		ended(c, event->text);
	else if (event->kind == HERD_READ)
		c->handler->read(c->context, c->generation, event);
}

static int launch(struct cluster *c, struct text *why) {
	struct launched launched;
	bool missing;
	const char *directory = c->handler->directory(c->context, &c->release);
	if (directory == NULL) {
		text_puts(why, "app.directory is not there");
		return -ENOENT;
	}
	int error = launcher_start_master(c->launcher, directory, &launched, why, &missing);
	if (error != 0)
		return error;
	c->master = member_create(&c->owner, c->generation, launched.pid, launched.pidfd, "");
	if (c->master != NULL)
		return 0;
	kill(launched.pid, SIGKILL);
	waitpid(launched.pid, NULL, 0);
	text_puts(why, strerror(ENOMEM));
	return -ENOMEM;
}

static void start(struct cluster *c) {
	char buffer[300];
	struct text why = TEXT_IN(buffer);
	c->generation++;
	c->n_known = 0;
	if (launch(c, &why) != 0) {
		ended(c, buffer);
		return;
	}
	ev_timer_start(c->loop, &c->look);
	tell(c, NULL);
}

void cluster_drive(struct cluster *c, enum mold_event event) {
	msec_t boot = c->launcher->plan->config.app.boot_timeout;
	enum mold_state before = c->life.state;
	enum mold_action action = mold_step(&c->life, event, clock_now(), boot);
	rearm(c);
	if (action == MOLD_START)
		start(c);
	else if (action == MOLD_TERM || action == MOLD_KILL)
		member_signal(c->master, action == MOLD_TERM ? SIGTERM : SIGKILL);
	if (before == MOLD_LOADING && c->life.state == MOLD_READY)
		tell(c, NULL);
}

/* A master that ends waits for its workers, and each of those has a patience of its own. */
static bool waits_for_workers(const struct cluster *c) {
	return c->life.state == MOLD_ENDING &&
	       (c->empty_since == 0 || clock_now() - c->empty_since < MOLD_TERM_PATIENCE);
}

static void on_deadline(struct ev_loop *loop, ev_timer *w, int revents UNUSED) {
	struct cluster *c = container_of(w, struct cluster, deadline);
	if (!waits_for_workers(c)) {
		cluster_drive(c, MOLD_DEADLINE);
		return;
	}
	ev_timer_set(w, 1.0, 0.0);
	ev_timer_start(loop, w);
}

static void on_look(struct ev_loop *loop UNUSED, ev_timer *w, int revents UNUSED) {
	cluster_look(container_of(w, struct cluster, look));
}

void cluster_ask(struct cluster *c, unsigned release, const struct cluster_wait *wait) {
	assert(c->n_waits < HERD_WORKERS_MAX); /* the herd has no more workers */
	c->waits[c->n_waits++] = *wait;
	if (c->master == NULL)
		c->release = release;
	cluster_drive(c, MOLD_WANT);
}

void cluster_leave(struct cluster *c) {
	enum mold_state before = c->life.state;
	cluster_drive(c, MOLD_LET_GO);
	if (c->life.state != before)
		tell(c, NULL);
}

void cluster_read(struct cluster *c) {
	if (c->master != NULL)
		member_read_memory(c->master);
}

bool cluster_own(const struct cluster *c, pid_t pid) {
	return c->master != NULL && c->master->pid == pid;
}

struct cluster *cluster_create(struct ev_loop *loop, const struct launcher *launcher,
			       struct reader *reader, const struct molds_handler *handler,
			       void *context) {
	struct cluster *c = calloc(1, sizeof *c);
	if (c == NULL)
		return NULL;
	*c = (struct cluster){
		.loop = loop,
		.launcher = launcher,
		.handler = handler,
		.context = context,
		.life = mold_life(),
		.owner = { .loop = loop,
			   .memory = reader,
			   .sockets = reader,
			   .report = on_report,
			   .context = c },
	};
	ev_timer_init(&c->deadline, on_deadline, 0.0, 0.0);
	ev_timer_init(&c->look, on_look, LOOK_EVERY, LOOK_EVERY);
	return c;
}

static void end_master(struct cluster *c) {
	siginfo_t info;
	member_signal(c->master, SIGKILL);
	while (waitid(P_PIDFD, (id_t)c->master->pidfd, &info, WEXITED) != 0 && errno == EINTR)
		;
	member_forget(c->master);
}

void cluster_destroy(struct cluster *c) {
	if (c == NULL)
		return;
	ev_timer_stop(c->loop, &c->deadline);
	ev_timer_stop(c->loop, &c->look);
	if (c->master != NULL)
		end_master(c);
	member_forget_rest(&c->owner);
	free(c);
}
