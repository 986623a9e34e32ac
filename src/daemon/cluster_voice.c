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

static void tell(const struct master *m) {
	m->all->handler->heard(m->all->context, m->generation, m->restarting, m->says);
}

void cluster_heard(struct cluster *c, pid_t pid, const struct notice *notice) {
	struct master *m = of_pid(c, pid);
	if (m == NULL)
		return; /* a worker's, or the app's: they have the socket's path as well */
	bool restarting = notice->reloading || (m->restarting && !notice->ready);
	bool says = notice->status[0] != '\0' && strcmp(m->says, notice->status) != 0;
	if (notice->reloading)
		m->changed = clock_now();
	if (says)
		snprintf(m->says, sizeof m->says, "%s", notice->status);
	if (restarting == m->restarting && !says)
		return;
	m->restarting = restarting;
	tell(m);
}

/* It may be stuck with a worker that doesn't boot: memory can't wait for that. */
void master_hush(struct master *m) {
	msec_t boot = m->all->launcher->plan->config.app.boot_timeout;
	if (!m->restarting || clock_now() - m->changed < boot)
		return;
	m->restarting = false;
	tell(m);
}
