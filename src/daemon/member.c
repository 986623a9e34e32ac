#include "daemon/member_parts.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/proc.h"
#include "os/clock.h"
#include "util/fd.h"

/* Puma's threads are there once its server runs (puma.md, readiness). */
#define THREADS_EVERY 0.1
#define THREADS_NAME  "puma srv"

void member_report(struct member *m, struct herd_event event) {
	event.worker = m->id;
	m->owner->report(m->owner->context, &event);
}

/* From now on another image is a surprise; before, bundle and its like exec. */
void member_served(struct member *m) {
	m->served = true;
	m->known_image = process_image(&m->process, &m->image) == 0;
}

static void proved(struct member *m) {
	ev_timer_stop(m->owner->loop, &m->threads);
	member_served(m);
	member_report(m, (struct herd_event){ .kind = HERD_ANSWERED });
}

static void on_answer(struct prober *p, const struct prober_answer *answer) {
	struct member *m = container_of(p, struct member, prober);
	char hint[200] = "";
	struct text out = text_in(hint, sizeof hint);
	if (m->alive_asked) {
		/* Any answer is a sign of life, also a refusal. */
		m->alive_asked = false;
		prober_stop(p);
		member_report(m, (struct herd_event){ .kind = HERD_ALIVE });
		return;
	}
	if (answer->ready) {
		proved(m);
		return;
	}
	if (answer->status == 0)
		text_puts(&out, "the app has read it and does not answer (app.probe.timeout)");
	(void)probe_hint(answer->status, answer->location, &out);
	member_report(m, (struct herd_event){ .kind = HERD_REFUSED,
					      .number = answer->status,
					      .text = answer->location,
					      .hint = hint });
}

void member_notified(struct member *m) {
	if (ev_is_active(&m->threads))
		proved(m);
}

static void on_threads(struct ev_loop *loop UNUSED, ev_timer *w, int revents UNUSED) {
	struct member *m = container_of(w, struct member, threads);
	if (process_threads(&m->process, THREADS_NAME) <= 0)
		return;
	proved(m);
}

static void destroy(struct member *m) {
	connections_finish(&m->before);
	connections_finish(&m->now);
	process_close(&m->process);
	fd_close(&m->pidfd);
	free(m);
}

static void unlist(struct member *m) {
	struct member **at = &m->owner->forgotten;
	while (*at != m)
		at = &(*at)->next;
	*at = m->next;
}

bool member_came_back(struct member *m) {
	if (!m->forgotten)
		return true;
	if (!errands_out(m)) {
		unlist(m);
		destroy(m);
	}
	return false;
}

struct member *member_create(struct member_owner *owner, unsigned id, pid_t pid, int pidfd,
			     const char *probe_path) {
	struct member *m = calloc(1, sizeof *m);
	if (m == NULL)
		return NULL;
	m->owner = owner;
	m->id = id;
	m->pid = pid;
	m->pidfd = pidfd;
	m->process = PROCESS_NONE;
	/* Its exit is told by the pidfd; without /proc it simply can't be looked at. */
	if (process_open(pid, &m->process) != 0)
		m->process = PROCESS_NONE;
	snprintf(m->probe_path, sizeof m->probe_path, "%s", probe_path);
	errands_init(m);
	prober_init(&m->prober, owner->loop, m->probe_path, on_answer);
	ev_timer_init(&m->threads, on_threads, 0, THREADS_EVERY);
	end_init(m);
	return m;
}

void member_stop_asking(struct member *m) {
	ev_timer_stop(m->owner->loop, &m->threads);
	prober_stop(&m->prober);
}

bool member_forget(struct member *m) {
	end_stop(m);
	member_stop_asking(m);
	if (m->probe_path[0] != '\0' && !m->owner->leaves)
		unlink(m->probe_path);
	m->forgotten = true;
	if (errands_out(m)) {
		m->next = m->owner->forgotten;
		m->owner->forgotten = m;
		return false;
	}
	destroy(m);
	return true;
}

void member_forget_rest(struct member_owner *owner) {
	for (struct member *m = owner->forgotten, *next; m != NULL; m = next) {
		next = m->next;
		if (errands_out(m))
			continue;
		unlist(m);
		destroy(m);
	}
}

