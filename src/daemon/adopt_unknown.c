/*
 * Workers that were launched just when the former daemon died, between what it had written down and
 * the launch. Each is known by the probe socket that was made for it alone; where there are none,
 * by holding a listening socket though nobody known has given it that. See adopt.h.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/proc_unix.h"
#include "daemon/adopt.h"
#include "daemon/identity.h"
#include "os/clock.h"
#include "os/holders.h"
#include "os/sock_diag.h"
#include "util/fd.h"

#define HOLDERS_MAX   (2 * HERD_WORKERS_MAX)
#define CLOCKS_DIFFER 50 /* ms: a process's start is told in ticks */

struct holder {
	pid_t pid, parent;
	uint64_t ticks;
};

struct search {
	struct herd *herd;
	const struct state *state;
	const char *directory;
	uint64_t inodes[HERD_WORKERS_MAX];
	struct worker *workers[HERD_WORKERS_MAX]; /* whose probe socket that is */
	size_t len;
	struct holder holders[HOLDERS_MAX];
	size_t n_holders;
};

static bool is_missing(const struct worker *w) {
	return w->life.state == WORKER_BOOTING && w->pid == 0;
}

static bool has_missing(const struct herd *h) {
	for (unsigned i = 0; i < h->cells; i++) {
		if (is_missing(&h->workers[i]))
			return true;
	}
	return false;
}

/* It holds what the worker is to get that it was asked to fork. */
static bool is_mold(const struct herd *h, pid_t pid) {
	for (size_t i = 0; i < HERD_PARENTS_MAX; i++) {
		if (h->parents[i].generation != 0 && h->parents[i].pid == (int)pid)
			return true;
	}
	return false;
}

/* Of several that have it, one has got it from another: the eldest is the worker. */
static void on_probe(void *context, pid_t pid, int fd UNUSED, size_t which) {
	struct search *search = context;
	uint64_t ticks;
	if (is_mold(search->herd, pid) || identity_of(pid, &ticks) != 0)
		return;
	struct worker *w = search->workers[which];
	if (w->pid != 0 && w->start_ticks <= ticks)
		return;
	w->pid = (int)pid;
	w->start_ticks = ticks;
}

static void add_probe(struct search *search, struct worker *w, const struct sock_dump *table) {
	char path[108];
	snprintf(path, sizeof path, "%s/probe-%u", search->directory, w->id);
	uint64_t inode = proc_unix_listener((const char *)table->bytes, table->len, path);
	if (inode == 0)
		return; /* nobody has it: it was not launched, or has none */
	search->inodes[search->len] = inode;
	search->workers[search->len++] = w;
}

static void find_by_probe(struct search *search) {
	AUTOCLOSE int proc = open("/proc/self", O_PATH | O_CLOEXEC);
	struct herd *h = search->herd;
	struct sock_dump table = { 0 };
	bool can = proc >= 0 && sock_dump_read_proc(proc, "unix", &table) == 0;
	for (unsigned i = 0; can && i < h->cells; i++) {
		if (is_missing(&h->workers[i]))
			add_probe(search, &h->workers[i], &table);
	}
	if (search->len > 0)
		(void)!holders_find(search->inodes, search->len, on_probe, search);
	sock_dump_finish(&table);
}

static bool is_known(const struct herd *h, pid_t pid) {
	for (unsigned i = 0; i < h->cells; i++) {
		if (h->workers[i].life.state != WORKER_GONE && h->workers[i].pid == pid)
			return true;
	}
	return false;
}

static void on_listener(void *context, pid_t pid, int fd UNUSED, size_t which UNUSED) {
	struct search *search = context;
	struct holder *last = &search->holders[search->n_holders];
	bool again = search->n_holders > 0 && last[-1].pid == pid;
	if (again || search->n_holders == HOLDERS_MAX || is_known(search->herd, pid) ||
	    pid == getppid()) /* whoever starts us may have passed it */
		return;
	*last = (struct holder){ .pid = pid };
	if (identity_of_child(pid, &last->ticks, &last->parent) == 0)
		search->n_holders++;
}

static int by_age(const void *a, const void *b) {
	const struct holder *one = a, *other = b;
	return (one->ticks > other->ticks) - (one->ticks < other->ticks);
}

/* They were launched in the order of their numbers. */
static struct worker *next_missing(struct herd *h) {
	struct worker *next = NULL;
	for (unsigned i = 0; i < h->cells; i++) {
		struct worker *w = &h->workers[i];
		if (is_missing(w) && (next == NULL || w->id < next->id))
			next = w;
	}
	return next;
}

