#include "daemon/adopt.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/identity.h"
#include "daemon/supervisor_parts.h"
#include "os/borrow.h"
#include "os/process.h"
#include "os/state_file.h"
#include "util/fd.h"

#define ASIDE "state.former" /* what could not be understood, for a person or a newer version */

static bool is_same_file(int a, int b) {
	struct stat one, other;
	return fstat(a, &one) == 0 && fstat(b, &other) == 0 && one.st_dev == other.st_dev &&
	       one.st_ino == other.st_ino;
}

/* The same file, mostly; what systemd has kept counts where the directory was lost. */
static int read_text(int fd, struct inherited *in, char **text, size_t *len, bool *is_other) {
	AUTOCLOSE int stored = inherited_named(in, KEEP_NAME);
	int error = state_file_read(fd, text, len);
	*is_other = stored >= 0 && !is_same_file(fd, stored);
	if (error != 0 && stored >= 0)
		error = state_file_read(stored, text, len);
	return error;
}

static void put_aside(const struct supervisor *s, const char *text, size_t len) {
	AUTOCLOSE int fd = openat(s->dir.fd, ASIDE,
				  O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0 && write(fd, text, len) < 0)
		unlinkat(s->dir.fd, ASIDE, 0);
}

static void read_state(struct supervisor *s, struct inherited *in) {
	struct former *f = &s->former;
	struct text said = TEXT_IN(f->said);
	char *text = NULL;
	size_t len = 0;
	int error = read_text(s->keep.fd, in, &text, &len, &f->stored_other);
	if (error == -ENODATA)
		return;
	if (error != 0) {
		text_printf(&said, "the state of a former pumakeeperd can't be read: %s",
			    strerror(-error));
		return;
	}
	f->state.herd = s->herd;
	enum state_verdict verdict =
		state_read(text, len, s->keep.state.boot_id, &f->state, &f->texts, &said);
	if (verdict == STATE_BROKEN || verdict == STATE_PARTIAL)
		put_aside(s, text, len);
	f->found = verdict == STATE_WHOLE || verdict == STATE_PARTIAL;
	free(text);
}

static void note_living(struct former *f, unsigned id, pid_t pid, int pidfd) {
	f->workers[f->n_workers++] =
		(struct former_process){ .id = id, .pid = pid, .pidfd = pidfd };
}

/* 0 with its pidfd, or -1: it is gone. An error says neither, and is the caller's to heed. */
static int open_living(pid_t pid, uint64_t start_ticks, int *pidfd) {
	*pidfd = identity_open(pid, start_ticks);
	if (*pidfd >= 0 && identity_has_ended(*pidfd))
		fd_close(pidfd);
	int error = *pidfd < -1 && *pidfd != -ESRCH ? *pidfd : 0;
	if (*pidfd < 0)
		*pidfd = -1;
	return error;
}

/* Better not to begin than to launch others beside those who live: whoever starts us tries again. */
static int can_not_look(pid_t pid, int error, struct error *err) {
	return error_at(err, 0, 0,
			"whether pid %d of a former pumakeeperd still runs can't be seen: %s",
			(int)pid, strerror(-error));
}

/* One that was never launched, as far as was written down, has no pid: the herd launches it. */
static int find_workers(struct supervisor *s, struct error *err) {
	struct former *f = &s->former;
	for (unsigned i = 0; i < s->herd->cells; i++) {
		struct worker *w = &s->herd->workers[i];
		if (w->life.state == WORKER_GONE || w->pid == 0)
			continue;
		int pidfd, error = open_living(w->pid, w->start_ticks, &pidfd);
		if (error != 0)
			return can_not_look(w->pid, error, err);
		if (pidfd >= 0)
			note_living(f, w->id, w->pid, pidfd);
		else
			f->gone[f->n_gone++] = w->id;
	}
	return 0;
}

/* One that was to become a mold is one still: it drains, and has all of its patience. */
static bool is_worker(const struct former *f, pid_t pid) {
	for (size_t i = 0; i < f->n_workers; i++) {
		if (f->workers[i].pid == pid)
			return true;
	}
	return false;
}

static int find_molds(struct supervisor *s, struct error *err) {
	struct former *f = &s->former;
	for (size_t i = 0; i < HERD_PARENTS_MAX; i++) {
		const struct parent *p = &s->herd->parents[i];
		if (p->generation == 0 || p->pid == 0 || is_worker(f, p->pid))
			continue;
		int pidfd, error = open_living(p->pid, p->start_ticks, &pidfd);
		if (error != 0)
			return can_not_look(p->pid, error, err);
		if (pidfd < 0)
			continue;
		f->molds[f->n_molds++] = (struct former_process){
			.id = p->generation,
			.release = p->release,
			.has_loaded = p->state != MOLD_LOADING,
			.restarts = p->restarts_since != 0,
			.pid = p->pid,
			.pidfd = pidfd,
		};
	}
	return 0;
}

