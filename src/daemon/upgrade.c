#include "daemon/upgrade.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/last_words.h"
#include "daemon/supervisor_parts.h"
#include "os/boot_id.h"
#include "os/hand_over.h"
#include "os/spawn.h"
#include "os/state_file.h"
#include "util/fd.h"

#define PATIENCE     30.0 /* seconds for a dry start: Puma is asked, an allocator is tried */
#define ANSWERED     0.05 /* seconds for an answer on its way */
#define QUOTED       300  /* bytes of what it printed */
#define STATE_FD     "3"  /* spawn_start() begins there */
#define WORDS_MAX    512
#define HANDED_EXTRA 3 /* state, lock, control socket */

/* As the shell has found it. A link that is moved on leads to the new one. */
static void find_program(const char *word, char path[PATH_MAX]) {
	const char *places = getenv("PATH");
	ssize_t n;
	if (strchr(word, '/') != NULL) {
		snprintf(path, PATH_MAX, "%s", word);
		return;
	}
	for (const char *at = places; at != NULL && *at != '\0';) {
		size_t len = strcspn(at, ":");
		snprintf(path, PATH_MAX, "%.*s/%s", (int)len, at, word);
		if (len > 0 && access(path, X_OK) == 0)
			return;
		at += len + (at[len] == ':');
	}
	n = readlink("/proc/self/exe", path, PATH_MAX - 1);
	path[n > 0 ? n : 0] = '\0';
}

static void end_trial(struct supervisor *s) {
	struct upgrade *u = &s->upgrade;
	ev_io_stop(s->loop, &u->ended);
	ev_timer_stop(s->loop, &u->late);
	fd_close(&u->pidfd);
	fd_close(&u->output);
	u->trial = 0;
}

static void tell_refused(struct supervisor *s, const char *reason) {
	struct event e = event_make(EVENT_DAEMON_UPGRADE_FAILED);
	event_text(&e, "reason", "%s", reason);
	supervisor_tell(s, &e);
}

static void quote(int output, struct text *out) {
	char bytes[4096 + 1], words[QUOTED + 1];
	struct text said = TEXT_IN(words);
	off_t size = lseek(output, 0, SEEK_END);
	ssize_t n = pread(output, bytes, 4096, size > 4096 ? size - 4096 : 0);
	bytes[n > 0 ? n : 0] = '\0';
	last_words(bytes, QUOTED, &said);
	if (said.len > 0)
		text_printf(out, ": %s", words);
}

/* Everything that the next image has of this one. Returns only if that has failed. */
static int go_on_as(struct supervisor *s) {
	struct handed_over list[SPAWN_FDS_MAX + HANDED_EXTRA];
	const struct listener_set *set = &s->listeners;
	size_t n = 0;
	list[n++] = (struct handed_over){ KEEP_NAME, s->keep.fd };
	list[n++] = (struct handed_over){ LOCK_NAME, s->lock };
	list[n++] = (struct handed_over){ CONTROL_NAME, s->control_listener };
	for (size_t i = 0; i < set->len; i++)
		list[n++] = (struct handed_over){ listeners_store_name(set, i), set->fds[i] };
	hooks_end_all(s->hooks); /* the next image knows none of them */
	int error = service_restore_environment(s->service);
	return error != 0 ? error : hand_over(s->upgrade.path, s->upgrade.argv, list, n);
}

/* Whoever asked gets the answer before its connection ends. */
static void prepare_to_go_on(struct supervisor *s) {
	struct event e = event_make(EVENT_DAEMON_UPGRADING);
	event_text(&e, "path", "%s", s->upgrade.path);
	supervisor_tell(s, &e);
	ev_now_update(s->loop);
	ev_timer_set(&s->upgrade.late, ANSWERED, 0.0);
	ev_timer_start(s->loop, &s->upgrade.late);
}

static void explain_unwritten(int error, struct text *why) {
	text_printf(why, "what it has to know of the herd can't be written: %s", strerror(-error));
}

static void take_the_step(struct supervisor *s) {
	char buffer[PATH_MAX + 100];
	struct text why = TEXT_IN(buffer);
	int error;
	if (s->herd->state > HERD_SERVING) {
		text_puts(&why, "the daemon is stopping");
	} else if ((error = keep_for_successor(s, false)) != 0) {
		explain_unwritten(error, &why);
	} else {
		text_printf(&why, "%s: %s", s->upgrade.path, strerror(-go_on_as(s)));
		service_forget_environment();
	}
	hand_over_listen();
	tell_refused(s, buffer);
}

/* A signal that has come already is the loop's, and one that comes now is the next image's. */
static void hold_signals(struct supervisor *s) {
	struct upgrade *u = &s->upgrade;
	hand_over_hold();
	u->held = true;
	ev_timer_set(&u->late, 0.0, 0.0);
	ev_timer_start(s->loop, &u->late);
}

