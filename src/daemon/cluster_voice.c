/*
 * What a master says of itself (sd_notify(3)): that it restarts its workers, because a person has told it
 * to (SIGUSR1, SIGUSR2, SIGURG, pumactl), and when that is over, by ruby/master.rb; its status since 6.1.
 */
#include <stdio.h>
#include <string.h>

#include "core/notice.h"
#include "daemon/cluster_parts.h"
#include "os/clock.h"

static struct master *of_pid(const struct cluster *c, pid_t pid) {
	for (struct master *m = c->list; m != NULL; m = m->next) {
		if (m->member != NULL && m->member->pid == pid)
			return m;
	}
	return NULL;
}

void master_say(const struct master *m) {
	m->all->handler->heard(m->all->context, m->generation, m->restarting, m->says);
}

/* A refork leaves the one that forks. */
static void note_old(struct master *m) {
	bool forks = m->all->launcher->plan->settings.fork_worker;
	m->changed = clock_now();
	master_find(m);
	for (size_t i = 0; i < m->n_known; i++)
		m->known[i].old = !(forks && m->known[i].index == 0);
}

void cluster_heard(struct cluster *c, pid_t pid, const struct notice *notice) {
	struct master *m = of_pid(c, pid);
	if (m == NULL)
		return; /* a worker's, or the app's: they have the socket's path as well */
	bool begins = notice->reloading && !m->restarting;
	bool says = notice->status[0] != '\0' && strcmp(m->says, notice->status) != 0;
	m->restarting |= notice->reloading;
	if (notice->reloading)
		note_old(m);
	m->over = notice->ready || (m->over && !notice->reloading); /* the next look ends it */
	if (says)
		snprintf(m->says, sizeof m->says, "%s", notice->status);
	if (begins || says)
		master_say(m);
}

/* It may be stuck with a worker that doesn't boot: memory can't wait for that. */
void master_hush(struct master *m) {
	msec_t boot = m->all->launcher->plan->config.app.boot_timeout;
	const struct cluster_count n = master_count(m);
	if (!m->restarting || (!cluster_restarted(&n) && clock_now() - m->changed < boot))
		return;
	m->restarting = false;
	master_say(m);
}