/* One that was launched, and not written down any more. */
static int find_master(struct supervisor *s, struct error *err) {
	struct former *f = &s->former;
	uint64_t ticks;
	pid_t pid = adopt_find_unknown_master(s->herd, &f->state, &ticks);
	int pidfd = -1, error = pid > 0 ? open_living(pid, ticks, &pidfd) : 0;
	if (error != 0)
		return can_not_look(pid, error, err);
	if (pidfd < 0)
		return 0;
	f->molds[f->n_molds++] = (struct former_process){ .id = ++f->state.mold_generation,
							  .release = s->herd->release,
							  .pid = pid,
							  .pidfd = pidfd };
	return 0;
}

static bool has_socket(const struct inherited *in, uint64_t inode) {
	struct stat st;
	for (size_t i = 0; i < in->len; i++) {
		if (in->list[i].fd >= 0 && fstat(in->list[i].fd, &st) == 0 &&
		    S_ISSOCK(st.st_mode) && st.st_ino == inode)
			return true;
	}
	return false;
}

static int borrow_from(const struct former_process *p, uint64_t inode) {
	struct process process;
	int error = process_open(p->pid, &process);
	if (error != 0)
		return error;
	int fd = borrow_listener(p->pidfd, process.dir, inode);
	process_close(&process);
	return fd;
}

/* What systemd has not kept, a worker has, and a cluster's master. */
static int take_back(struct former *f, const struct state_listener *l, struct inherited *in) {
	int fd = -ENOENT;
	for (size_t i = 0; i < f->n_workers && fd < 0; i++)
		fd = borrow_from(&f->workers[i], l->inode);
	for (size_t i = 0; i < f->n_molds && fd < 0; i++)
		fd = borrow_from(&f->molds[i], l->inode);
	return fd < 0 ? fd : inherited_add(in, l->name, fd);
}

static void take_back_all(struct former *f, struct inherited *in) {
	struct text said = TEXT_IN(f->unlent);
	for (size_t i = 0; i < f->state.n_listeners; i++) {
		const struct state_listener *l = &f->state.listeners[i];
		int error = has_socket(in, l->inode) ? 0 : take_back(f, l, in);
		if (error != 0 && f->n_workers > 0)
			text_printf(&said, "%s%s (%s)", said.len > 0 ? ", " : "", l->url,
				    strerror(-error));
	}
}

int adopt_find(struct supervisor *s, struct inherited *in, struct error *err) {
	int fd = state_file_open(s->dir.fd, KEEP_NAME);
	if (fd < 0)
		return error_at(err, 0, 0, "%s/%s: %s", s->dir.path, KEEP_NAME, strerror(-fd));
	keep_begin(s, fd);
	read_state(s, in);
	if (!s->former.found)
		return 0;
	bool cluster = s->plan->config.app.mode == MODE_CLUSTER;
	if (!cluster) /* there it is a master that gives the workers */
		adopt_find_unknown(s->herd, &s->former.state, s->dir.path);
	if (find_workers(s, err) != 0 || find_molds(s, err) != 0)
		return -1;
	if (cluster && find_master(s, err) != 0)
		return -1;
	if (s->former.state.cluster && !cluster && s->former.n_molds > 0)
		return error_at(err, 0, 0,
				"a cluster of a former pumakeeperd still runs, its master has pid "
				"%d, and app.mode is another one now: `pumakeeper stop --orphans` "
				"ends it",
				(int)s->former.molds[0].pid);
	take_back_all(&s->former, in);
	return 0;
}

/* It can't be kept in sight: it must not live, as one that was just launched. */
static void end_at_once(struct former *f, struct former_process *p) {
	syscall(SYS_pidfd_send_signal, p->pidfd, SIGKILL, NULL, 0);
	f->gone[f->n_gone++] = p->id;
}

static void take_worker(struct supervisor *s, struct former_process *p) {
	char probe_path[108];
	const struct worker *w = herd_worker(s->herd, p->id);
	snprintf(probe_path, sizeof probe_path, "%s/probe-%u", s->dir.path, p->id);
	if (access(probe_path, F_OK) != 0)
		probe_path[0] = '\0';
	struct member *m = member_create(&s->owner, p->id, p->pid, p->pidfd, probe_path);
	if (m == NULL || !supervisor_add_member(s, m)) {
		end_at_once(&s->former, p);
		return;
	}
	p->pidfd = -1;
	if (w->ready_at != 0)
		member_served(m);
}

/* A cluster's forks without being asked: it goes on. Before anybody asks for one. */
static void take_master(struct supervisor *s, struct former_process *p) {
	const struct cluster_former former = { .release = p->release,
					       .generation = p->id,
					       .loaded = p->has_loaded,
					       .restarts = p->restarts,
					       .pid = p->pid,
					       .pidfd = p->pidfd };
	if (cluster_adopt(s->cluster, &former) != 0) {
		syscall(SYS_pidfd_send_signal, p->pidfd, SIGTERM, NULL, 0);
		return;
	}
	p->pidfd = -1;
	for (unsigned i = 0; i < s->herd->cells; i++) {
		const struct worker *w = &s->herd->workers[i];
		if (w->life.state != WORKER_GONE && w->pid != 0 && w->generation == p->id)
			cluster_adopt_worker(s->cluster, p->id, w->id, w->pid, w->start_ticks,
					     w->life.state >= WORKER_DRAINING);
	}
}

