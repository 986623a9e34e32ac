/* The herd's orders, performed. What comes of them at once is fed as an event. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/identity.h"
#include "daemon/supervisor_parts.h"
#include "os/clock.h"

void supervisor_launch_failed(struct supervisor *s, unsigned worker, const char *why) {
	const struct herd_event event = { .kind = HERD_LAUNCH_FAILED,
					  .worker = worker,
					  .text = why };
	feed(s, &event);
}

bool supervisor_add_member(struct supervisor *s, struct member *m) {
	for (size_t i = 0; i < HERD_WORKERS_MAX; i++) {
		if (s->members[i] == NULL) {
			s->members[i] = m;
			return true;
		}
	}
	return false;
}

/* Better another one than nobody to serve, but loudly. */
bool find_release_again(struct supervisor *s, unsigned *release) {
	char path[PATH_MAX];
	const char *gone = releases_path(&s->releases, *release);
	if (plan_resolve_directory(s->plan, path) != 0 || (gone != NULL && strcmp(path, gone) == 0))
		return false;
	*release = releases_add(&s->releases, path);
	return true;
}

void supervisor_release_gone(struct supervisor *s, unsigned from, unsigned to) {
	const struct herd_event event = { .kind = HERD_RELEASE, .number = to };
	const char *gone = releases_path(&s->releases, from);
	struct event e = event_make(EVENT_RELEASE_GONE);
	event_text(&e, "from", "%s", gone != NULL ? gone : "");
	event_text(&e, "to", "%s", releases_path(&s->releases, to));
	supervisor_tell(s, &e);
	feed(s, &event);
}

static bool resolve_again(struct supervisor *s, struct worker *w) {
	unsigned from = w->release, to = from;
	if (!find_release_again(s, &to))
		return false;
	w->release = to;
	supervisor_release_gone(s, from, to);
	return true;
}

static void ask_for_proof(struct supervisor *s, struct member *m) {
	const struct config *c = &s->plan->config;
	member_prove(m, c->app.probe.path != NULL ? &s->probe : NULL, c->app.probe.timeout);
}

/* 0, which nothing has, when it is gone already. */
static uint64_t start_of(pid_t pid) {
	uint64_t ticks;
	return identity_of(pid, &ticks) == 0 ? ticks : 0;
}

void supervisor_take(struct supervisor *s, unsigned id, unsigned generation,
		     struct launched *launched) {
	struct member *m =
		member_create(&s->owner, id, launched->pid, launched->pidfd, launched->probe_path);
	if (m == NULL || !supervisor_add_member(s, m)) {
		/* Nobody would hear of its end: it must not live. */
		kill(launched->pid, SIGKILL);
		waitpid(launched->pid, NULL, 0);
		supervisor_launch_failed(s, id, strerror(ENOMEM));
		return;
	}
	const struct herd_event event = { .kind = HERD_LAUNCHED,
					  .worker = id,
					  .generation = generation,
					  .stem = launched->stem,
					  .start_ticks = start_of(launched->pid),
					  .number = launched->pid };
	feed(s, &event);
	ask_for_proof(s, m);
}

static void launch(struct supervisor *s, const struct order *order) {
	struct worker *w = herd_worker(s->herd, order->worker);
	struct launched launched;
	char buffer[300];
	struct text why = TEXT_IN(buffer);
	bool missing;
	if (w == NULL)
		return;
	if (!look_at_place(s)) { /* its probe is there */
		supervisor_launch_failed(s, order->worker,
					 "another pumakeeperd has the runtime directory by now");
		return;
	}
	if (s->molds != NULL) {
		molds_ask(s->molds, w->release, w->id, w->slot);
		return;
	}
	if (s->cluster != NULL) {
		const struct cluster_wait wait = { .worker = w->id,
						   .slot = w->slot,
						   .release = w->release,
						   .successor = w->role == ROLE_SUCCESSOR };
		cluster_ask(s->cluster, &wait);
		return;
	}
	const char *directory = releases_path(&s->releases, w->release);
	if (directory == NULL)
		directory = s->plan->directory;
	int error = launcher_start(&s->launcher, w->id, directory, &launched, &why, &missing);
	if (error != 0 && missing && resolve_again(s, w)) {
		why = text_in(buffer, sizeof buffer);
		directory = releases_path(&s->releases, w->release);
		error = launcher_start(&s->launcher, w->id, directory, &launched, &why, &missing);
	}
	if (error != 0)
		supervisor_launch_failed(s, order->worker, buffer);
	else
		supervisor_take(s, order->worker, 0, &launched);
}