static void on_ended(struct ev_loop *loop UNUSED, ev_io *w, int revents UNUSED) {
	struct supervisor *s = container_of(w, struct supervisor, upgrade.ended);
	struct upgrade *u = &s->upgrade;
	siginfo_t info = { 0 };
	char buffer[QUOTED + 200];
	struct text why = TEXT_IN(buffer);
	if (waitid(P_PIDFD, (id_t)u->pidfd, &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0)
		return;
	bool good = info.si_code == CLD_EXITED && info.si_status == 0;
	if (info.si_code == CLD_EXITED)
		text_printf(&why, "its dry start ended with exit status %d", info.si_status);
	else
		text_printf(&why, "its dry start was ended by signal %d", info.si_status);
	quote(u->output, &why);
	end_trial(s);
	if (good)
		prepare_to_go_on(s);
	else
		tell_refused(s, buffer);
}

static void on_late(struct ev_loop *loop UNUSED, ev_timer *w, int revents UNUSED) {
	struct supervisor *s = container_of(w, struct supervisor, upgrade.late);
	struct upgrade *u = &s->upgrade;
	if (u->trial != 0) {
		kill(u->trial, SIGKILL); /* our child, not reaped: its pidfd tells its end */
	} else if (!u->held) {
		hold_signals(s);
	} else {
		u->held = false;
		take_the_step(s);
	}
}

/* Our own words, with what makes it a trial behind the first. */
static int start_trial(struct supervisor *s) {
	struct upgrade *u = &s->upgrade;
	char flag[] = "--dry-start=" STATE_FD, *words[WORDS_MAX + 3] = { u->path, flag };
	size_t n = 1;
	enum spawn_step step;
	struct spawned spawned;
	for (; u->argv[n] != NULL && n < WORDS_MAX; n++)
		words[n + 1] = u->argv[n];
	const struct spawn program = { .argv = words,
				       .envp = environ,
				       .fds = &s->keep.fd,
				       .n_fds = 1,
				       .dies_with_us = true,
				       .output = u->output };
	int error = spawn_start(&program, &spawned, &step);
	if (error != 0)
		return error;
	u->trial = spawned.pid;
	u->pidfd = spawned.pidfd;
	ev_io_set(&u->ended, u->pidfd, EV_READ);
	ev_io_start(s->loop, &u->ended);
	ev_now_update(s->loop);
	ev_timer_set(&u->late, PATIENCE, 0.0);
	ev_timer_start(s->loop, &u->late);
	return 0;
}

bool upgrade_ask(struct supervisor *s, const char *by, struct text *why) {
	struct upgrade *u = &s->upgrade;
	const char *refused = NULL;
	if (s->herd->state > HERD_SERVING)
		refused = "the daemon is stopping";
	else if (ev_is_active(&u->late))
		refused = "one is under way";
	else if (s->dir_lost)
		refused = "the runtime directory was removed";
	else if (s->keep.fd < 0)
		refused = "there is no state to hand over";
	if (refused != NULL) {
		text_puts(why, refused);
		return false;
	}
	struct event e = event_make(EVENT_DAEMON_UPGRADE_ASKED);
	event_text(&e, "by", "%s", by);
	event_text(&e, "path", "%s", u->path);
	supervisor_tell(s, &e);
	int error = keep_for_successor(s, false);
	if (error != 0) {
		explain_unwritten(error, why);
	} else {
		u->output = memfd_create("dry-start", MFD_CLOEXEC);
		error = u->output < 0 ? -errno : start_trial(s);
		if (error == 0)
			return true;
		text_printf(why, "%s: %s", u->path, strerror(-error));
	}
	end_trial(s);
	tell_refused(s, why->data);
	return false;
}

void upgrade_init(struct supervisor *s, char *const *argv) {
	struct upgrade *u = &s->upgrade;
	*u = (struct upgrade){ .argv = argv, .pidfd = -1, .output = -1 };
	find_program(argv[0], u->path);
	ev_init(&u->ended, on_ended);
	ev_timer_init(&u->late, on_late, PATIENCE, 0.0);
	ev_set_priority(&u->late, EV_MINPRI); /* behind every signal of the same turn */
}

void upgrade_finish(struct supervisor *s) {
	if (s->upgrade.trial != 0) {
		kill(s->upgrade.trial, SIGKILL);
		waitpid(s->upgrade.trial, NULL, 0);
	}
	end_trial(s);
}

int upgrade_try(const struct plan *plan, int state_fd, struct error *err) {
	char boot_id[BOOT_ID_SIZE], *bytes = NULL, buffer[300];
	size_t len = 0;
	struct text said = TEXT_IN(buffer);
	struct strings texts = { 0 };
	struct state *state = calloc(1, sizeof *state);
	struct herd *herd = calloc(1, sizeof *herd);
	int error = state != NULL && herd != NULL ? state_file_read(state_fd, &bytes, &len)
						  : -ENOMEM;
	(void)!boot_id_read(boot_id);
	if (error != 0) {
		error = error_at(err, 0, 0, "the state: %s", strerror(-error));
	} else {
		herd_init(herd, &plan->config, &plan->limits);
		state->herd = herd;
		enum state_verdict verdict = state_read(bytes, len, boot_id, state, &texts, &said);
		if (verdict != STATE_WHOLE && verdict != STATE_PARTIAL)
			error = error_at(err, 0, 0, "the state is not understood: %s", buffer);
	}
	strings_finish(&texts);
	free(bytes);
	free(herd);
	free(state);
	return error;
}
