/*
 * Children that nobody has asked for. They come to a daemon that is process 1 of a container, and
 * to one that has molds or a cluster (a subreaper), whenever the parent of a descendant ends before
 * it; and somebody who execs us may have had children of his own. Whoever ends among them is
 * reaped, else it stays a zombie for as long as we live.
 */
#include <sys/wait.h>

#include "daemon/supervisor_parts.h"

static bool is_known(const struct supervisor *s, pid_t pid) {
	for (size_t i = 0; i < HERD_WORKERS_MAX; i++) {
		if (s->members[i] != NULL && s->members[i]->pid == pid)
			return true;
	}
	return pid == s->upgrade.trial || hooks_own(s->hooks, pid) ||
	       (s->molds != NULL && molds_own(s->molds, pid)) ||
	       (s->cluster != NULL && cluster_own(s->cluster, pid));
}

/*
 * A known one's exit is for its pidfd's watcher to hear, and it may be the first in the kernel's
 * list: whoever ended behind it has his turn when it is gone. While a worker is about to be born
 * an unknown child may be it, dead already.
 */
static void reap(const struct supervisor *s) {
	while (s->molds == NULL || !molds_expect(s->molds)) {
		siginfo_t info = { 0 };
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0)
			return;
		if (is_known(s, info.si_pid))
			return;
		waitpid(info.si_pid, NULL, WNOHANG);
	}
}

/* Whatever may let one go has happened in this turn of the loop; SIGCHLD makes another turn. */
static void on_turn(struct ev_loop *loop UNUSED, ev_prepare *w, int revents UNUSED) {
	reap(container_of(w, struct supervisor, strays));
}

void strays_init(struct supervisor *s) {
	ev_prepare_init(&s->strays, on_turn);
}
