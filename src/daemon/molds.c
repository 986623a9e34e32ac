#include "daemon/molds.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/mold_parts.h"
#include "os/channel.h"
#include "os/clock.h"
#include "util/fd.h"

struct mold *molds_of_release(const struct molds *all, unsigned release) {
	struct mold *m = all->list;
	while (m != NULL && (m->release != release || m->life.state == MOLD_ADOPTED ||
			     m->life.state == MOLD_ENDING))
		m = m->next;
	return m;
}

struct mold *molds_of_generation(const struct molds *all, unsigned generation) {
	struct mold *m = all->list;
	while (m != NULL && m->generation != generation)
		m = m->next;
	return m;
}

static void tell(struct mold *m, const char *reason) {
	const struct mold_facts facts = {
		.generation = m->generation,
		.release = m->release,
		.pid = m->member != NULL ? m->member->pid : 0,
		.state = m->life.state,
		.took = m->life.since - m->life.started,
		.retry = m->life.state == MOLD_BROKEN ? m->life.deadline - m->life.since : 0,
		.reason = reason,
	};
	m->all->handler->changed(m->all->context, &facts);
}

static void rearm(struct mold *m) {
	struct ev_loop *loop = m->all->loop;
	ev_timer_stop(loop, &m->deadline);
	if (m->life.deadline == MSEC_NEVER)
		return;
	msec_t wait = m->life.deadline - clock_now();
	ev_now_update(loop); /* libev's own idea of now is as old as its last turn */
	ev_timer_set(&m->deadline, wait > 0 ? (double)wait / 1000.0 : 0.0, 0.0);
	ev_timer_start(loop, &m->deadline);
}

static void remove_mold(struct mold *m) {
	struct mold **at = &m->all->list;
	while (*at != m)
		at = &(*at)->next;
	*at = m->next;
	ev_timer_stop(m->all->loop, &m->deadline);
	mold_forget_process(m);
	free(m);
}

/* What its process says next, and how long that is or -errno. */
static enum mold_word hear(struct mold *m, ssize_t *len) {
	char message[CHANNEL_MESSAGE_MAX + 1], buffer[sizeof m->failed];
	struct text text = TEXT_IN(buffer);
	pid_t sender;
	*len = channel_receive(m->channel, message, &sender);
	if (*len <= 0)
		return MOLD_WORD_OTHER;
	enum mold_word word = mold_words_read(message, (size_t)*len, &text);
	if (word == MOLD_WORD_FAILED)
		snprintf(m->failed, sizeof m->failed, "%s", buffer);
	return word;
}

/* Its process is gone, or never came to be. The mold may be gone afterwards. */
static void ended(struct mold *m, const char *how) {
	struct molds *all = m->all;
	unsigned release = m->release, generation = m->generation;
	bool loading = m->life.state == MOLD_LOADING;
	ssize_t len;
	char buffer[300];
	struct text why = TEXT_IN(buffer);
	if (m->promoted != 0)
		(void)hear(m, &len); /* its last word may be there still */
	mold_explain(m, how, &why);
	mold_forget_process(m);
	m->promoted = 0;
	mold_drive(m, MOLD_EXIT);
	tell(m, buffer);
	/* Who was told may have let it go, which frees one without a process. */
	m = molds_of_generation(all, generation);
	if (m == NULL || m->life.state == MOLD_GONE) {
		if (m != NULL)
			remove_mold(m);
		if (molds_of_release(all, release) == NULL)
			births_fail(all, release, "its mold was let go");
	} else if (loading) {
		births_fail(all, release, buffer);
	} else if (births_wait(all, release)) {
		mold_drive(m, MOLD_WANT);
	}
}

static void on_report(void *context, const struct herd_event *event) {
	struct molds *all = context;
	struct mold *m = molds_of_generation(all, event->worker);
	if (m == NULL)
		return;
	if (event->kind == HERD_EXITED)
		ended(m, event->text);
	else if (event->kind == HERD_READ)
		all->handler->read(all->context, m->generation, event);
}

/* The worker is no more; its process goes on as this mold. */
static void tell_promoted(struct mold *m) {
	unsigned worker = m->promoted;
	m->promoted = 0;
	if (worker != 0)
		m->all->handler->promoted(m->all->context, worker, m->release);
}

static void on_heard(struct ev_loop *loop, ev_io *w, int revents UNUSED) {
	struct mold *m = container_of(w, struct mold, heard);
	ssize_t len;
	enum mold_word word = hear(m, &len);
	if (len == -EAGAIN || len == -EBADMSG)
		return;
	if (len <= 0) {
		ev_io_stop(loop, w);
		mold_drive(m, MOLD_DEAF);
		return;
	}
	if (m->life.state != MOLD_LOADING || word != MOLD_WORD_LOADED)
		return;
	mold_drive(m, MOLD_LOADED);
	fd_close(&m->boot);
	tell(m, NULL);
	tell_promoted(m);
	births_ask(m);
}

static void start(struct mold *m) {
	char buffer[300];
	struct text why = TEXT_IN(buffer);
	if (m->promoted != 0)
		return; /* it is being made of a worker */
	m->generation = ++m->all->generation;
	if (mold_launch(m, &why) != 0) {
		ended(m, buffer);
		return;
	}
	ev_io_set(&m->heard, m->channel, EV_READ);
	ev_io_start(m->all->loop, &m->heard);
	tell(m, NULL);
}