/*
 * What forked for another daemon is none of ours if we don't fork at all: nobody would see whether
 * it obeys, and it has nothing to finish. And what loads has nothing yet that a worker shares.
 */
static void take_mold(struct supervisor *s, struct former_process *p) {
	if (s->molds == NULL) {
		syscall(SYS_pidfd_send_signal, p->pidfd, SIGKILL, NULL, 0);
		return;
	}
	if (molds_adopt(s->molds, p->release, p->id, p->pid, p->pidfd) != 0)
		return;
	p->pidfd = -1;
	if (!p->has_loaded)
		molds_let_go(s->molds, p->id);
}

/* A mold of the same code, under a number of its own: nobody is forked by the former one. */
static unsigned new_release(struct supervisor *s) {
	const char *path = releases_path(&s->releases, s->herd->release);
	if (path == NULL)
		return releases_renew(&s->releases, s->plan->directory);
	return s->molds != NULL ? releases_renew(&s->releases, path) : 0;
}

static void tell_herd(struct supervisor *s) {
	const struct former *f = &s->former;
	struct herd_event event = { .kind = HERD_ADOPT };
	event.adopt.gone = f->gone;
	event.adopt.n = f->n_gone;
	event.adopt.same_code = releases_path(&s->releases, s->herd->release) != NULL;
	event.adopt.release = new_release(s);
	feed(s, &event);
}

/*
 * Whoever was left on purpose is to be followed by new processes (`systemctl restart`), and those
 * that were started otherwise than they would be now are not what the configuration says.
 */
static bool renew(struct supervisor *s) {
	const struct state *state = &s->former.state;
	if (s->herd->state > HERD_SERVING)
		return false;
	if (state->detached)
		deploy(s, NULL, 0, false, "the restart of pumakeeperd");
	else if (strcmp(state->launch, s->keep.state.launch) != 0)
		deploy(s, NULL, 0, false, "a changed configuration");
	else
		return false;
	return true;
}

void adopt_tell(struct supervisor *s) {
	struct event e = event_make(EVENT_STATE_PARTIAL);
	event_text(&e, "reason", "%s", s->former.said);
	if (s->former.said[0] != '\0')
		supervisor_tell(s, &e);
}

static bool is_known(const struct former *f, unsigned id) {
	for (size_t i = 0; i < f->n_workers; i++) {
		if (f->workers[i].id == id)
			return true;
	}
	return false;
}

void adopt_sweep(struct supervisor *s) {
	int fd = openat(s->dir.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	unsigned id;
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (sscanf(entry->d_name, "probe-%u", &id) == 1 && !is_known(&s->former, id))
			unlinkat(s->dir.fd, entry->d_name, 0);
	}
	if (dir != NULL)
		closedir(dir);
	else
		fd_close(&fd);
}

/* So that systemd has them for the next one, wherever the directory is by then. */
void adopt_store(struct supervisor *s) {
	const struct listener_set *set = &s->listeners;
	if (s->former.stored_other)
		(void)!service_drop(s->service, KEEP_NAME);
	(void)!service_keep(s->service, KEEP_NAME, s->keep.fd);
	for (size_t i = 0; i < set->dropped.len; i++)
		(void)!service_drop(s->service, set->dropped.items[i]);
	for (size_t i = 0; i < set->len; i++) {
		if (set->origins[i] != LISTENER_PASSED) /* those it has itself */
			(void)!service_keep(s->service, listeners_store_name(set, i), set->fds[i]);
	}
}

void adopt_begin(struct supervisor *s) {
	struct former *f = &s->former;
	s->releases = f->state.releases;
	s->restart_txt = f->state.restart_txt;
	for (size_t i = 0; i < f->n_workers; i++)
		take_worker(s, &f->workers[i]);
	s->keep.state.mold_generation = f->state.mold_generation;
	if (s->molds != NULL)
		molds_continue(s->molds, f->state.mold_generation);
	if (s->cluster != NULL)
		cluster_continue(s->cluster, f->state.mold_generation);
	for (size_t i = 0; s->cluster != NULL && i < f->n_molds; i++)
		take_master(s, &f->molds[i]);
	tell_herd(s);
	for (size_t i = 0; s->cluster == NULL && i < f->n_molds; i++)
		take_mold(s, &f->molds[i]);
	if (s->cluster != NULL)
		cluster_tell(s->cluster);
	/* Those who follow everybody are forked from a mold of their own: none before that one. */
	if (!renew(s) && s->molds != NULL && s->herd->state <= HERD_SERVING)
		molds_want(s->molds, s->herd->release);
}

void adopt_finish(struct former *f) {
	for (size_t i = 0; i < f->n_workers; i++)
		fd_close(&f->workers[i].pidfd);
	for (size_t i = 0; i < f->n_molds; i++)
		fd_close(&f->molds[i].pidfd);
	strings_finish(&f->texts);
}
