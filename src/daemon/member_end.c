/* How a member ended: our child, which we reap, or one that was adopted, which somebody else does. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/member_parts.h"
#include "os/exit_status.h"

/* Init reaps at once. Whoever doesn't may never do it, and a replacement waits for this end. */
#define LOOK_FIRST 0.01
#define LOOK_EVERY 0.05
#define LOOKS_MAX  5

#define SIGNAL_PROCESS_GROUP (1u << 2) /* PIDFD_SIGNAL_PROCESS_GROUP, since Linux 6.9 */

/* `status`: NULL when nobody knows. */
static void report(struct member *m, const int *status) {
	char how[64] = "status unknown";
	if (status != NULL)
		exit_status_print(*status, how, sizeof how);
	end_stop(m);
	member_report(m, (struct herd_event){ .kind = HERD_EXITED,
					      .number = status != NULL && WIFSIGNALED(*status)
								? WTERMSIG(*status)
								: 0,
					      .text = how });
}

/*
 * After a life that ended well the app itself has seen to what it had started, or wants it to go
 * on. Told by its pidfd a group is its own, or none: it may be reaped already, and its number be
 * somebody else's. Older kernels take the number only, which holds as long as it is ours to reap.
 */
static void end_group(const struct member *m, bool unreaped) {
	if (!m->owner->ends_groups || (m->served && !m->killed))
		return;
	if (syscall(SYS_pidfd_send_signal, m->pidfd, SIGKILL, NULL, SIGNAL_PROCESS_GROUP) == 0 ||
	    errno == ESRCH)
		return;
	if (unreaped && getpgid(m->pid) == m->pid)
		kill(-m->pid, SIGKILL);
}

static void on_reaped(struct ev_loop *loop UNUSED, ev_timer *w, int revents UNUSED) {
	struct member *m = container_of(w, struct member, reaped);
	int status;
	int error = exit_status(m->pidfd, &status);
	if (error == -EAGAIN && ++m->looks < LOOKS_MAX)
		return;
	report(m, error == 0 ? &status : NULL);
}

/* Its parent has heard of it just now, as we have: it takes a moment. */
static void await_its_parent(struct member *m) {
	int status;
	int error = exit_status(m->pidfd, &status);
	if (error != -EAGAIN) {
		report(m, error == 0 ? &status : NULL);
		return;
	}
	ev_timer_set(&m->reaped, LOOK_FIRST, LOOK_EVERY);
	ev_timer_start(m->owner->loop, &m->reaped);
}

static bool is_child(const struct member *m, siginfo_t *info) {
	int what = WEXITED | WNOHANG | WNOWAIT;
	return waitid(P_PIDFD, (id_t)m->pidfd, info, what) == 0 || errno != ECHILD;
}

/* Asked anew: an orphan may have become ours meanwhile (PR_SET_CHILD_SUBREAPER). */
static void on_end(struct ev_loop *loop, ev_io *w, int revents UNUSED) {
	struct member *m = container_of(w, struct member, exited);
	siginfo_t info = { 0 };
	bool ours = is_child(m, &info);
	if (ours && info.si_pid == 0)
		return; /* not yet */
	ev_io_stop(loop, &m->exited);
	member_stop_asking(m);
	end_group(m, ours);
	if (!ours) {
		await_its_parent(m);
		return;
	}
	int status = exit_status_of(&info);
	(void)waitid(P_PIDFD, (id_t)m->pidfd, &info, WEXITED | WNOHANG);
	report(m, &status);
}

void end_init(struct member *m) {
	siginfo_t info = { 0 };
	m->is_child = is_child(m, &info);
	ev_timer_init(&m->reaped, on_reaped, 0, LOOK_EVERY);
	ev_io_init(&m->exited, on_end, m->pidfd, EV_READ);
	ev_io_start(m->owner->loop, &m->exited);
}

void end_stop(struct member *m) {
	ev_io_stop(m->owner->loop, &m->exited);
	ev_timer_stop(m->owner->loop, &m->reaped);
}
