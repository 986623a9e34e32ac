/* What clients of the control socket ask for. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/explain.h"
#include "core/status.h"
#include "daemon/supervisor_parts.h"
#include "os/clock.h"

#define STATUS_LATEST 0.3 /* seconds that a status waits for connections to be counted */

static void finish(struct supervisor *s, uint64_t client, const char *message) {
	char buffer[PROTOCOL_LINE_MAX];
	struct text line = TEXT_IN(buffer);
	protocol_done(&line, message);
	control_answer(s->control, client, buffer);
}

PRINTF(3, 4)
static void refuse(struct supervisor *s, uint64_t client, const char *fmt, ...) {
	char reason[PROTOCOL_LINE_MAX], buffer[PROTOCOL_LINE_MAX];
	struct text line = TEXT_IN(buffer);
	va_list args;
	va_start(args, fmt);
	vsnprintf(reason, sizeof reason, fmt, args);
	va_end(args);
	protocol_refuse(&line, CODE_FAILED, "%s", reason);
	control_answer(s->control, client, buffer);
}

static bool wait_for(struct supervisor *s, uint64_t client, enum waiting_for what) {
	for (size_t i = 0; i < WAITING_MAX; i++) {
		if (s->waiting[i].what == WAITING_NOBODY) {
			s->waiting[i] = (struct waiting){ what, client };
			return true;
		}
	}
	refuse(s, client, "too many clients wait already");
	return false;
}

static const char *release_path(const void *context, unsigned number) {
	return releases_path(context, number);
}

static json_t *status_of(struct supervisor *s) {
	const char *urls[SPAWN_FDS_MAX];
	for (size_t i = 0; i < s->listeners.len; i++)
		urls[i] = s->listeners.urls[i];
	const struct status_facts facts = {
		.app = s->plan->name,
		.version = PUMAKEEPER_VERSION,
		.mode = s->cluster != NULL ? "cluster" : "pool",
		.pid = getpid(),
		.urls = urls,
		.n_urls = s->listeners.len,
		.release = release_path,
		.context = &s->releases,
		.notes = &s->plan->notes,
	};
	return status_json(s->herd, &facts, clock_now());
}

