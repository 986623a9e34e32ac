#include "daemon/hooks.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "os/exit_status.h"
#include "util/fd.h"

struct running {
	struct running *next;
	struct hooks *all;
	unsigned id;
	pid_t pid; /* and its process group; ours until it is reaped */
	int pidfd;
	bool killed; /* by us: nobody waits for it */
	ev_io exited;
};

struct hooks {
	struct ev_loop *loop;
	hooks_ended *ended;
	void *context;
	struct running *first;
};

struct hooks *hooks_create(struct ev_loop *loop, hooks_ended *ended, void *context) {
	struct hooks *hooks = calloc(1, sizeof *hooks);
	if (hooks != NULL)
		*hooks = (struct hooks){ .loop = loop, .ended = ended, .context = context };
	return hooks;
}

static void forget(struct running *r) {
	struct running **at = &r->all->first;
	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	ev_io_stop(r->all->loop, &r->exited);
	fd_close(&r->pidfd);
	free(r);
}

/* What it has started in the background, and doesn't wait for, stays: it may be meant to. */
static void on_exit_of(struct ev_loop *loop UNUSED, ev_io *w, int revents UNUSED) {
	struct running *r = container_of(w, struct running, exited);
	const struct hooks *all = r->all;
	siginfo_t info = { 0 };
	char how[64];
	if (waitid(P_PIDFD, (id_t)r->pidfd, &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0)
		return;
	int status = exit_status_of(&info);
	unsigned id = r->id;
	bool killed = r->killed;
	exit_status_print(status, how, sizeof how);
	forget(r);
	if (!killed)
		all->ended(all->context, id, status == 0 ? NULL : how);
}

int hooks_start(struct hooks *hooks, unsigned id, const struct spawn *program,
		enum spawn_step *failed) {
	struct spawned spawned;
	struct running *r = calloc(1, sizeof *r);
	*failed = SPAWN_FORK;
	if (r == NULL)
		return -ENOMEM;
	int error = spawn_start(program, &spawned, failed);
	if (error != 0) {
		free(r);
		return error;
	}
	*r = (struct running){ .next = hooks->first,
			       .all = hooks,
			       .id = id,
			       .pid = spawned.pid,
			       .pidfd = spawned.pidfd };
	hooks->first = r;
	ev_io_init(&r->exited, on_exit_of, r->pidfd, EV_READ);
	ev_io_start(hooks->loop, &r->exited);
	return 0;
}

static void kill_group(struct running *r) {
	r->killed = true;
	kill(-r->pid, SIGKILL);
}

void hooks_end(struct hooks *hooks, unsigned id) {
	for (struct running *r = hooks->first; r != NULL; r = r->next) {
		if (r->id == id && !r->killed)
			kill_group(r);
	}
}

/* They are told of: should the daemon go on after all, it must not wait for them. */
void hooks_end_all(struct hooks *hooks) {
	for (struct running *r = hooks->first; r != NULL; r = r->next)
		kill(-r->pid, SIGKILL);
}

void hooks_destroy(struct hooks *hooks) {
	if (hooks == NULL)
		return;
	hooks_end_all(hooks);
	while (hooks->first != NULL)
		forget(hooks->first);
	free(hooks);
}

bool hooks_own(const struct hooks *hooks, pid_t pid) {
	const struct running *r = hooks->first;
	while (r != NULL && r->pid != pid)
		r = r->next;
	return r != NULL;
}
