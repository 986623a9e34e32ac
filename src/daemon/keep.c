#include "daemon/keep.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/launch_digest.h"
#include "daemon/supervisor_parts.h"
#include "os/boot_id.h"
#include "os/clock.h"
#include "os/state_file.h"
#include "util/fd.h"

/* Figures and their history move at every tick; losing a minute of them hurts nobody. */
#define FIGURES_EVERY MSEC_MINUTE

/*
 * It is written on the loop, on purpose: what is ordered next must not happen before it is written,
 * or a daemon that dies in between leaves a process that nobody knows. Another thread would have to be
 * waited for at that point just the same. The page cache takes it: 8 µs a call for 4 KiB, 38 at worst of
 * a hundred, on ext4. A disk that is behind with its writing may hold that up (balance_dirty_pages(),
 * 200 ms at a time; a file system's journal, longer), which tmpfs, and so /run, never does. Nobody who
 * sends a request waits for us meanwhile, and nothing is synced: what a power cut loses is of another
 * boot, and of no use.
 */
#define SLOW MSEC_SECOND

/* What only brings figures, and what follows from time alone, is written when it orders something. */
static bool is_news(enum herd_event_kind kind) {
	switch (kind) {
	case HERD_READINGS:
	case HERD_READ:
	case HERD_PARENT_READ:
	case HERD_PARENT_HEARD:
	case HERD_COUNTED:
	case HERD_ALIVE:
	case HERD_QUEUE:
	case HERD_HOOK_ENDED:
	case HERD_DEADLINE:
	case HERD_REFUSED: return false;
	case HERD_START:
	case HERD_ADOPT:
	case HERD_LAUNCHED:
	case HERD_LAUNCH_FAILED:
	case HERD_TOLD:
	case HERD_ANSWERED:
	case HERD_EXITED:
	case HERD_STOPPED:
	case HERD_CONTINUED:
	case HERD_REBOOTED:
	case HERD_HALF_CLOSED:
	case HERD_ALLOCATOR:
	case HERD_WARM:
	case HERD_PROMOTED:
	case HERD_PARENT:
	case HERD_RESTART:
	case HERD_RELEASE:
	case HERD_RELOAD:
	case HERD_STOP: break;
	}
	return true;
}

static bool changes_something(enum order_kind kind) {
	return kind == ORDER_LAUNCH || kind == ORDER_SIGNAL || kind == ORDER_PROMOTE ||
	       kind == ORDER_CLOSE_IDLE || kind == ORDER_CLOSE_BUSY || kind == ORDER_FORGET;
}

static bool is_due(const struct keep *k, const struct herd_event *event, const struct orders *o) {
	if (is_news(event->kind) || clock_now() - k->written >= FIGURES_EVERY)
		return true;
	for (size_t i = 0; i < o->len; i++) {
		if (changes_something(o->list[i].kind))
			return true;
	}
	for (size_t i = 0; i < o->n_told; i++) {
		if (o->told[i].id != EVENT_MEMORY_SAMPLE)
			return true;
	}
	return false;
}

static void fill(struct supervisor *s) {
	struct state *state = &s->keep.state;
	state->pid = getpid();
	state->cluster = s->cluster != NULL;
	state->stopping = s->herd->state > HERD_SERVING;
	state->drain_timeout = s->plan->config.restart.drain_timeout;
	state->restart_txt = s->restart_txt;
	if (s->molds != NULL) /* else that of the last one there was, whose workers may live */
		state->mold_generation = molds_generation(s->molds);
	if (s->cluster != NULL)
		state->mold_generation = cluster_generation(s->cluster);
	state->releases = s->releases;
	state->herd = s->herd;
	state->n_listeners = s->listeners.len;
	for (size_t i = 0; i < s->listeners.len; i++) {
		struct state_listener *l = &state->listeners[i];
		snprintf(l->url, sizeof l->url, "%s", s->listeners.urls[i]);
		snprintf(l->name, sizeof l->name, "%s", listeners_store_name(&s->listeners, i));
		l->inode = s->listeners.names[i].inode;
	}
}

/* Without it everything goes on; only the next daemon would find less than there is. */
static void tell_failed(struct supervisor *s, int error) {
	struct event e = event_make(EVENT_STATE_UNWRITTEN);
	event_text(&e, "reason", "%s", strerror(-error));
	if (!s->keep.failed)
		supervisor_tell(s, &e);
}

static void tell_slow(struct supervisor *s, msec_t took) {
	struct event e = event_make(EVENT_STATE_SLOW);
	event_time(&e, "took", took);
	event_text(&e, "path", "%s/%s", s->dir.path, KEEP_NAME);
	if (!s->keep.slow)
		supervisor_tell(s, &e);
	s->keep.slow = true;
}

static void note_time(struct supervisor *s, msec_t took) {
	if (took >= SLOW)
		tell_slow(s, took);
	else if (took < SLOW / 10)
		s->keep.slow = false;
}

static int write_state(struct supervisor *s) {
	struct keep *k = &s->keep;
	fill(s);
	k->text.len = 0;
	k->written = clock_now();
	int error = state_print(&k->state, &k->text);
	if (error == 0)
		error = state_file_write(k->fd, k->text.data, k->text.len);
	if (error != 0)
		tell_failed(s, error);
	k->failed = error != 0;
	note_time(s, clock_now() - k->written);
	return error;
}

void keep_begin(struct supervisor *s, int fd) {
	struct state *state = &s->keep.state;
	s->keep.fd = fd;
	snprintf(state->program, sizeof state->program, "%s", PUMAKEEPER_VERSION);
	(void)!boot_id_read(state->boot_id);
}

void keep_new_plan(struct supervisor *s) {
	launch_digest(&s->plan->config, s->plan->preload, s->keep.state.launch);
}

void keep_again(struct supervisor *s, int fd) {
	fd_close(&s->keep.fd);
	s->keep.fd = fd;
	(void)!write_state(s);
}

void keep_step(struct supervisor *s, const struct herd_event *event, const struct orders *orders) {
	if (s->keep.fd >= 0 && is_due(&s->keep, event, orders))
		(void)!write_state(s);
}

int keep_for_successor(struct supervisor *s, bool detached) {
	if (s->keep.fd < 0)
		return -EBADF;
	s->keep.state.detached = detached;
	int error = write_state(s);
	if (error != 0)
		s->keep.state.detached = false;
	return error;
}

void keep_end(struct supervisor *s) {
	if (s->keep.fd < 0)
		return;
	(void)!state_file_empty(s->keep.fd); /* systemd may hold it still */
	unlinkat(s->dir.fd, KEEP_NAME, 0);
	keep_close(&s->keep);
}

void keep_close(struct keep *k) {
	buffer_finish(&k->text);
	fd_close(&k->fd);
}