static void prove_again(struct supervisor *s, const struct order *order) {
	struct member *m = supervisor_member(s, order->worker);
	if (m != NULL)
		ask_for_proof(s, m);
}

static bool is_a_stem(struct supervisor *s, unsigned worker) {
	const struct worker *w = herd_worker(s->herd, worker);
	return w != NULL && w->stem;
}

/* Once the herd leaves it is the master that tells its workers, or it would fork others. */
static bool is_the_masters(struct supervisor *s, const struct order *order) {
	if (s->cluster == NULL || order->number == SIGCONT)
		return false;
	cluster_leaving(s->cluster, order->worker);
	if (s->herd->state < HERD_LEAVING)
		return order->number == SIGTERM && is_a_stem(s, order->worker) &&
		       cluster_end_master(s->cluster, order->worker);
	cluster_leave(s->cluster);
	return order->number == SIGTERM;
}

static void send_signal(struct supervisor *s, const struct order *order) {
	struct member *m = supervisor_member(s, order->worker);
	if (is_the_masters(s, order) && m != NULL)
		return;
	if (m == NULL && s->cluster != NULL)
		(void)cluster_cancel(s->cluster, order->worker);
	else if (m != NULL)
		member_signal(m, order->number);
	else if (s->molds != NULL) /* not born yet */
		(void)molds_cancel(s->molds, order->worker);
}

/* One that can't be asked is ended: its successor serves already. */
static void promote(struct supervisor *s, const struct order *order) {
	struct member *m = supervisor_member(s, order->worker);
	struct worker *w = herd_worker(s->herd, order->worker);
	const char *path = w != NULL ? releases_path(&s->releases, w->release) : NULL;
	if (m == NULL)
		return;
	if (path == NULL || s->molds == NULL || s->promoting != 0) {
		member_signal(m, SIGTERM);
		return;
	}
	s->promoting = releases_renew(&s->releases, path);
	if (molds_promote(s->molds, m->id, m->pid, m->pidfd, s->promoting))
		return;
	s->promoting = 0;
	member_signal(m, SIGTERM);
}

static void count(struct supervisor *s, const struct order *order) {
	struct member *m = supervisor_member(s, order->worker);
	if (m != NULL)
		member_count(m);
}

static void close_idle(struct supervisor *s, const struct order *order) {
	struct member *m = supervisor_member(s, order->worker);
	if (m != NULL)
		member_half_close(m, CLOSE_IDLE);
}

static void close_busy(struct supervisor *s, const struct order *order) {
	struct member *m = supervisor_member(s, order->worker);
	if (m != NULL)
		member_half_close(m, CLOSE_BUSY);
}

static void read_all(struct supervisor *s, const struct order *order UNUSED) {
	struct herd_event event = { .kind = HERD_READINGS };
	size_t n = 0;
	for (size_t i = 0; i < HERD_WORKERS_MAX; i++) {
		struct member *m = s->members[i];
		if (m != NULL && member_read_cheap(m, s->plan->machine.swap, &s->readings[n]))
			n++;
	}
	event.readings.readings = s->readings;
	event.readings.n = n;
	feed(s, &event);
	(void)look_at_place(s);
	look_at_restart_txt(s);
	look_at_effective_limit(s);
}

static void read_one(struct supervisor *s, const struct order *order) {
	struct member *m = supervisor_member(s, order->worker);
	if (m != NULL)
		member_read_memory(m);
}