void mold_drive(struct mold *m, enum mold_event event) {
	enum mold_action action = mold_step(&m->life, event, clock_now(), mold_boot_patience(m));
	rearm(m);
	if (action == MOLD_START)
		start(m);
	else if (action == MOLD_TERM || action == MOLD_KILL)
		member_signal(m->member, action == MOLD_TERM ? SIGTERM : SIGKILL);
}

static void on_deadline(struct ev_loop *loop UNUSED, ev_timer *w, int revents UNUSED) {
	mold_drive(container_of(w, struct mold, deadline), MOLD_DEADLINE);
}

struct mold *molds_add(struct molds *all, unsigned release) {
	struct mold *m = calloc(1, sizeof *m);
	if (m == NULL)
		return NULL;
	*m = (struct mold){ .next = all->list,
			    .all = all,
			    .release = release,
			    .life = mold_life(),
			    .channel = -1,
			    .boot = -1 };
	ev_init(&m->heard, on_heard);
	ev_timer_init(&m->deadline, on_deadline, 0.0, 0.0);
	all->list = m;
	return m;
}

static int hold_worker(struct mold *m, pid_t pid, int pidfd, int *theirs) {
	AUTOCLOSE int own = fcntl(pidfd, F_DUPFD_CLOEXEC, 3);
	int error = own < 0 ? -errno : channel_open(&m->channel, theirs);
	if (error != 0)
		return error;
	m->member = member_create(&m->all->owner, m->generation, pid, own, "");
	if (m->member == NULL)
		return -ENOMEM;
	own = -1; /* the member has it */
	return 0;
}

bool molds_promote(struct molds *all, unsigned worker, pid_t pid, int pidfd, unsigned release) {
	struct birth *b = births_of(all, worker);
	struct mold *m = b != NULL && b->state == BIRTH_DONE ? molds_add(all, release) : NULL;
	AUTOCLOSE int theirs = -1;
	char buffer[64];
	struct text words = TEXT_IN(buffer);
	if (m == NULL)
		return false;
	m->generation = ++all->generation;
	m->promoted = worker;
	mold_words_promote(m->generation, &words);
	if (hold_worker(m, pid, pidfd, &theirs) != 0 || birth_say(b, &words, &theirs, 1) != 0) {
		remove_mold(m);
		return false;
	}
	ev_io_set(&m->heard, m->channel, EV_READ);
	ev_io_start(all->loop, &m->heard);
	mold_drive(m, MOLD_WANT);
	tell(m, NULL);
	return true;
}

static void let_go(struct mold *m) {
	mold_drive(m, MOLD_LET_GO);
	tell(m, NULL);
	if (m->life.state == MOLD_GONE)
		remove_mold(m);
}

void molds_let_go(struct molds *all, unsigned generation) {
	struct mold *m = molds_of_generation(all, generation);
	if (m != NULL && m->life.state != MOLD_ENDING)
		let_go(m);
}

void molds_keep(struct molds *all,
		bool (*wanted)(const void *context, unsigned release, bool adopted),
		const void *context) {
	for (struct mold *m = all->list, *next; m != NULL; m = next) {
		next = m->next;
		/* One that is gone is just being told of. */
		if (m->life.state == MOLD_ENDING || m->life.state == MOLD_GONE ||
		    wanted(context, m->release, m->life.state == MOLD_ADOPTED))
			continue;
		let_go(m);
	}
}

void molds_read(struct molds *all, unsigned generation) {
	struct mold *m = molds_of_generation(all, generation);
	if (m != NULL && m->member != NULL)
		member_read_memory(m->member);
}

bool molds_own(const struct molds *all, pid_t pid) {
	for (const struct mold *m = all->list; m != NULL; m = m->next) {
		if (m->member != NULL && m->member->pid == pid)
			return true;
	}
	return false;
}

unsigned molds_generation(const struct molds *all) {
	return all->generation;
}

void molds_continue(struct molds *all, unsigned generation) {
	if (generation > all->generation)
		all->generation = generation;
}

int molds_adopt(struct molds *all, unsigned release, unsigned generation, pid_t pid, int pidfd) {
	struct mold *m = molds_add(all, release);
	if (m == NULL)
		return -ENOMEM;
	m->generation = generation;
	m->member = member_create(&all->owner, generation, pid, pidfd, "");
	if (m->member == NULL) {
		remove_mold(m);
		return -ENOMEM;
	}
	m->life = mold_life_adopted(clock_now());
	tell(m, NULL);
	return 0;
}

struct molds *molds_create(struct ev_loop *loop, const struct launcher *launcher,
			   struct reader *reader, const struct molds_handler *handler,
			   void *context) {
	struct molds *all = calloc(1, sizeof *all);
	if (all == NULL)
		return NULL;
	*all = (struct molds){
		.loop = loop,
		.launcher = launcher,
		.handler = handler,
		.context = context,
		.owner = { .loop = loop,
			   .memory = reader,
			   .sockets = reader,
			   .report = on_report,
			   .context = all },
	};
	return all;
}

void molds_destroy(struct molds *all, bool leave) {
	if (all == NULL)
		return;
	while (all->list != NULL) {
		if (!leave)
			mold_end_process(all->list);
		remove_mold(all->list);
	}
	births_destroy(all);
	member_forget_rest(&all->owner);
	free(all);
}
