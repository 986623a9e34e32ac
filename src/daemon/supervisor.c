#include "daemon/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "daemon/supervisor_parts.h"
#include "os/clock.h"
#include "os/control_socket.h"
#include "os/listen.h"
#include "os/lock.h"
#include "util/fd.h"

void supervisor_tell(struct supervisor *s, struct event *event) {
	journal_tell(s->journal, event);
}

struct member *supervisor_member(struct supervisor *s, unsigned id) {
	for (size_t i = 0; i < HERD_WORKERS_MAX; i++) {
		if (s->members[i] != NULL && s->members[i]->id == id)
			return s->members[i];
	}
	return NULL;
}

/* What an event points to may be on somebody's stack. */
static void keep(struct pending *p, const struct herd_event *event) {
	p->event = *event;
	if (event->text != NULL) {
		snprintf(p->text, sizeof p->text, "%s", event->text);
		p->event.text = p->text;
	}
	if (event->hint != NULL) {
		snprintf(p->hint, sizeof p->hint, "%s", event->hint);
		p->event.hint = p->hint;
	}
	if (event->kind == HERD_ALLOCATOR) {
		p->allocator = *event->allocator;
		p->event.allocator = &p->allocator;
	}
}

/* An order is answered by at most one event at once, and there are few at a time that are. */
static void put(struct supervisor *s, const struct herd_event *event) {
	assert(s->pending_len < PENDING_MAX);
	keep(&s->pending[(s->pending_first + s->pending_len++) % PENDING_MAX], event);
}

static void rearm(struct supervisor *s) {
	msec_t next = herd_deadline(s->herd);
	ev_timer_stop(s->loop, &s->deadline);
	if (next == MSEC_NEVER)
		return;
	msec_t wait = next - clock_now();
	/* libev's own idea of now is as old as its last turn. */
	ev_now_update(s->loop);
	ev_timer_set(&s->deadline, wait > 0 ? (double)wait / 1000.0 : 0.0, 0.0);
	ev_timer_start(s->loop, &s->deadline);
}

static void step(struct supervisor *s, const struct herd_event *event) {
	struct orders *o = s->orders;
	o->len = o->n_told = 0;
	herd_step(s->herd, event, clock_now(), o);
	keep_step(s, event, o);
	for (size_t i = 0; i < o->n_told; i++)
		supervisor_tell(s, &o->told[i]);
	for (size_t i = 0; i < o->len; i++)
		perform(s, &o->list[i]);
}

static bool is_wanted(const void *context, unsigned release) {
	const struct supervisor *s = context;
	return herd_wants_release(s->herd, release) ||
	       (release == s->promoting && s->herd->state == HERD_SERVING);
}

void feed(struct supervisor *s, const struct herd_event *event) {
	put(s, event);
	if (s->feeding)
		return; /* whoever is performing goes on with it */
	s->feeding = true;
	do {
		struct pending *p = &s->pending[s->pending_first];
		step(s, &p->event);
		s->pending_first = (s->pending_first + 1) % PENDING_MAX;
		if (--s->pending_len == 0 && s->molds != NULL)
			molds_keep(s->molds, is_wanted, s); /* which is news, too */
	} while (s->pending_len > 0);
	s->feeding = false;
	rearm(s);
	service_settle(s->service, s->herd);
}

static void on_report(void *context, const struct herd_event *event) {
	struct supervisor *s = context;
	if (event->kind == HERD_EXITED && s->molds != NULL)
		molds_hear(s->molds, event->worker);
	feed(s, event);
	if (event->kind == HERD_COUNTED)
		requests_counted(s);
	if (event->kind == HERD_EXITED)
		reap_strays(s);
}

static void on_deadline(struct ev_loop *loop UNUSED, ev_timer *w, int revents UNUSED) {
	struct supervisor *s = container_of(w, struct supervisor, deadline);
	const struct herd_event event = { .kind = HERD_DEADLINE };
	feed(s, &event);
}

static void ask_to_leave(struct supervisor *s, int signal, const char *name) {
	const struct herd_event event = { .kind = HERD_STOP, .number = signal, .text = name };
	feed(s, &event);
}

static void on_term(struct ev_loop *loop UNUSED, ev_signal *w, int revents UNUSED) {
	ask_to_leave(container_of(w, struct supervisor, term), SIGTERM, "SIGTERM");
}

