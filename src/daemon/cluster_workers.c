/* The workers of a cluster's master: given to who waits for one, more and less of them. */
#include <signal.h>
#include <string.h>

#include "daemon/cluster_parts.h"
#include "daemon/identity.h"
#include "os/clock.h"

/* A master answers a signal in milliseconds; what it didn't do by then it doesn't know of. */
#define SIGNAL_PATIENCE (10 * MSEC_SECOND)
/* A culled one drains as long as Puma lets it, which we aren't told. */
#define CULL_PATIENCE (2 * MSEC_MINUTE)

static void remove_wait(struct cluster *c, size_t i) {
	memmove(&c->waits[i], &c->waits[i + 1], (--c->n_waits - i) * sizeof *c->waits);
}

/* Who is told may ask anew: those are behind the ones that were there. */
void cluster_fail_waits(struct cluster *c, unsigned release, const char *why) {
	size_t at = 0;
	for (size_t n = c->n_waits; n > 0 && at < c->n_waits; n--) {
		const struct cluster_wait wait = c->waits[at];
		if (wait.release != release) {
			at++;
			continue;
		}
		remove_wait(c, at);
		c->handler->unborn(c->context, wait.worker, why);
	}
}

static bool give(struct master *m, struct known *k) {
	struct cluster *c = m->all;
	bool forks = c->launcher->plan->settings.fork_worker && k->index == 0;
	struct launched launched = { .pid = k->pid, .stem = forks };
	size_t i = cluster_pick(c->waits, c->n_waits, m->release, k->index);
	if (i == c->n_waits)
		return false;
	unsigned worker = c->waits[i].worker;
	launched.pidfd = identity_open(k->pid, k->start_ticks);
	if (launched.pidfd < 0)
		return true; /* gone: the next look sees that */
	k->worker = worker;
	remove_wait(c, i);
	c->handler->born(c->context, worker, m->generation, &launched);
	return true;
}

/* The eldest first, and never one that was told to go. */
static void give_all(struct master *m) {
	for (size_t i = 0; i < m->n_known; i++) {
		struct known *k = &m->known[i];
		if (k->living && k->worker == 0 && !k->leaving && !give(m, k))
			return;
	}
}

static void count_elsewhere(const struct master *m, struct cluster_count *n) {
	for (const struct master *other = m->all->list; other != NULL; other = other->next) {
		for (size_t i = 0; other != m && i < other->n_known; i++) {
			const struct known *k = &other->known[i];
			n->elsewhere += k->living && k->worker != 0 && !k->leaving;
		}
	}
}

struct cluster_count master_count(const struct master *m) {
	const struct cluster *c = m->all;
	struct cluster_count n = {
		.has = m->has, .culling = m->culling, .restarting = m->restarting, .over = m->over
	};
	if (m->release == c->handler->in_force(c->context)) {
		n.wanted = c->launcher->plan->limits.workers;
		count_elsewhere(m, &n);
	}
	for (size_t i = 0; i < m->n_known; i++) {
		const struct known *k = &m->known[i];
		n.old += k->living && k->old;
		n.living += k->living;
		n.ready += k->living && k->ready;
		n.leaving += k->living && k->leaving;
		n.claimed += k->living && k->worker != 0;
		n.untold += !k->living && k->worker != 0;
	}
	for (size_t i = 0; i < c->n_waits; i++)
		n.waits += c->waits[i].release == m->release;
	return n;
}

/*
 * Whatever was asked for: as many as there are, once that doesn't change, is what the master has.
 * One that another daemon has started is taken at its first word, and corrected as any other.
 */
static void believe(struct master *m, struct cluster_count *n) {
	msec_t now = clock_now(), patience = m->culling ? CULL_PATIENCE : SIGNAL_PATIENCE;
	if (m->has == 0)
		m->has = n->has = n->living;
	if (n->living != m->last)
		m->changed = now;
	m->last = n->living;
	if (m->culling && n->living <= n->has)
		m->culling = n->culling = false;
	if (now - m->changed < patience || (n->leaving > 0 && !m->culling))
		return;
	m->culling = n->culling = false;
	m->has = n->has = n->living;
}

/* Whom Puma culls. It may not be given to anybody any more. */
static void note_culled(struct master *m) {
	struct known *youngest = NULL;
	for (size_t i = 0; i < m->n_known; i++) {
		struct known *k = &m->known[i];
		if (k->living && (youngest == NULL || k->start_ticks >= youngest->start_ticks))
			youngest = k;
	}
	if (youngest != NULL && youngest->worker == 0)
		youngest->leaving = true;
}

static void resize(struct master *m, bool more) {
	const struct cluster *c = m->all;
	m->has = more ? m->has + 1 : m->has - 1;
	m->changed = clock_now();
	if (!more) {
		m->culling = true;
		note_culled(m);
	}
	member_signal(m->member, more ? SIGTTIN : SIGTTOU);
	c->handler->resized(c->context, m->member->pid, more, m->has);
}

static void act(struct master *m) {
	struct cluster_count n = master_count(m);
	believe(m, &n);
	switch (cluster_decide(&n)) {
	case CLUSTER_NOTHING: break;
	case CLUSTER_ONE_MORE: resize(m, true); break;
	case CLUSTER_ONE_LESS: resize(m, false); break;
	}
}

/* No worker is left for the master to wait for. */
static void note_empty(struct master *m) {
	bool empty = master_count(m).living == 0;
	if (!empty)
		m->empty_since = 0;
	else if (m->empty_since == 0)
		m->empty_since = clock_now();
}

void master_look(struct master *m) {
	if (m->member == NULL)
		return;
	master_find(m);
	master_hush(m);
	note_empty(m);
	if (m->life.state == MOLD_LOADING && m->n_known > 0)
		master_drive(m, MOLD_LOADED);
	if (m->life.state == MOLD_READY)
		give_all(m);
	if (m->life.state == MOLD_READY)
		act(m);
}

bool cluster_cancel(struct cluster *c, unsigned worker) {
	for (size_t i = 0; i < c->n_waits; i++) {
		if (c->waits[i].worker != worker)
			continue;
		remove_wait(c, i);
		c->handler->unborn(c->context, worker,
				   "Puma's master has not forked it within app.boot_timeout");
		return true;
	}
	return false;
}

void cluster_leaving(struct cluster *c, unsigned worker) {
	struct known *k = cluster_known(c, worker);
	if (k != NULL)
		k->leaving = true;
}

/* A look that is under way goes through them by number: the next one takes it out. */
void cluster_forget(struct cluster *c, unsigned worker) {
	struct known *k = cluster_known(c, worker);
	if (k != NULL) {
		k->worker = 0;
		k->living = false;
		k->leaving = true;
	}
}