static void make_parent(struct supervisor *s, const struct order *order) {
	if (s->molds != NULL)
		molds_want(s->molds, (unsigned)order->number);
}

static void read_parent(struct supervisor *s, const struct order *order) {
	if (s->molds != NULL)
		molds_read(s->molds, (unsigned)order->number);
	else if (s->cluster != NULL)
		cluster_read(s->cluster, (unsigned)order->number);
}

static void prove(struct supervisor *s, const struct order *order) {
	struct member *m = supervisor_member(s, order->worker);
	if (m != NULL)
		member_prove_allocator(m);
}

/* All of them are replaced, by a new master's. */
static void renew(struct supervisor *s, const struct order *order) {
	deploy(s, NULL, 0, false, order->number != 0 ? RESTART_EVERY : "worker 0 (fork_worker)");
}

static void ask_alive(struct supervisor *s, const struct order *order) {
	struct member *m = supervisor_member(s, order->worker);
	if (m != NULL)
		member_ask_alive(m, s->plan->config.app.probe.path != NULL ? &s->probe : NULL);
}

static void look_at_queue(struct supervisor *s, const struct order *order UNUSED) {
	const struct herd_event event = { .kind = HERD_QUEUE,
					  .number = listeners_queued(&s->listeners) };
	feed(s, &event);
}

static void forget(struct supervisor *s, const struct order *order) {
	if (s->molds != NULL)
		molds_forget(s->molds, order->worker);
	if (s->cluster != NULL)
		cluster_forget(s->cluster, order->worker);
	for (size_t i = 0; i < HERD_WORKERS_MAX; i++) {
		if (s->members[i] == NULL || s->members[i]->id != order->worker)
			continue;
		member_forget(s->members[i]);
		s->members[i] = NULL;
	}
}

static void leave(struct supervisor *s, const struct order *order) {
	struct event e = event_make(EVENT_DAEMON_STOPPED);
	event_text(&e, "reason", "%s", order->number == 0 ? "asked to" : "gave up");
	event_time(&e, "uptime", clock_now() - s->herd->started);
	s->exit_code = order->number;
	supervisor_tell(s, &e);
	past_end(&s->past); /* nobody is to follow */
	keep_end(s);
	ev_break(s->loop, EVBREAK_ALL);
}

static void (*const performers[])(struct supervisor *, const struct order *) = {
	[ORDER_LAUNCH] = launch,
	[ORDER_PROBE] = prove_again,
	[ORDER_SIGNAL] = send_signal,
	[ORDER_COUNT] = count,
	[ORDER_CLOSE_IDLE] = close_idle,
	[ORDER_CLOSE_BUSY] = close_busy,
	[ORDER_READ_ALL] = read_all,
	[ORDER_READ] = read_one,
	[ORDER_PROMOTE] = promote,
	[ORDER_READ_PARENT] = read_parent,
	[ORDER_MAKE_PARENT] = make_parent,
	[ORDER_PROVE] = prove,
	[ORDER_LIVENESS] = ask_alive,
	[ORDER_QUEUE] = look_at_queue,
	[ORDER_RENEW] = renew,
	[ORDER_FORGET] = forget,
	[ORDER_LEAVE] = leave,
	[ORDER_HOOK] = perform_hook,
	[ORDER_END_HOOK] = perform_end_hook,
};

void perform(struct supervisor *s, const struct order *order) {
	performers[order->kind](s, order);
}

void perform_new_rules(struct supervisor *s) {
	const struct config *c = &s->plan->config;
	struct text out = TEXT_IN(s->probe_request);
	/* The configuration's own checks are at least as strict: it can't be refused here. */
	if (c->app.probe.path != NULL &&
	    probe_request(c->app.probe.path, &c->app.probe.headers, &out) != 0)
		out.len = 0;
	s->probe = (struct probe_rules){ .request = s->probe_request,
					 .request_len = out.len,
					 .status = &c->app.probe.status };
	keep_new_plan(s);
	s->launcher.plan = s->plan;
	s->launcher.output = s->output.fd;
}
