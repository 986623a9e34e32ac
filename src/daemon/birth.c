#include "daemon/birth.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/channel.h"
#include "util/fd.h"

#define PAUSE     0.2 /* seconds; a process that ends is gone by then */
#define AT_A_TURN 8   /* messages: nobody who talks holds the loop */

/* Its pid was a zombie's or somebody else's by now, unless it is our child. */
static int adopt(pid_t pid) {
	siginfo_t info = { 0 };
	int pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	if (pidfd < 0)
		return -1;
	if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG | WNOWAIT) == 0)
		return pidfd;
	close(pidfd);
	return -1;
}

static void hang_up(struct birth *b) {
	ev_timer_stop(b->loop, &b->pause);
	ev_io_stop(b->loop, &b->heard);
	fd_close(&b->line);
}

static void forget_probe(struct birth *b) {
	if (b->probe_path[0] != '\0')
		unlink(b->probe_path);
	b->probe_path[0] = '\0';
}

static void on_born(struct birth *b, pid_t pid) {
	char buffer[32];
	struct text words = TEXT_IN(buffer);
	struct launched launched = { .pid = pid, .pidfd = adopt(pid) };
	mold_words_live(&words);
	if (b->unwanted || launched.pidfd < 0 || birth_say(b, &words, NULL, 0) != 0) {
		fd_close(&launched.pidfd); /* with the line it ends by itself */
		hang_up(b);
		forget_probe(b);
		b->handler->unborn(b, "it did not become a child of pumakeeperd");
		return;
	}
	memcpy(launched.probe_path, b->probe_path, sizeof launched.probe_path);
	b->probe_path[0] = '\0';
	b->state = BIRTH_DONE;
	b->handler->born(b, &launched);
}

static void on_ended(struct birth *b) {
	hang_up(b);
	forget_probe(b);
	if (b->state == BIRTH_DONE)
		b->handler->over(b);
	else
		b->handler->unborn(b, NULL);
}

/* False: it may not be touched any more. */
static bool on_word(struct birth *b, enum mold_word word, pid_t sender, const char *text) {
	if (word == MOLD_WORD_BORN && b->state == BIRTH_ASKED) {
		on_born(b, sender);
		return false;
	}
	if (word == MOLD_WORD_FAILED && b->state == BIRTH_ASKED) {
		hang_up(b);
		forget_probe(b);
		b->handler->unborn(b, text);
		return false;
	}
	bool known = word == MOLD_WORD_SERVING || word == MOLD_WORD_WARM ||
		     word == MOLD_WORD_FAILED;
	if (b->state == BIRTH_DONE && known) {
		b->handler->told(b, word, text);
		return false;
	}
	return true;
}

void birth_hear(struct birth *b) {
	char message[CHANNEL_MESSAGE_MAX + 1], buffer[256];
	pid_t sender;
	for (int i = 0; i < AT_A_TURN; i++) {
		ssize_t len = channel_receive(b->line, message, &sender);
		struct text text = TEXT_IN(buffer);
		if (len == -EBADMSG)
			continue;
		if (len == -EAGAIN)
			return;
		if (len <= 0) {
			on_ended(b);
			return;
		}
		enum mold_word word = mold_words_read(message, (size_t)len, &text);
		if (!on_word(b, word, sender, buffer))
			return; /* what is left in it calls again */
	}
}

static void on_heard(struct ev_loop *loop UNUSED, ev_io *w, int revents UNUSED) {
	birth_hear(container_of(w, struct birth, heard));
}

static void on_pause(struct ev_loop *loop UNUSED, ev_timer *w, int revents UNUSED) {
	struct birth *b = container_of(w, struct birth, pause);
	b->handler->again(b);
}

struct birth *birth_create(struct ev_loop *loop, const struct birth_handler *handler, void *owner) {
	struct birth *b = calloc(1, sizeof *b);
	if (b == NULL)
		return NULL;
	*b = (struct birth){ .loop = loop, .handler = handler, .owner = owner, .line = -1 };
	ev_init(&b->heard, on_heard);
	ev_timer_init(&b->pause, on_pause, PAUSE, 0.0);
	return b;
}

void birth_destroy(struct birth *b) {
	hang_up(b);
	forget_probe(b);
	free(b);
}

/* In the order in which ruby/mold.rb takes them: its line, where it writes, its sockets. */
static size_t collect(const struct launcher *l, int line, int probe, int fds[CHANNEL_FDS_MAX]) {
	size_t n = 0;
	fds[n++] = line;
	fds[n++] = l->output >= 0 ? l->output : STDOUT_FILENO;
	fds[n++] = l->output >= 0 ? l->output : STDERR_FILENO;
	for (size_t i = 0; i < l->listeners->len && n + 1 < CHANNEL_FDS_MAX; i++)
		fds[n++] = l->listeners->fds[i];
	if (probe >= 0)
		fds[n++] = probe;
	return n;
}

int birth_ask(struct birth *b, int channel, const struct launcher *l, struct text *why) {
	AUTOCLOSE int probe = -1;
	AUTOCLOSE int theirs = -1;
	int fds[CHANNEL_FDS_MAX], line = -1;
	char buffer[100];
	struct text words = TEXT_IN(buffer);
	const struct config *c = &l->plan->config;
	int error = launcher_open_probe(l, b->worker, b->probe_path, &probe, why);
	if (error != 0)
		return error;
	error = channel_open(&line, &theirs);
	if (error != 0) {
		text_puts(why, strerror(-error));
		forget_probe(b);
		return error;
	}
	mold_words_fork(b->slot, c->app.refork.requests, &words);
	error = channel_send(channel, buffer, words.len, fds, collect(l, theirs, probe, fds));
	if (error != 0) {
		text_puts(why, strerror(-error));
		fd_close(&line);
		forget_probe(b);
		return error;
	}
	ev_timer_stop(b->loop, &b->pause);
	b->line = line;
	b->tries++;
	b->state = BIRTH_ASKED;
	ev_io_set(&b->heard, line, EV_READ);
	ev_io_start(b->loop, &b->heard);
	return 0;
}

void birth_again(struct birth *b) {
	hang_up(b);
	forget_probe(b);
	b->state = BIRTH_WAITS;
	ev_now_update(b->loop);
	ev_timer_set(&b->pause, PAUSE, 0.0);
	ev_timer_start(b->loop, &b->pause);
}

bool birth_pauses(const struct birth *b) {
	return ev_is_active(&b->pause);
}

int birth_say(struct birth *b, const struct text *words, const int *fds, size_t n_fds) {
	return b->line >= 0 ? channel_send(b->line, words->data, words->len, fds, n_fds) : -EPIPE;
}