static void on_interrupt(struct ev_loop *loop UNUSED, ev_signal *w, int revents UNUSED) {
	ask_to_leave(container_of(w, struct supervisor, interrupt), SIGINT, "SIGINT");
}

static void on_hangup(struct ev_loop *loop UNUSED, ev_signal *w, int revents UNUSED) {
	char buffer[512];
	struct text said = TEXT_IN(buffer);
	reload(container_of(w, struct supervisor, hangup), &said);
}

/* Exits are told by pidfds; this is for SIGSTOP and SIGCONT. */
static void on_child(struct ev_loop *loop UNUSED, ev_signal *w, int revents UNUSED) {
	struct supervisor *s = container_of(w, struct supervisor, child);
	for (size_t i = 0; i < HERD_WORKERS_MAX; i++) {
		if (s->members[i] != NULL)
			member_look_stopped(s->members[i]);
	}
	reap_strays(s);
}

static void init_watchers(struct supervisor *s) {
	ev_timer_init(&s->deadline, on_deadline, 0.0, 0.0);
	ev_signal_init(&s->term, on_term, SIGTERM);
	ev_signal_init(&s->interrupt, on_interrupt, SIGINT);
	ev_signal_init(&s->hangup, on_hangup, SIGHUP);
	ev_signal_init(&s->child, on_child, SIGCHLD);
	requests_init(s);
}

static void start_watchers(struct supervisor *s) {
	ev_signal_start(s->loop, &s->term);
	ev_signal_start(s->loop, &s->interrupt);
	ev_signal_start(s->loop, &s->hangup);
	ev_signal_start(s->loop, &s->child);
	signal(SIGPIPE, SIG_IGN);
}

static void stop_watchers(struct supervisor *s) {
	ev_timer_stop(s->loop, &s->deadline);
	ev_timer_stop(s->loop, &s->status_late);
	ev_signal_stop(s->loop, &s->term);
	ev_signal_stop(s->loop, &s->interrupt);
	ev_signal_stop(s->loop, &s->hangup);
	ev_signal_stop(s->loop, &s->child);
}

static int no_place(const char *path, int error, struct error *err) {
	bool untrusted = error == -EPERM || error == -ENOTDIR || error == -ELOOP;
	return error_at(err, 0, 0, "no place for the control socket: %s%s%s", path,
			untrusted ? " would not be ours alone (on the way there is a link, a file, "
				    "or a directory of somebody else's or open to others): remove "
				    "that, or set XDG_RUNTIME_DIR"
				  : ": ",
			untrusted ? "" : strerror(-error));
}

static int take_place(struct supervisor *s, struct error *err) {
	struct runtime_bases bases = plan_runtime_bases();
	pid_t holder = 0;
	int error = runtime_dir_open(&bases, s->plan->name, &s->dir);
	if (error != 0)
		return no_place(s->dir.path, error, err);
	s->lock = lock_take(s->dir.fd, "lock", &holder);
	if (s->lock == -EWOULDBLOCK)
		return error_at(err, 0, 0,
				"another pumakeeperd (pid %d) runs `%s` already; `pumakeeper -s "
				"%s/control status` shows it, app.name tells two apps apart",
				(int)holder, s->plan->name, s->dir.path);
	if (s->lock < 0)
		return error_at(err, 0, 0, "%s/lock: %s", s->dir.path, strerror(-s->lock));
	return 0;
}

static int open_control(struct supervisor *s, struct error *err) {
	const struct config *c = &s->plan->config;
	gid_t group = 0;
	if (c->control.socket != NULL)
		snprintf(s->control_path, sizeof s->control_path, "%s", c->control.socket);
	else
		snprintf(s->control_path, sizeof s->control_path, "%s/control", s->dir.path);
	s->control_listener = control_socket_listen(s->control_path, c->control.group, &group, err);
	if (s->control_listener < 0)
		return -1;
	const struct control_rules rules = {
		.peers = { .owner = geteuid(),
			   .has_group = c->control.group != NULL,
			   .group = group },
	};
	s->control = control_create(s->loop, s->control_listener, &rules, &requests_handler, s);
	return s->control != NULL ? 0 : error_at(err, 0, 0, "%s", strerror(ENOMEM));
}

/* From somebody who is not one of our workers it means nothing. */
static void on_notified(void *context, pid_t pid) {
	struct supervisor *s = context;
	for (size_t i = 0; i < HERD_WORKERS_MAX; i++) {
		if (s->members[i] != NULL && s->members[i]->pid == pid)
			member_notified(s->members[i]);
	}
}

