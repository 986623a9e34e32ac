/*
 * The runtime directory, looked at: a cleaner of /tmp or a careless hand may remove it, or what is in
 * it, under a daemon that runs. Then nobody could be launched, nobody could ask, and the next daemon
 * would find nothing. A few stat(2) at each tick and before each launch, some microseconds.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/supervisor_parts.h"
#include "os/control_socket.h"
#include "os/lock.h"
#include "os/state_file.h"
#include "util/fd.h"

static bool has(const struct supervisor *s, const char *name, int fd) {
	return fd < 0 || runtime_dir_has(&s->dir, name, fd);
}

/* A socket's descriptor has another inode than its file. */
static bool has_socket(const char *path) {
	struct stat st;
	return path[0] == '@' || (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode));
}

static bool is_whole(const struct supervisor *s) {
	return runtime_dir_is_there(&s->dir) && has(s, LOCK_NAME, s->lock) &&
	       has(s, KEEP_NAME, s->keep.fd) && has(s, PAST_NAME, s->past.fd) &&
	       s->control_listener >= 0 && has_socket(s->control_path) &&
	       has_socket(s->notify_path);
}

static void note(struct text *made, const char *what) {
	text_printf(made, "%s%s", made->len > 0 ? ", " : "", what);
}

/*
 * Whoever has taken our place meanwhile keeps it. That nobody can ask us then is better than two
 * that are asked for one app.
 */
static void give_up(struct supervisor *s) {
	control_listen(s->control, -1);
	fd_close(&s->control_listener);
	notify_give_up(s->notify);
}

static int lock_again(struct supervisor *s, const struct runtime_dir *dir, struct text *why) {
	pid_t holder;
	int lock = lock_take_within(dir->fd, LOCK_NAME, 0, &holder);
	if (lock == -EWOULDBLOCK) {
		text_printf(why,
			    "another pumakeeperd (pid %d) has its place there by now: end one of "
			    "the two; this one (pid %d) goes on with its workers, launches nobody "
			    "and can't be asked",
			    (int)holder, (int)getpid());
		give_up(s);
	} else if (lock < 0) {
		text_printf(why, "its lock: %s", strerror(-lock));
	} else {
		fd_close(&s->lock);
		s->lock = lock;
	}
	return lock < 0 ? lock : 0;
}

/* What a person can do who may. */
static void explain(const struct supervisor *s, int error, struct text *why) {
	struct stat st = { 0 };
	(void)!fstat(s->dir.fd, &st);
	text_printf(why,
		    "%s; as root: `install -d -o %u -g %u -m %o %s`, then all the rest is made at "
		    "the next look. Until then nobody is launched and nobody can ask",
		    strerror(-error), st.st_uid, st.st_gid, st.st_mode & 0777, s->dir.path);
}

static int directory_again(struct supervisor *s, struct text *made, struct text *why) {
	struct runtime_bases bases = plan_runtime_bases();
	struct runtime_dir dir = { .fd = -1 };
	int error = runtime_dir_again(&bases, s->plan->name, &s->dir, &dir);
	if (error != 0) {
		explain(s, error, why);
		return error;
	}
	error = lock_again(s, &dir, why);
	if (error != 0) {
		fd_close(&dir.fd);
		return error;
	}
	(void)!lock_directory(dir.fd, 0);
	fd_close(&s->dir.fd);
	s->dir = dir;
	s->past.dir = dir.fd;
	note(made, "the directory");
	return 0;
}

static int state_again(struct supervisor *s, struct text *why) {
	int fd = state_file_open(s->dir.fd, KEEP_NAME);
	if (fd < 0) {
		text_printf(why, KEEP_NAME ": %s", strerror(-fd));
		return fd;
	}
	keep_again(s, fd);
	if (service_drop(s->service, KEEP_NAME) == 0)
		(void)!service_keep(s->service, KEEP_NAME, s->keep.fd);
	return 0;
}

static int control_again(struct supervisor *s, struct text *why) {
	struct error err = { 0 };
	gid_t group;
	int fd =
		control_socket_listen(s->control_path, s->plan->config.control.group, &group, &err);
	if (fd < 0) {
		text_puts(why, err.text);
		return -1;
	}
	control_listen(s->control, fd);
	fd_close(&s->control_listener);
	s->control_listener = fd;
	return 0;
}

static int notify_again(struct supervisor *s, struct text *why) {
	int error = notify_listen_again(s->notify);
	if (error != 0)
		text_printf(why, "%s: %s", s->notify_path, strerror(-error));
	return error;
}

/* The lock first: what follows is done by the one daemon that has it. */
static int own_it_again(struct supervisor *s, bool *elsewhere, struct text *made,
			struct text *why) {
	*elsewhere = !runtime_dir_is_there(&s->dir);
	if (*elsewhere)
		return directory_again(s, made, why);
	if (has(s, LOCK_NAME, s->lock))
		return 0;
	if (lock_again(s, &s->dir, why) != 0)
		return -1;
	note(made, LOCK_NAME);
	return 0;
}

/* What a full disk refuses is told as always, and tried again. */
static int files_again(struct supervisor *s, struct text *made, struct text *why) {
	if (!has(s, KEEP_NAME, s->keep.fd)) {
		if (state_again(s, why) != 0)
			return -1;
		note(made, KEEP_NAME);
	}
	if (!has(s, PAST_NAME, s->past.fd) && past_again(&s->past, s->dir.fd, s->journal))
		note(made, PAST_NAME);
	return 0;
}

/* `all`: what is found there was somebody else's. */
static int sockets_again(struct supervisor *s, bool all, struct text *made, struct text *why) {
	bool own_path = s->plan->config.control.socket == NULL;
	bool given_up = s->control_listener < 0;
	if (given_up || (all && own_path) || !has_socket(s->control_path)) {
		if (control_again(s, why) != 0)
			return -1;
		note(made, CONTROL_NAME);
	}
	if (given_up || all || !has_socket(s->notify_path)) {
		if (notify_again(s, why) != 0)
			return -1;
		note(made, "notify");
	}
	return 0;
}

static int make_again(struct supervisor *s, struct text *made, struct text *why) {
	bool elsewhere;
	if (own_it_again(s, &elsewhere, made, why) != 0 || files_again(s, made, why) != 0)
		return -1;
	return sockets_again(s, elsewhere, made, why);
}

static void tell_lost(struct supervisor *s, const char *why) {
	struct event e = event_make(EVENT_PLACE_LOST);
	event_text(&e, "path", "%s", s->dir.path);
	event_text(&e, "reason", "%s", why);
	supervisor_tell(s, &e);
}

static void tell_made(struct supervisor *s, const char *made) {
	struct event e = event_make(EVENT_PLACE_MADE);
	event_text(&e, "path", "%s", s->dir.path);
	event_text(&e, "made", "%s", made);
	supervisor_tell(s, &e);
}

bool look_at_place(struct supervisor *s) {
	char made_buffer[100], why_buffer[300];
	struct text made = TEXT_IN(made_buffer), why = TEXT_IN(why_buffer);
	if (is_whole(s))
		return true;
	bool lost = make_again(s, &made, &why) != 0;
	if (lost && !s->dir_lost)
		tell_lost(s, why_buffer);
	s->dir_lost = lost;
	if (made.len > 0)
		tell_made(s, made_buffer);
	return s->control_listener >= 0;
}