/*
 * systemd holds listeners as well, and whoever was there before can't be one that was launched: a
 * few ticks for what two clocks may differ.
 */
static bool is_old(const struct holder *holder, const struct worker *w) {
	msec_t started = (msec_t)(holder->ticks * 1000 / (uint64_t)sysconf(_SC_CLK_TCK));
	msec_t asked = w->life.since + (clock_since_boot() - clock_now());
	return started + CLOCKS_DIFFER < asked;
}

static bool runs_the_same(pid_t one, pid_t other) {
	char path[32], program[2][PATH_MAX];
	const pid_t pids[] = { one, other };
	ssize_t len[2];
	for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
		snprintf(path, sizeof path, "/proc/%d/exe", (int)pids[i]);
		len[i] = readlink(path, program[i], sizeof program[i]);
	}
	return len[0] <= 0 ||
	       (len[0] == len[1] && memcmp(program[0], program[1], (size_t)len[0]) == 0);
}

/*
 * What an app forks has its sockets from it. A manager that holds them is another matter: orphans
 * are its children, as is what it is about to start and has not exec'd yet.
 */
static bool is_somebodys_child(const struct search *search, const struct holder *holder,
			       const struct worker *w) {
	if (is_known(search->herd, holder->parent))
		return true;
	for (size_t i = 0; i < search->n_holders; i++) {
		const struct holder *other = &search->holders[i];
		if (other->pid == holder->parent)
			return !is_old(other, w) || runs_the_same(holder->pid, other->pid);
	}
	return false;
}

static void find_by_listeners(struct search *search) {
	const struct state *state = search->state;
	uint64_t inodes[STATE_LISTENERS_MAX];
	struct worker *w;
	for (size_t i = 0; i < state->n_listeners; i++)
		inodes[i] = state->listeners[i].inode;
	if (holders_find(inodes, state->n_listeners, on_listener, search) != 0)
		return;
	qsort(search->holders, search->n_holders, sizeof *search->holders, by_age);
	for (size_t i = 0; i < search->n_holders; i++) {
		const struct holder *holder = &search->holders[i];
		if ((w = next_missing(search->herd)) == NULL || is_old(holder, w) ||
		    is_somebodys_child(search, holder, w))
			continue;
		w->pid = (int)holder->pid;
		w->start_ticks = holder->ticks;
	}
}

static bool has_master(const struct herd *h, unsigned release) {
	for (size_t i = 0; i < HERD_PARENTS_MAX; i++) {
		const struct parent *p = &h->parents[i];
		if (p->generation != 0 && p->release == release && p->pid != 0)
			return true;
	}
	return false;
}

/* The eldest that is nobody's child: its own are younger. */
static pid_t find_master(struct search *search, const struct worker *w, uint64_t *start_ticks) {
	uint64_t inodes[STATE_LISTENERS_MAX];
	for (size_t i = 0; i < search->state->n_listeners; i++)
		inodes[i] = search->state->listeners[i].inode;
	if (holders_find(inodes, search->state->n_listeners, on_listener, search) != 0)
		return 0;
	qsort(search->holders, search->n_holders, sizeof *search->holders, by_age);
	for (size_t i = 0; i < search->n_holders; i++) {
		const struct holder *holder = &search->holders[i];
		if (is_old(holder, w) || is_mold(search->herd, holder->pid) ||
		    is_mold(search->herd, holder->parent) || is_somebodys_child(search, holder, w))
			continue;
		*start_ticks = holder->ticks;
		return holder->pid;
	}
	return 0;
}

pid_t adopt_find_unknown_master(struct herd *herd, const struct state *state,
				uint64_t *start_ticks) {
	const struct worker *w = next_missing(herd);
	struct search *search = NULL;
	if (w != NULL && state->n_listeners > 0 && !has_master(herd, herd->release))
		search = calloc(1, sizeof *search);
	if (search == NULL)
		return 0;
	search->herd = herd;
	search->state = state;
	pid_t pid = find_master(search, w, start_ticks);
	free(search);
	return pid;
}

void adopt_find_unknown(struct herd *herd, const struct state *state, const char *directory) {
	struct search *search = has_missing(herd) ? calloc(1, sizeof *search) : NULL;
	if (search == NULL)
		return;
	search->herd = herd;
	search->state = state;
	search->directory = directory;
	find_by_probe(search);
	if (state->n_listeners > 0 && has_missing(herd))
		find_by_listeners(search);
	free(search);
}