static int open_notify(struct supervisor *s, struct error *err) {
	snprintf(s->notify_path, sizeof s->notify_path, "%s/notify", s->dir.path);
	s->notify = notify_create(s->loop, s->notify_path, on_notified, s, err);
	return s->notify != NULL ? 0 : -1;
}

static int start_readers(struct supervisor *s, struct error *err) {
	s->memory = reader_create(s->loop);
	s->sockets = s->memory != NULL ? reader_create(s->loop) : NULL;
	if (s->sockets == NULL)
		return error_at(err, 0, 0, "cannot start a thread: %s", strerror(errno));
	s->owner = (struct member_owner){
		.loop = s->loop,
		.memory = s->memory,
		.sockets = s->sockets,
		.listeners = &s->listener_names,
		.ends_groups = true,
		.report = on_report,
		.context = s,
	};
	return 0;
}

static void on_told(void *context, const struct event *event) {
	struct supervisor *s = context;
	past_keep(&s->past, s->journal, event);
	requests_told(s, event);
}

static int allocate(struct supervisor *s, struct error *err) {
	const struct journal_rules rules = {
		.format = s->plan->config.log.format,
		.level = s->plan->config.log.level,
		.fd = STDERR_FILENO,
		.priority = journal_is_systemds(STDERR_FILENO, getenv("JOURNAL_STREAM")),
	};
	s->herd = calloc(1, sizeof *s->herd);
	s->orders = calloc(1, sizeof *s->orders);
	s->journal = journal_create(&rules);
	if (s->herd == NULL || s->orders == NULL || s->journal == NULL)
		return error_at(err, 0, 0, "%s", strerror(ENOMEM));
	journal_listen(s->journal, on_told, s);
	past_open(&s->past, s->dir.fd, s->journal);
	return 0;
}

