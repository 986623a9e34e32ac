/* What an app has one of: its place, lock, state, listeners, control socket. See supervisor.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/supervisor_parts.h"
#include "os/control_socket.h"
#include "os/hand_over.h"
#include "os/listen.h"
#include "os/lock.h"
#include "util/fd.h"

static int no_place(const char *path, int error, struct error *err) {
	bool untrusted = error == -EPERM || error == -ENOTDIR || error == -ELOOP;
	return error_at(err, 0, 0, "no place for the control socket: %s%s%s", path,
			untrusted ? " would not be ours alone (on the way there is a link, a file, "
				    "or a directory of somebody else's or open to others): remove "
				    "that, or set XDG_RUNTIME_DIR"
				  : ": ",
			untrusted ? "" : strerror(-error));
}

/* What was given to us. */
static int take_inherited(struct supervisor *s, struct error *err) {
	int error = inherited_take(&s->inherited);
	if (error != 0)
		return error_at(err, 0, 0, "LISTEN_FDS, LISTEN_FDNAMES (sd_listen_fds(3)): %s",
				strerror(-error));
	error = hand_over_take(&s->inherited);
	if (error != 0)
		return error_at(err, 0, 0, "handed over: %s", strerror(-error));
	return 0;
}

/* Somebody who may read it holds it, or a daemon whose lock file was removed. */
static int take_directory(const struct supervisor *s, struct error *err) {
	struct stat st;
	bool is_private = fstat(s->dir.fd, &st) == 0 && (st.st_mode & 077) == 0;
	if (lock_directory(s->dir.fd, is_private ? LOCK_PATIENCE : 0) == 0 || !is_private)
		return 0;
	return error_at(err, 0, 0,
			"another pumakeeperd runs `%s` already, though its %s/lock was removed: "
			"somebody holds that directory",
			s->plan->name, s->dir.path);
}

static int take_place(struct supervisor *s, struct error *err) {
	struct runtime_bases bases = plan_runtime_bases();
	pid_t holder = 0;
	int error = runtime_dir_open(&bases, s->plan->name, &s->dir);
	if (error != 0)
		return no_place(s->dir.path, error, err);
	s->lock = inherited_named(&s->inherited, LOCK_NAME);
	s->control_listener = inherited_named(&s->inherited, CONTROL_NAME);
	if (s->lock >= 0) { /* it was never let go */
		(void)!lock_directory(s->dir.fd, 0);
		return 0;
	}
	s->lock = lock_take(s->dir.fd, LOCK_NAME, &holder);
	if (s->lock == -EWOULDBLOCK)
		return error_at(err, 0, 0,
				"another pumakeeperd (pid %d) runs `%s` already; `pumakeeper -s "
				"%s/control status` shows it, app.name tells two apps apart",
				(int)holder, s->plan->name, s->dir.path);
	if (s->lock < 0)
		return error_at(err, 0, 0, "%s/lock: %s", s->dir.path, strerror(-s->lock));
	return take_directory(s, err);
}

/* Handed over by the program before this one, at the same path. */
static bool is_there_already(const struct supervisor *s, gid_t *group) {
	const char *name = s->plan->config.control.group;
	char url[128];
	return s->control_listener >= 0 && listen_url(s->control_listener, url, sizeof url) == 0 &&
	       strcmp(url + strlen("unix://"), s->control_path) == 0 &&
	       (name == NULL || control_socket_group(name, group) == 0);
}

static int open_control(struct supervisor *s, struct error *err) {
	const struct config *c = &s->plan->config;
	gid_t group = 0;
	if (c->control.socket != NULL)
		snprintf(s->control_path, sizeof s->control_path, "%s", c->control.socket);
	else
		snprintf(s->control_path, sizeof s->control_path, "%s/control", s->dir.path);
	if (!is_there_already(s, &group)) {
		fd_close(&s->control_listener);
		s->control_listener =
			control_socket_listen(s->control_path, c->control.group, &group, err);
	}
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

/* From somebody who is not one of our processes it means nothing. */
static void on_notified(void *context, pid_t pid, const struct notice *notice) {
	struct supervisor *s = context;
	if (s->cluster != NULL) {
		cluster_heard(s->cluster, pid, notice);
		return;
	}
	if (!notice->ready)
		return;
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
		/* A cluster's workers are in the group of their master. */
		.ends_groups = s->plan->config.app.mode != MODE_CLUSTER,
		.report = supervisor_report,
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
	s->hooks = hooks_create(s->loop, hooks_report, s);
	if (s->herd == NULL || s->orders == NULL || s->journal == NULL || s->hooks == NULL)
		return error_at(err, 0, 0, "%s", strerror(ENOMEM));
	herd_init(s->herd, &s->plan->config, &s->plan->limits);
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

/* Somebody else has what we want: who, as far as that is known, and what can be done. */
static void explain_holders(const struct former *f, struct text *out) {
	if (f->unlent[0] != '\0')
		text_printf(out,
			    ". Workers of a former pumakeeperd hold what can't be taken back from "
			    "them: %s; `pumakeeper stop --orphans` ends them",
			    f->unlent);
	else if (!f->found && f->said[0] != '\0')
		text_printf(out,
			    ". What a former pumakeeperd has left of its herd is of no use: %s; if "
			    "workers of it still run, end them with TERM",
			    f->said);
}

/* What a dying master, or its worker, leaves behind becomes ours, and is reaped. */
static int open_cluster(struct supervisor *s, struct error *err) {
	if (s->plan->config.app.mode != MODE_CLUSTER)
		return 0;
	s->cluster = cluster_create(s->loop, &s->launcher, s->memory, &mold_reports, s);
	if (s->cluster == NULL || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
		return error_at(err, 0, 0, "app.mode: %s", strerror(errno));
	return 0;
}

static int open_listeners(struct supervisor *s, struct error *err) {
	struct error why = { 0 };
	char buffer[300] = "";
	struct text more = TEXT_IN(buffer);
	if (listeners_open(&s->plan->config, &s->inherited, &s->listeners, &why) == 0)
		return 0;
	explain_holders(&s->former, &more);
	return error_at(err, 0, 0, "%.200s%s", why.text, buffer);
}

int supervisor_take_all(struct supervisor *s, struct error *err) {
	const struct config *c = &s->plan->config;
	if (take_inherited(s, err) != 0 || take_place(s, err) != 0 || allocate(s, err) != 0 ||
	    output_open(&s->output, c->app.output, err) != 0 ||
	    adopt_find(s, &s->inherited, err) != 0 || open_listeners(s, err) != 0)
		return -1;
	s->listener_names =
		(struct listeners){ .list = s->listeners.names, .len = s->listeners.len };
	if (open_control(s, err) != 0 || open_notify(s, err) != 0)
		return -1;
	if (start_readers(s, err) != 0)
		return -1;
	return open_molds(s, err) != 0 ? -1 : open_cluster(s, err);
}
