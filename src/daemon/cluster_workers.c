/* The workers of a cluster's master: found, given to who waits for one, more and less of them. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "core/proc.h"
#include "daemon/cluster_parts.h"
#include "daemon/identity.h"
#include "os/children.h"
#include "os/clock.h"
#include "os/process.h"

#define SERVER_THREADS "puma srv" /* puma.md: there once a worker's server runs */
/* A master answers a signal in milliseconds; what it didn't do by then it doesn't know of. */
#define SIGNAL_PATIENCE (10 * MSEC_SECOND)
/* A culled one drains as long as Puma lets it, which we aren't told. */
#define CULL_PATIENCE (2 * MSEC_MINUTE)

/* So many in so long, beyond one for each worker, are a loop: the master has no back-off. */
#define LOOP_WINDOW (10 * MSEC_SECOND)
#define LOOP_BIRTHS 10

static unsigned wanted(const struct cluster *c) {
	return c->launcher->plan->limits.workers;
}

static struct known *known_of(struct cluster *c, pid_t pid, uint64_t start_ticks) {
	for (size_t i = 0; i < c->n_known; i++) {
		if (c->known[i].pid == pid && c->known[i].start_ticks == start_ticks)
			return &c->known[i];
	}
	return NULL;
}

static bool is_worker(const struct cluster *c, const struct process *p, unsigned *index) {
	char title[256];
	ssize_t n = process_read(p, "cmdline", title, sizeof title);
	return n > 0 && cluster_title(title, (size_t)n, c->master->pid, index);
}

static void count_birth(struct cluster *c) {
	msec_t now = clock_now();
	if (now - c->births_since > LOOP_WINDOW) {
		c->births_since = now;
		c->births = 0;
	}
	if (++c->births == LOOP_BIRTHS + wanted(c))
		c->handler->loops(c->context, c->births, now - c->births_since);
}

static void look_at(struct cluster *c, pid_t pid) {
	struct process p;
	struct proc_stat stat;
	char text[1024];
	unsigned index;
	if (process_open(pid, &p) != 0)
		return;
	if (process_read(&p, "stat", text, sizeof text) > 0 && proc_stat(text, &stat) == 0 &&
	    stat.state != 'Z' && stat.state != 'X') {
		struct known *k = known_of(c, pid, stat.start_ticks);
		if (k == NULL && c->n_known < HERD_WORKERS_MAX && is_worker(c, &p, &index)) {
			k = &c->known[c->n_known++];
			*k = (struct known){ .pid = pid,
					     .start_ticks = stat.start_ticks,
					     .index = index };
			count_birth(c);
		}
		if (k != NULL)
			k->living = true;
		if (k != NULL && !k->ready)
			k->ready = process_threads(&p, SERVER_THREADS) > 0;
	}
	process_close(&p);
}

static void forget_dead(struct cluster *c) {
	size_t n = 0;
	for (size_t i = 0; i < c->n_known; i++) {
		if (c->known[i].living || c->known[i].worker != 0)
			c->known[n++] = c->known[i];
	}
	c->n_known = n;
}

static void find(struct cluster *c) {
	static _Thread_local pid_t list[4 * HERD_WORKERS_MAX];
	ssize_t n = children_of(c->master->pid, list, ARRAY_LEN(list));
	if (n < 0)
		return;
	for (size_t i = 0; i < c->n_known; i++)
		c->known[i].living = false;
	for (ssize_t i = 0; i < n; i++)
		look_at(c, list[i]);
	forget_dead(c);
}

static void remove_wait(struct cluster *c, size_t i) {
	memmove(&c->waits[i], &c->waits[i + 1], (--c->n_waits - i) * sizeof *c->waits);
}

void cluster_fail_waits(struct cluster *c, const char *why) {
	for (size_t n = c->n_waits; n > 0 && c->n_waits > 0; n--) {
		unsigned worker = c->waits[0].worker;
		remove_wait(c, 0);
		c->handler->unborn(c->context, worker, why);
	}
}

static void give(struct cluster *c, struct known *k) {
	struct launched launched = { .pid = k->pid,
				     .pidfd = identity_open(k->pid, k->start_ticks) };
	size_t i = cluster_pick(c->waits, c->n_waits, k->index);
	unsigned worker = c->waits[i].worker;
	if (launched.pidfd < 0)
		return; /* gone: the next look sees that */
	k->worker = worker;
	remove_wait(c, i);
	c->handler->born(c->context, worker, c->generation, &launched);
}

/* The eldest first, and never one that was told to go. */
static void give_all(struct cluster *c) {
	for (size_t i = 0; i < c->n_known && c->n_waits > 0; i++) {
		if (c->known[i].living && c->known[i].worker == 0 && !c->known[i].leaving)
			give(c, &c->known[i]);
	}
}