/* Workers are forked by molds, by way of a process in between: they become ours as orphans. */
static int open_molds(struct supervisor *s, struct error *err) {
	if (!s->plan->config.app.preload)
		return 0;
	s->molds = molds_create(s->loop, &s->launcher, s->memory, &mold_reports, s);
	if (s->molds == NULL || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
		return error_at(err, 0, 0, "app.preload: %s", strerror(errno));
	return 0;
}

/* What was given to us, and what a former daemon has left. */
static int take_inherited(struct supervisor *s, struct error *err) {
	int error = inherited_take(&s->inherited);
	if (error != 0)
		return error_at(err, 0, 0, "LISTEN_FDS, LISTEN_FDNAMES (sd_listen_fds(3)): %s",
				strerror(-error));
	herd_init(s->herd, &s->plan->config, &s->plan->limits);
	return adopt_find(s, &s->inherited, err);
}

static int open_listeners(struct supervisor *s, struct error *err) {
	struct error why = { 0 };
	if (listeners_open(&s->plan->config, &s->inherited, &s->listeners, &why) == 0)
		return 0;
	const char *unlent = s->former.unlent;
	return error_at(err, 0, 0, "%.200s%s%.150s%s", why.text,
			*unlent == '\0' ? ""
					: ". Workers of a former pumakeeperd hold what can't be "
					  "taken back from them: ",
			unlent, *unlent == '\0' ? "" : "; `pumakeeper stop --orphans` ends them");
}

/* Before anything is told, so that a second daemon leaves no trace but its message. */
static int take_all(struct supervisor *s, struct error *err) {
	const struct config *c = &s->plan->config;
	if (take_place(s, err) != 0 || allocate(s, err) != 0 ||
	    output_open(&s->output, c->app.output, err) != 0 || take_inherited(s, err) != 0 ||
	    open_listeners(s, err) != 0)
		return -1;
	s->listener_names =
		(struct listeners){ .list = s->listeners.names, .len = s->listeners.len };
	if (open_control(s, err) != 0 || open_notify(s, err) != 0)
		return -1;
	return start_readers(s, err) != 0 ? -1 : open_molds(s, err);
}

static uint64_t statm_slack(const struct plan *plan) {
	struct utsname name;
	unsigned major = 0, minor = 0;
	if (uname(&name) == 0)
		sscanf(name.release, "%u.%u", &major, &minor);
	return gate_slack(major, minor, plan->machine.processors, (uint64_t)sysconf(_SC_PAGESIZE));
}

void supervisor_tell_notes(struct supervisor *s, const struct strings *notes) {
	for (size_t i = 0; i < notes->len; i++) {
		const char *said = notes->items[i];
		struct event e = event_make(said == s->plan->missing ? EVENT_ALLOCATOR_MISSING
								     : EVENT_CONFIG_NOTE);
		event_text(&e, "reason", "%s", said);
		supervisor_tell(s, &e);
	}
}

static void tell_start(struct supervisor *s) {
	struct event e = event_make(EVENT_DAEMON_STARTED);
	event_text(&e, "version", "%s", PUMAKEEPER_VERSION);
	event_number(&e, "pid", getpid());
	event_text(&e, "name", "%s", s->plan->name);
	event_number(&e, "workers", s->plan->limits.workers);
	supervisor_tell(s, &e);
	supervisor_tell_notes(s, &s->plan->notes);
	supervisor_tell_notes(s, &s->plan->puma_notes);
	supervisor_tell_notes(s, &s->listeners.notes);
}

static void begin(struct supervisor *s) {
	s->herd->statm_slack_bytes = statm_slack(s->plan);
	s->launcher = (struct launcher){ .plan = s->plan,
					 .listeners = &s->listeners,
					 .runtime_dir = s->dir.path,
					 .notify_path = s->notify_path,
					 .output = s->output.fd };
	s->listeners_end = LISTENERS_ENDED;
	perform_new_rules(s);
	start_watchers(s);
	tell_start(s);
	adopt_tell(s);
	adopt_store(s);
	adopt_sweep(s);
	if (s->former.found) {
		adopt_begin(s);
		return;
	}
	look_at_restart_txt(s);
	const struct herd_event start = { .kind = HERD_START };
	s->herd->release = releases_add(&s->releases, s->plan->directory);
	feed(s, &start);
}

/* A reading that is stuck in the kernel keeps its member: the process is about to end. */
static void end_readers(struct supervisor *s) {
	reader_destroy(s->memory, MSEC_SECOND);
	reader_destroy(s->sockets, MSEC_SECOND);
	molds_destroy(s->molds);
	for (size_t i = 0; i < HERD_WORKERS_MAX; i++) {
		if (s->members[i] != NULL)
			member_forget(s->members[i]);
	}
	member_forget_rest(&s->owner);
}

static void destroy(struct supervisor *s) {
	stop_watchers(s);
	end_readers(s);
	control_destroy(s->control);
	notify_destroy(s->notify);
	if (s->control_listener >= 0)
		listen_unlink(s->control_listener);
	fd_close(&s->control_listener);
	listeners_close(&s->listeners, s->listeners_end);
	inherited_close_rest(&s->inherited, NULL);
	output_close(&s->output);
	past_close(&s->past);
	keep_close(&s->keep);
	adopt_finish(&s->former);
	fd_close(&s->lock);
	fd_close(&s->dir.fd);
	journal_destroy(s->journal);
	free(s->orders);
	free(s->herd);
	plan_destroy(s->plan);
	service_destroy(s->service);
	if (s->loop != NULL)
		ev_loop_destroy(s->loop);
	free(s);
}

/* Not the default loop: its child watchers would reap every child behind our back. */
static struct supervisor *create(struct plan *plan, const struct plan_source *source) {
	struct supervisor *s = calloc(1, sizeof *s);
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	if (s == NULL || loop == NULL) {
		free(s);
		if (loop != NULL)
			ev_loop_destroy(loop);
		return NULL;
	}
	s->loop = loop;
	s->plan = plan;
	s->source = source;
	s->past = PAST_NONE;
	s->dir.fd = s->lock = s->keep.fd = s->control_listener = s->output.fd = -1;
	s->service = service_create(loop);
	init_watchers(s);
	return s;
}

int supervisor_run(struct plan *plan, const struct plan_source *source, struct error *err) {
	struct supervisor *s = create(plan, source);
	int code = -1;
	if (s == NULL) {
		plan_destroy(plan);
		return error_at(err, 0, 0, "%s", strerror(ENOMEM));
	}
	if (take_all(s, err) == 0) {
		begin(s);
		ev_run(s->loop, 0);
		code = s->exit_code;
	} else {
		service_say(s->service, err->text);
	}
	destroy(s);
	return code;
}