/* By pidfd: it can't hit whoever got the number next. */
void member_signal(struct member *m, int signal) {
	m->killed = m->killed || signal == SIGKILL;
	syscall(SYS_pidfd_send_signal, m->pidfd, signal, NULL, 0);
}

void member_prove(struct member *m, const struct probe_rules *rules, msec_t timeout) {
	m->known_image = m->alive_asked = false;
	if (rules != NULL && m->probe_path[0] != '\0')
		prober_start(&m->prober, rules, timeout);
	else
		ev_timer_start(m->owner->loop, &m->threads);
}

static bool read_stat(const struct member *m, struct proc_stat *stat) {
	char text[1024];
	return process_read(&m->process, "stat", text, sizeof text) >= 0 &&
	       proc_stat(text, stat) == 0;
}

static bool cpu_moved(struct member *m) {
	struct proc_stat stat;
	if (!read_stat(m, &stat))
		return false;
	return pulse_moved(&m->pulse, stat.utime_ticks + stat.stime_ticks, sysconf(_SC_CLK_TCK),
			   clock_now());
}

void member_ask_alive(struct member *m, const struct probe_rules *rules) {
	if (cpu_moved(m))
		member_report(m, (struct herd_event){ .kind = HERD_ALIVE });
	m->count_alive = true;
	member_count(m);
	/* A question that is still unanswered stays: it waits in the same queue as a new one. */
	if (rules == NULL || m->probe_path[0] == '\0' || m->alive_asked)
		return;
	m->alive_asked = true;
	prober_start(&m->prober, rules, 0);
}

void member_look_stopped(struct member *m) {
	siginfo_t info = { 0 };
	int what = WSTOPPED | WCONTINUED | WNOHANG;
	if (waitid(P_PIDFD, (id_t)m->pidfd, &info, what) != 0 || info.si_pid == 0)
		return;
	if (info.si_code == CLD_STOPPED)
		member_report(m, (struct herd_event){ .kind = HERD_STOPPED });
	else if (info.si_code == CLD_CONTINUED)
		member_report(m, (struct herd_event){ .kind = HERD_CONTINUED });
}

/* SIGCHLD goes to its parent, so it is looked at. Traced (`t`) is not stopped, as for waitid(2). */
static void look_at_strangers_state(struct member *m) {
	struct proc_stat stat;
	if (m->is_child || !read_stat(m, &stat))
		return;
	enum member_motion motion = stat.state == 'T' ? MOTION_STOPPED : MOTION_RUNS;
	if (m->motion == motion)
		return;
	m->motion = motion;
	member_report(m, (struct herd_event){ .kind = motion == MOTION_STOPPED ? HERD_STOPPED
									       : HERD_CONTINUED });
}

/*
 * Looking costs three times as much as the reading itself, and a new image starts small: so
 * only when memory fell, and now and then.
 */
#define LOOK_EVERY 16

static void notice_exec(struct member *m, uint64_t rss) {
	uint64_t image;
	bool fell = rss < m->last_rss - m->last_rss / 8;
	m->last_rss = rss;
	if (!fell && ++m->since_look < LOOK_EVERY)
		return;
	m->since_look = 0;
	if (!m->known_image || process_image(&m->process, &image) != 0 || image == m->image)
		return;
	m->image = image;
	member_report(m, (struct herd_event){ .kind = HERD_REBOOTED });
}

static uint64_t page_bytes(void) {
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

bool member_read_cheap(struct member *m, bool swap, struct reading *reading) {
	char text[4096];
	struct proc_status status = { 0 };
	*reading = (struct reading){ .worker = m->id };
	ssize_t n = swap ? process_read_status(&m->process, text, sizeof text)
			 : process_read_statm(&m->process, text, sizeof text);
	if (n < 0)
		return false;
	if (swap) {
		if (proc_status(text, &status) != 0)
			return false;
		reading->rss_bytes = status.rss_bytes;
		reading->swap_bytes = status.swap_bytes;
	} else if (proc_statm(text, page_bytes(), &reading->rss_bytes) != 0) {
		return false;
	}
	look_at_strangers_state(m);
	notice_exec(m, reading->rss_bytes);
	return true;
}