static struct cluster_count count(const struct cluster *c) {
	struct cluster_count n = { .wanted = wanted(c), .extra = c->extra, .culling = c->culling };
	for (size_t i = 0; i < c->n_known; i++) {
		const struct known *k = &c->known[i];
		n.living += k->living;
		n.ready += k->living && k->ready;
		n.leaving += k->living && k->leaving;
		n.claimed += k->living && k->worker != 0;
		n.untold += !k->living && k->worker != 0;
	}
	for (size_t i = 0; i < c->n_waits; i++) {
		n.successors += c->waits[i].successor;
		n.residents += !c->waits[i].successor;
	}
	return n;
}

/* Whatever was asked for: as many as there are, once that doesn't change, is what the master has. */
static void believe(struct cluster *c, struct cluster_count *n) {
	msec_t now = clock_now(), patience = c->culling ? CULL_PATIENCE : SIGNAL_PATIENCE;
	if (n->living != c->last)
		c->changed = now;
	c->last = n->living;
	if (c->culling && n->living <= n->wanted + n->extra)
		c->culling = n->culling = false;
	if (now - c->changed < patience || (n->leaving > 0 && !c->culling))
		return;
	c->culling = n->culling = false;
	c->extra = n->extra = n->living > n->wanted ? n->living - n->wanted : 0;
}

/* Whom Puma culls. It may not be given to anybody any more. */
static void note_culled(struct cluster *c) {
	struct known *youngest = NULL;
	for (size_t i = 0; i < c->n_known; i++) {
		struct known *k = &c->known[i];
		if (k->living && (youngest == NULL || k->start_ticks >= youngest->start_ticks))
			youngest = k;
	}
	if (youngest != NULL && youngest->worker == 0)
		youngest->leaving = true;
}

static void one_more(struct cluster *c) {
	c->extra++;
	c->changed = clock_now();
	member_signal(c->master, SIGTTIN);
	c->handler->resized(c->context, c->master->pid, true, wanted(c) + c->extra);
}

static void one_less(struct cluster *c) {
	c->extra--;
	c->culling = true;
	c->changed = clock_now();
	note_culled(c);
	member_signal(c->master, SIGTTOU);
	c->handler->resized(c->context, c->master->pid, false, wanted(c) + c->extra);
}

static void act(struct cluster *c) {
	struct cluster_count n = count(c);
	believe(c, &n);
	switch (cluster_decide(&n)) {
	case CLUSTER_NOTHING: break;
	case CLUSTER_ONE_MORE: one_more(c); break;
	case CLUSTER_ONE_LESS: one_less(c); break;
	}
}

/* No worker is left for the master to wait for. */
static void note_empty(struct cluster *c) {
	bool empty = count(c).living == 0;
	if (!empty)
		c->empty_since = 0;
	else if (c->empty_since == 0)
		c->empty_since = clock_now();
}

void cluster_look(struct cluster *c) {
	if (c->master == NULL || c->settling)
		return; /* whoever is told of something may ask for more: the next look is soon */
	c->settling = true;
	find(c);
	note_empty(c);
	if (c->life.state == MOLD_LOADING && c->n_known > 0)
		cluster_drive(c, MOLD_LOADED);
	if (c->life.state == MOLD_READY)
		give_all(c);
	if (c->life.state == MOLD_READY)
		act(c);
	c->settling = false;
}

bool cluster_cancel(struct cluster *c, unsigned worker) {
	for (size_t i = 0; i < c->n_waits; i++) {
		if (c->waits[i].worker != worker)
			continue;
		remove_wait(c, i);
		c->handler->unborn(c->context, worker,
				   c->life.state == MOLD_READY
					   ? "Puma's master has not forked it (app.boot_timeout)"
					   : "Puma's master has no workers yet (app.boot_timeout)");
		return true;
	}
	return false;
}

static struct known *known_worker(struct cluster *c, unsigned worker) {
	for (size_t i = 0; i < c->n_known; i++) {
		if (c->known[i].worker == worker)
			return &c->known[i];
	}
	return NULL;
}

void cluster_leaving(struct cluster *c, unsigned worker) {
	struct known *k = known_worker(c, worker);
	if (k != NULL)
		k->leaving = true;
}

/* A look that is under way goes through them by number: the next one takes it out. */
void cluster_forget(struct cluster *c, unsigned worker) {
	struct known *k = known_worker(c, worker);
	if (k != NULL) {
		k->worker = 0;
		k->living = false;
		k->leaving = true;
	}
}