/* Takes over `value`. */
static void answer_json(struct supervisor *s, uint64_t client, json_t *value) {
	char *line = value != NULL ? json_dumps(value, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
	json_decref(value);
	if (line != NULL)
		control_answer(s->control, client, line);
	else
		refuse(s, client, "%s", strerror(ENOMEM));
	free(line);
}

static void answer_statuses(struct supervisor *s) {
	ev_timer_stop(s->loop, &s->status_late);
	for (size_t i = 0; i < WAITING_MAX; i++) {
		if (s->waiting[i].what != WAITING_STATUS)
			continue;
		s->waiting[i].what = WAITING_NOBODY;
		answer_json(s, s->waiting[i].client, status_of(s));
	}
}

static void on_status_late(struct ev_loop *loop UNUSED, ev_timer *w, int revents UNUSED) {
	answer_statuses(container_of(w, struct supervisor, status_late));
}

void requests_init(struct supervisor *s) {
	ev_timer_init(&s->status_late, on_status_late, STATUS_LATEST, 0.0);
}

void requests_counted(struct supervisor *s) {
	if (!ev_is_active(&s->status_late))
		return;
	for (size_t i = 0; i < HERD_WORKERS_MAX; i++) {
		if (s->members[i] != NULL && s->members[i]->count.job.out)
			return;
	}
	answer_statuses(s);
}

static void wait_a_moment(struct supervisor *s) {
	ev_timer_set(&s->status_late, STATUS_LATEST, 0.0);
	ev_timer_start(s->loop, &s->status_late);
}

static void ask_status(struct supervisor *s, uint64_t client, const struct request *r UNUSED) {
	bool counting = false;
	if (!wait_for(s, client, WAITING_STATUS))
		return;
	for (size_t i = 0; i < HERD_WORKERS_MAX; i++) {
		struct member *m = s->members[i];
		const struct worker *w = m != NULL ? herd_worker(s->herd, m->id) : NULL;
		if (w == NULL || w->ready_at == 0)
			continue;
		member_count(m);
		counting = counting || m->count.job.out;
	}
	if (!counting)
		answer_statuses(s);
	else if (!ev_is_active(&s->status_late))
		wait_a_moment(s);
}

static bool send_event(struct supervisor *s, uint64_t client, const struct event *event) {
	char buffer[EVENT_JSON_SIZE];
	struct text line = TEXT_IN(buffer);
	event_print_json(event, &line);
	return control_send(s->control, client, buffer);
}

static void ask_events(struct supervisor *s, uint64_t client, const struct request *r) {
	const struct event *event;
	for (uint64_t seq = r->since; (event = journal_after(s->journal, seq)) != NULL;
	     seq = event->seq) {
		if (!send_event(s, client, event))
			return;
	}
	if (!r->follow)
		finish(s, client, NULL);
	else
		wait_for(s, client, WAITING_EVENTS);
}

static bool check_slots(struct supervisor *s, uint64_t client, const struct request *r) {
	for (unsigned i = 0; i < r->n_slots; i++) {
		if (r->slots[i] < s->herd->n_slots)
			continue;
		refuse(s, client, "there is no slot %u: slots are 0 to %u", r->slots[i],
		       s->herd->n_slots - 1);
		return false;
	}
	return true;
}

/* What asks for a deploy must not get the old release and think that it is the new one. */
static bool check_directory(struct supervisor *s, uint64_t client) {
	char path[PATH_MAX];
	int error = plan_resolve_directory(s->plan, path);
	if (error != 0)
		refuse(s, client,
		       "app.directory %s: %s; nothing is restarted (slots that are named stay on their release)",
		       s->plan->wished_directory, strerror(-error));
	return error == 0;
}

static void ask_restart(struct supervisor *s, uint64_t client, const struct request *r) {
	const struct restart *under_way = &s->herd->restart;
	if (s->herd->state >= HERD_WAITING_TO_STOP) {
		refuse(s, client, "the daemon is stopping");
		return;
	}
	if (under_way->active) {
		refuse(s, client, "a restart by %s is under way: %u of %u done", under_way->by,
		       under_way->done, under_way->total);
		return;
	}
	if (r->all && !check_directory(s, client))
		return;
	if (!check_slots(s, client, r) || (r->wait && !wait_for(s, client, WAITING_RESTART)))
		return;
	char by[48];
	snprintf(by, sizeof by, "pumakeeper restart, uid %d", (int)control_uid(s->control, client));
	deploy(s, r->all ? NULL : r->slots, r->all ? 0 : r->n_slots, r->force, by);
	if (!r->wait)
		finish(s, client, "asked for; `pumakeeper events --follow` tells how it goes");
}

static void ask_reload(struct supervisor *s, uint64_t client, const struct request *r UNUSED) {
	char buffer[2048];
	struct text said = TEXT_IN(buffer);
	if (reload(s, &said))
		finish(s, client, buffer);
	else
		refuse(s, client, "%s", buffer);
}

static void ask_explain(struct supervisor *s, uint64_t client, const struct request *r) {
	if (!check_slots(s, client, r))
		return;
	json_t *value = explain_json(s->herd, r->slots[0], clock_now());
	if (value != NULL)
		answer_json(s, client, value);
	else
		refuse(s, client, "slot %u has no worker now: %s", r->slots[0],
		       s->herd->slots[r->slots[0]].last_reason);
}

static void ask_reopen(struct supervisor *s, uint64_t client, const struct request *r UNUSED) {
	int error = output_reopen(&s->output);
	s->launcher.output = s->output.fd;
	if (error != 0)
		refuse(s, client, "app.output %s: %s", s->output.path, strerror(-error));
	else if (s->output.path == NULL)
		finish(s, client, "there is nothing to reopen: app.output is not set");
	else
		finish(s, client,
		       "reopened; workers that run keep the old file until their "
		       "replacement (restart --all), as they hold it open themselves");
}

static void ask_stop(struct supervisor *s, uint64_t client, const struct request *r) {
	char by[48];
	snprintf(by, sizeof by, "pumakeeper stop, uid %d", (int)control_uid(s->control, client));
	const struct herd_event event = { .kind = HERD_STOP, .text = by };
	if (r->wait && !wait_for(s, client, WAITING_STOP))
		return;
	feed(s, &event);
	if (!r->wait)
		finish(s, client, "draining");
}

static void on_gone(void *context, uint64_t client) {
	struct supervisor *s = context;
	for (size_t i = 0; i < WAITING_MAX; i++) {
		if (s->waiting[i].client == client)
			s->waiting[i].what = WAITING_NOBODY;
	}
}

static void ask_upgrade(struct supervisor *s, uint64_t client, const struct request *r UNUSED) {
	char by[48], buffer[400];
	struct text why = TEXT_IN(buffer);
	snprintf(by, sizeof by, "pumakeeper upgrade, uid %d", (int)control_uid(s->control, client));
	if (!wait_for(s, client, WAITING_UPGRADE))
		return;
	if (upgrade_ask(s, by, &why))
		return; /* what comes of it is told by events */
	on_gone(s, client);
	refuse(s, client, "%s", buffer);
}

static void ask_detach(struct supervisor *s, uint64_t client, const struct request *r UNUSED) {
	char by[48], buffer[100];
	struct text why = TEXT_IN(buffer);
	snprintf(by, sizeof by, "pumakeeper detach, uid %d", (int)control_uid(s->control, client));
	if (detach(s, by, &why))
		finish(s, client,
		       "left: workers serve on until the next pumakeeperd takes them over");
	else
		refuse(s, client, "%s", buffer);
}

static void (*const askers[VERB_COUNT])(struct supervisor *, uint64_t, const struct request *) = {
	[VERB_STATUS] = ask_status, [VERB_EVENTS] = ask_events,   [VERB_RESTART] = ask_restart,
	[VERB_RELOAD] = ask_reload, [VERB_EXPLAIN] = ask_explain, [VERB_REOPEN] = ask_reopen,
	[VERB_STOP] = ask_stop,     [VERB_UPGRADE] = ask_upgrade, [VERB_DETACH] = ask_detach,
};

static void on_request(void *context, uint64_t client, const struct request *request) {
	askers[request->verb](context, client, request);
}

static void on_refused(void *context, uid_t uid, const char *reason) {
	struct event e = event_make(EVENT_CONTROL_REFUSED);
	event_number(&e, "uid", uid == (uid_t)-1 ? -1 : (int64_t)uid);
	event_text(&e, "reason", "%s", reason);
	supervisor_tell(context, &e);
}

const struct control_handler requests_handler = {
	.request = on_request,
	.gone = on_gone,
	.refused = on_refused,
};

static bool is_progress(enum event_id id) {
	return id == EVENT_WORKER_READY || id == EVENT_WORKER_BOOTING ||
	       id == EVENT_DRAIN_STARTED || id == EVENT_REPLACEMENT_STARTED ||
	       id == EVENT_REPLACEMENT_DONE || id == EVENT_REPLACEMENT_FAILED ||
	       id == EVENT_REPLACEMENT_REFUSED || id == EVENT_REPLACEMENT_WAITS ||
	       id == EVENT_DRAIN_HALF_CLOSED || id == EVENT_DRAIN_KILLED ||
	       id == EVENT_RELEASE_CHANGED;
}

/* False: the client is gone. */
static bool send_progress(struct supervisor *s, uint64_t client, const struct event *event) {
	char buffer[PROTOCOL_LINE_MAX], printed[1024];
	struct text line = TEXT_IN(buffer), text = TEXT_IN(printed);
	event_print(event, &text);
	protocol_progress(&line, "%s", printed + strlen("event="));
	return control_send(s->control, client, buffer);
}

/* A slot's is one more worker of the master that runs. */
static bool is_old_code(const struct supervisor *s) {
	return s->cluster != NULL && s->herd->restart.release_before == s->herd->release;
}

static void restart_over(struct supervisor *s, uint64_t client) {
	const struct restart *r = &s->herd->restart;
	if (r->failed > 0)
		refuse(s, client,
		       "%u of %u replaced; one failed: its old worker stays, and the rest was not "
		       "tried. `pumakeeper events` tells why",
		       r->done, r->total);
	else
		finish(s, client,
		       is_old_code(s) ? "replaced, by the master that runs: new code comes with "
					"`restart --all`"
		       : r->done == 1 ? "1 worker replaced"
				      : "all replaced");
}

/* False: this client needs no more of it. */
static bool tell_restart(struct supervisor *s, uint64_t client, const struct event *event) {
	if (event->id == EVENT_RESTART_DONE) {
		restart_over(s, client);
		return false;
	}
	return !is_progress(event->id) || send_progress(s, client, event);
}

static bool tell_stop(struct supervisor *s, uint64_t client, const struct event *event) {
	if (event->id == EVENT_DAEMON_STOPPED) {
		finish(s, client, "every worker is gone");
		return false;
	}
	return event->id != EVENT_DRAIN_DONE || send_progress(s, client, event);
}

/* The step itself can fail still. Its success is the end of this connection. */
static bool tell_upgrade(struct supervisor *s, uint64_t client, const struct event *event) {
	if (event->id == EVENT_DAEMON_UPGRADE_FAILED)
		refuse(s, client, "%s", event->text + event->fields[0].at);
	else if (event->id == EVENT_DAEMON_UPGRADING)
		return send_progress(s, client, event);
	else
		return true;
	return false;
}

static void tell_one(struct supervisor *s, struct waiting *w, const struct event *event) {
	bool more = true;
	switch (w->what) {
	case WAITING_EVENTS: more = send_event(s, w->client, event); break;
	case WAITING_RESTART: more = tell_restart(s, w->client, event); break;
	case WAITING_STOP: more = tell_stop(s, w->client, event); break;
	case WAITING_UPGRADE: more = tell_upgrade(s, w->client, event); break;
	case WAITING_STATUS:
	case WAITING_NOBODY: break;
	}
	if (!more)
		w->what = WAITING_NOBODY;
}

void requests_told(void *context, const struct event *event) {
	struct supervisor *s = context;
	for (size_t i = 0; i < WAITING_MAX; i++)
		tell_one(s, &s->waiting[i], event);
}
