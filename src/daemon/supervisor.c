#include "daemon/supervisor.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "daemon/supervisor_parts.h"
#include "os/chance.h"
#include "os/clock.h"
#include "os/hand_over.h"
#include "os/listen.h"
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

static bool is_wanted(const void *context, unsigned release, bool adopted) {
	const struct supervisor *s = context;
	if (adopted)
		return herd_wants_adopted_molds(s->herd);
	return herd_wants_release(s->herd, release) ||
	       (release == s->promoting && s->herd->state == HERD_SERVING);
}

static bool is_release_wanted(const void *context, unsigned release) {
	const struct supervisor *s = context;
	return herd_wants_release(s->herd, release);
}

static void keep_parents(struct supervisor *s) {
	if (s->molds != NULL)
		molds_keep(s->molds, is_wanted, s);
	if (s->cluster != NULL && s->herd->state >= HERD_LEAVING)
		cluster_leave(s->cluster);
	else if (s->cluster != NULL)
		cluster_keep(s->cluster, is_release_wanted, s);
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
		if (--s->pending_len == 0)
			keep_parents(s); /* which is news, too */
	} while (s->pending_len > 0);
	s->feeding = false;
	rearm(s);
	service_settle(s->service, s->herd);
}

void supervisor_report(void *context, const struct herd_event *event) {
	struct supervisor *s = context;
	if (event->kind == HERD_EXITED && s->molds != NULL)
		molds_hear(s->molds, event->worker);
	feed(s, event);
	if (event->kind == HERD_COUNTED)
		requests_counted(s);
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

static void on_user2(struct ev_loop *loop UNUSED, ev_signal *w, int revents UNUSED) {
	char buffer[400];
	struct text why =
		TEXT_IN(buffer); /* told as an event, too, unless there is one under way */
	(void)upgrade_ask(container_of(w, struct supervisor, user2), "SIGUSR2", &why);
}

static void on_hangup(struct ev_loop *loop UNUSED, ev_signal *w, int revents UNUSED) {
	char buffer[512];
	struct text said = TEXT_IN(buffer);
	reload(container_of(w, struct supervisor, hangup), &said);
}

/* Exits are told by pidfds; this is for SIGSTOP and SIGCONT, and a turn of the loop for strays. */
static void on_child(struct ev_loop *loop UNUSED, ev_signal *w, int revents UNUSED) {
	struct supervisor *s = container_of(w, struct supervisor, child);
	for (size_t i = 0; i < HERD_WORKERS_MAX; i++) {
		if (s->members[i] != NULL)
			member_look_stopped(s->members[i]);
	}
}

static void init_watchers(struct supervisor *s) {
	ev_timer_init(&s->deadline, on_deadline, 0.0, 0.0);
	ev_signal_init(&s->term, on_term, SIGTERM);
	ev_signal_init(&s->interrupt, on_interrupt, SIGINT);
	ev_signal_init(&s->hangup, on_hangup, SIGHUP);
	ev_signal_init(&s->user2, on_user2, SIGUSR2);
	ev_signal_init(&s->child, on_child, SIGCHLD);
	strays_init(s);
	requests_init(s);
}

static void start_watchers(struct supervisor *s) {
	ev_signal_start(s->loop, &s->term);
	ev_signal_start(s->loop, &s->interrupt);
	ev_signal_start(s->loop, &s->hangup);
	ev_signal_start(s->loop, &s->user2);
	ev_signal_start(s->loop, &s->child);
	ev_prepare_start(s->loop, &s->strays);
	hand_over_listen();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ,
	       SIG_IGN); /* a limit on files is an error of the write, and no end of ours */
}

static void stop_watchers(struct supervisor *s) {
	ev_timer_stop(s->loop, &s->deadline);
	ev_timer_stop(s->loop, &s->status_late);
	ev_signal_stop(s->loop, &s->term);
	ev_signal_stop(s->loop, &s->interrupt);
	ev_signal_stop(s->loop, &s->hangup);
	ev_signal_stop(s->loop, &s->user2);
	ev_signal_stop(s->loop, &s->child);
	ev_prepare_stop(s->loop, &s->strays);
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

/* The kernel ends everybody in a namespace with its process 1. */
static void tell_place(struct supervisor *s) {
	struct event e = event_make(EVENT_CONFIG_NOTE);
	event_text(&e, "reason",
		   "this is process 1 of its container: when pumakeeperd ends, so does "
		   "everything there, workers included");
	if (getpid() == 1)
		supervisor_tell(s, &e);
}

static void tell_start(struct supervisor *s) {
	struct event e = event_make(EVENT_DAEMON_STARTED);
	event_text(&e, "version", "%s", PUMAKEEPER_VERSION);
	event_number(&e, "pid", getpid());
	event_text(&e, "name", "%s", s->plan->name);
	event_number(&e, "workers", s->plan->limits.workers);
	supervisor_tell(s, &e);
	tell_place(s);
	supervisor_tell_notes(s, &s->plan->notes);
	supervisor_tell_notes(s, &s->plan->puma_notes);
	supervisor_tell_notes(s, &s->listeners.notes);
}

static void begin(struct supervisor *s) {
	s->herd->statm_slack_bytes = statm_slack(s->plan);
	s->herd->every.dice = chance();
	s->launcher = (struct launcher){ .plan = s->plan,
					 .listeners = &s->listeners,
					 .runtime_dir = s->dir.path,
					 .notify_path = s->notify_path,
					 .output = s->output.fd };
	s->listeners_end = LISTENERS_ENDED;
	perform_new_rules(s);
	find_effective_limit(s);
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
	molds_destroy(s->molds, s->owner.leaves);
	cluster_destroy(s->cluster, s->owner.leaves);
	for (size_t i = 0; i < HERD_WORKERS_MAX; i++) {
		if (s->members[i] != NULL)
			member_forget(s->members[i]);
	}
	member_forget_rest(&s->owner);
}

static void destroy(struct supervisor *s) {
	upgrade_finish(s);
	stop_watchers(s);
	end_readers(s);
	hooks_destroy(s->hooks);
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
	upgrade_init(s, source->self);
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
	if (supervisor_take_all(s, err) == 0) {
		begin(s);
		/* A stop that was nearly over is over: nobody is left to wait for. */
		if (s->herd->state != HERD_LEFT)
			ev_run(s->loop, 0);
		code = s->exit_code;
	} else {
		service_say(s->service, err->text);
	}
	destroy(s);
	return code;
}
