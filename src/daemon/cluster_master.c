/* One master of a cluster: its life, and its process. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/cluster_parts.h"
#include "os/clock.h"

void master_tell(struct master *m, const char *reason) {
	const struct mold_facts facts = {
		.generation = m->generation,
		.release = m->release,
		.pid = m->member != NULL ? m->member->pid : 0,
		.state = m->life.state,
		.adopted = m->life.adopted,
		.took = m->life.since - m->life.started,
		.retry = m->life.state == MOLD_BROKEN ? m->life.deadline - m->life.since : 0,
		.reason = reason,
	};
	m->all->handler->changed(m->all->context, &facts);
}

static void rearm(struct master *m) {
	struct ev_loop *loop = m->all->loop;
	ev_timer_stop(loop, &m->deadline);
	if (m->life.deadline == MSEC_NEVER)
		return;
	msec_t wait = m->life.deadline - clock_now();
	ev_now_update(loop); /* libev's own idea of now is as old as its last turn */
	ev_timer_set(&m->deadline, wait > 0 ? (double)wait / 1000.0 : 0.0, 0.0);
	ev_timer_start(loop, &m->deadline);
}

static void explain(const struct master *m, const char *how, struct text *why) {
	const struct config *config = &m->all->launcher->plan->config;
	if (m->life.state != MOLD_LOADING)
		text_puts(why, how);
	else if (clock_now() - m->life.started >= config->app.boot_timeout)
		text_printf(why, "it had no worker within %lld s (app.boot_timeout)",
			    (long long)(config->app.boot_timeout / MSEC_SECOND));
	else
		text_printf(why, "it ended before it had a worker: %s; what it printed is %s", how,
			    config->app.output != NULL ? "in app.output" : "above");
}

/* Its workers see that it is gone, and end. */
static void forget_process(struct master *m) {
	if (m->member != NULL)
		member_forget(m->member);
	m->member = NULL;
	m->has = 0;
	m->culling = m->restarting = false;
	m->says[0] = '\0';
	for (size_t i = 0; i < m->n_known; i++)
		m->known[i].living = false;
}

void master_ended(struct master *m, const char *how) {
	bool loading = m->life.state == MOLD_LOADING;
	char buffer[300];
	struct text why = TEXT_IN(buffer);
	explain(m, how, &why);
	forget_process(m);
	master_drive(m, MOLD_EXIT);
	master_tell(m, buffer);
	if (loading || m->life.state == MOLD_GONE)
		cluster_fail_waits(m->all, m->release, buffer);
	else if (cluster_waits_for(m->all, m->release))
		master_drive(m, MOLD_WANT);
}

/* Where it is started from. NULL: nowhere. */
static const char *find_directory(struct master *m) {
	struct cluster *c = m->all;
	unsigned from = m->release, to = m->release;
	const char *directory = c->handler->directory(c->context, &to);
	if (to == from)
		return directory;
	m->release = to;
	for (size_t i = 0; i < c->n_waits; i++) {
		if (c->waits[i].release == from)
			c->waits[i].release = to;
	}
	c->handler->moved(c->context, from, to);
	return directory;
}

static int launch(struct master *m, struct text *why) {
	struct cluster *c = m->all;
	struct launched launched;
	bool missing;
	const char *directory = find_directory(m);
	if (directory == NULL) {
		text_puts(why, "app.directory is not there");
		return -ENOENT;
	}
	const struct cluster_count count = master_count(m);
	m->has = cluster_needed(&count) > 0 ? cluster_needed(&count) : 1;
	int error = launcher_start_master(c->launcher, m->has, directory, &launched, why, &missing);
	if (error != 0)
		return error;
	m->member = member_create(&c->owner, m->generation, launched.pid, launched.pidfd, "");
	if (m->member != NULL)
		return 0;
	kill(launched.pid, SIGKILL);
	waitpid(launched.pid, NULL, 0);
	close(launched.pidfd);
	text_puts(why, strerror(ENOMEM));
	return -ENOMEM;
}

static void start(struct master *m) {
	char buffer[300];
	struct text why = TEXT_IN(buffer);
	m->generation = ++m->all->generation;
	m->n_known = 0;
	m->changed = clock_now();
	if (launch(m, &why) != 0)
		master_ended(m, buffer);
	else
		master_tell(m, NULL);
}

void master_drive(struct master *m, enum mold_event event) {
	msec_t boot = m->all->launcher->plan->config.app.boot_timeout;
	enum mold_state before = m->life.state;
	enum mold_action action = mold_step(&m->life, event, clock_now(), boot);
	rearm(m);
	if (action == MOLD_START)
		start(m);
	else if (action == MOLD_TERM || action == MOLD_KILL)
		member_signal(m->member, action == MOLD_TERM ? SIGTERM : SIGKILL);
	if (before == MOLD_LOADING && m->life.state == MOLD_READY)
		master_tell(m, NULL);
}

/* A master that ends waits for its workers, and each of those has a patience of its own. */
static bool waits_for_workers(const struct master *m) {
	return m->life.state == MOLD_ENDING &&
	       (m->empty_since == 0 || clock_now() - m->empty_since < MOLD_TERM_PATIENCE);
}

/* It would fork workers that nobody has asked for. */
static bool is_of_no_use(const struct master *m) {
	const struct cluster *c = m->all;
	return m->life.state == MOLD_BROKEN && m->release != c->handler->in_force(c->context) &&
	       !cluster_waits_for(c, m->release);
}

void master_on_deadline(struct ev_loop *loop, ev_timer *w, int revents UNUSED) {
	struct master *m = container_of(w, struct master, deadline);
	if (waits_for_workers(m)) {
		ev_timer_set(w, 1.0, 0.0);
		ev_timer_start(loop, w);
	} else if (is_of_no_use(m)) {
		master_drive(m, MOLD_LET_GO);
		master_tell(m, NULL);
	} else {
		master_drive(m, MOLD_DEADLINE);
	}
}

void master_end_process(const struct master *m) {
	siginfo_t info;
	if (m->member == NULL)
		return;
	member_signal(m->member, SIGKILL);
	/* One that was adopted is not our child. */
	while (waitid(P_PIDFD, (id_t)m->member->pidfd, &info, WEXITED) != 0 && errno == EINTR)
		;
}
