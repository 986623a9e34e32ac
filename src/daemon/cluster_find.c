/* Who a master's workers are: its children, by their titles. */
#include <string.h>
#include <unistd.h>

#include "core/proc.h"
#include "daemon/cluster_parts.h"
#include "os/children.h"
#include "os/clock.h"
#include "os/process.h"

/*
 * Of the thread that accepts, from 5.6 to 8 there once a worker's server runs. Whole: what the app forks
 * while it answers has the name of the thread that did, `puma srv tp 001`.
 */
#define SERVER_THREAD "puma srv\n"

/* So many in so long, beyond one for each worker, are a loop: the master has no back-off. */
#define LOOP_WINDOW (10 * MSEC_SECOND)
#define LOOP_BIRTHS 10

#define CHILDREN_MAX (4 * HERD_WORKERS_MAX)

struct known *cluster_known(struct cluster *c, unsigned worker) {
	for (struct master *m = c->list; m != NULL; m = m->next) {
		for (size_t i = 0; i < m->n_known; i++) {
			if (m->known[i].worker == worker)
				return &m->known[i];
		}
	}
	return NULL;
}

static struct known *known_of(struct master *m, pid_t pid, uint64_t start_ticks) {
	for (size_t i = 0; i < m->n_known; i++) {
		if (m->known[i].pid == pid && m->known[i].start_ticks == start_ticks)
			return &m->known[i];
	}
	return NULL;
}

static pid_t worker_0(const struct master *m) {
	for (size_t i = 0; i < m->n_known; i++) {
		if (m->known[i].index == 0 && m->known[i].living)
			return m->known[i].pid;
	}
	return 0;
}

static bool is_worker(const struct master *m, const struct process *p, pid_t parent,
		      unsigned *index) {
	char title[256];
	ssize_t n = process_read(p, "cmdline", title, sizeof title);
	const struct cluster_kin kin = {
		.parent = parent,
		.master = m->member->pid,
		.worker_0 = worker_0(m),
		.serves = process_threads(p, SERVER_THREAD) > 0,
	};
	return n > 0 && cluster_title(title, (size_t)n, m->member->pid, index) &&
	       cluster_title_is_own(&kin, *index);
}

static void count_birth(struct master *m) {
	const struct cluster *c = m->all;
	msec_t now = clock_now();
	if (now - m->births_since > LOOP_WINDOW) {
		m->births_since = now;
		m->births = 0;
	}
	if (++m->births == LOOP_BIRTHS + c->launcher->plan->limits.workers)
		c->handler->loops(c->context, m->births, now - m->births_since);
}

static struct known *meet(struct master *m, pid_t pid, uint64_t start_ticks, unsigned index) {
	struct known *k = &m->known[m->n_known++];
	*k = (struct known){ .pid = pid, .start_ticks = start_ticks, .index = index };
	if (m->restarting)
		m->changed =
			clock_now(); /* it gets on, and by how many there are that can't be seen */
	count_birth(m);
	return k;
}

static void look_at(struct master *m, pid_t pid) {
	struct process p;
	struct proc_stat stat;
	char text[1024];
	unsigned index;
	if (process_open(pid, &p) != 0)
		return;
	if (process_read(&p, "stat", text, sizeof text) > 0 && proc_stat(text, &stat) == 0 &&
	    stat.state != 'Z' && stat.state != 'X') {
		struct known *k = known_of(m, pid, stat.start_ticks);
		if (k == NULL && m->n_known < HERD_WORKERS_MAX &&
		    is_worker(m, &p, stat.ppid, &index))
			k = meet(m, pid, stat.start_ticks, index);
		if (k != NULL && k->index == INDEX_UNKNOWN && is_worker(m, &p, stat.ppid, &index))
			k->index = index;
		if (k != NULL)
			k->living = true;
		if (k != NULL && !k->ready)
			k->ready = process_threads(&p, SERVER_THREAD) > 0;
	}
	process_close(&p);
}

static void forget_dead(struct master *m) {
	size_t n = 0;
	for (size_t i = 0; i < m->n_known; i++) {
		if (m->known[i].living || m->known[i].worker != 0)
			m->known[n++] = m->known[i];
	}
	m->n_known = n;
}

static void look_at_children(struct master *m, pid_t parent) {
	static _Thread_local pid_t list[CHILDREN_MAX];
	ssize_t n = children_of(parent, list, CHILDREN_MAX);
	for (ssize_t i = 0; i < n; i++)
		look_at(m, list[i]);
}

/*
 * With fork_worker the others are children of worker 0, and whoever it leaves behind is somebody
 * else's: ours, as we are a subreaper, or that of a manager who started us anew.
 */
static void look_at_descendants(struct master *m) {
	pid_t seen[HERD_WORKERS_MAX];
	size_t n = 0;
	for (size_t i = 0; i < m->n_known; i++) {
		if (!m->known[i].living || m->known[i].index == 0 ||
		    m->known[i].index == INDEX_UNKNOWN)
			seen[n++] = m->known[i].pid;
	}
	for (size_t i = 0; i < n; i++) {
		look_at(m, seen[i]);
		look_at_children(m, seen[i]);
	}
	look_at_children(m, getpid());
}

void master_find(struct master *m) {
	for (size_t i = 0; i < m->n_known; i++)
		m->known[i].living = false;
	look_at_children(m, m->member->pid);
	if (m->all->launcher->plan->settings.fork_worker)
		look_at_descendants(m);
	forget_dead(m);
}
