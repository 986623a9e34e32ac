#include "daemon/member.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/proc.h"
#include "daemon/allocator_proof.h"
#include "daemon/connection_look.h"
#include "os/clock.h"
#include "util/fd.h"

/* Puma's threads are there once its server runs (puma.md, readiness). */
#define THREADS_EVERY 0.1
#define THREADS_NAME  "puma srv"

static void report(struct member *m, struct herd_event event) {
	event.worker = m->id;
	m->owner->report(m->owner->context, &event);
}

/* wait(2)'s status, for a person. */
static void describe(const siginfo_t *info, char *text, size_t size) {
	const char *name = sigabbrev_np(info->si_status);
	if (info->si_code == CLD_EXITED)
		snprintf(text, size, "exit status %d", info->si_status);
	else
		snprintf(text, size, "SIG%s%s", name != NULL ? name : "?",
			 info->si_code == CLD_DUMPED ? ", core dumped" : "");
}

static void on_end(struct ev_loop *loop, ev_io *w, int revents UNUSED) {
	struct member *m = container_of(w, struct member, exited);
	siginfo_t info = { 0 };
	char how[64] = "status unknown";
	if (waitid(P_PIDFD, (id_t)m->pidfd, &info, WEXITED | WNOHANG) == 0 && info.si_pid != 0)
		describe(&info, how, sizeof how);
	else if (errno != ECHILD)
		return; /* not yet */
	ev_io_stop(loop, &m->exited);
	ev_timer_stop(loop, &m->threads);
	prober_stop(&m->prober);
	bool by_signal = info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED;
	report(m, (struct herd_event){ .kind = HERD_EXITED,
				       .number = by_signal ? info.si_status : 0,
				       .text = how });
}

/* From now on another image is a surprise; before, bundle and its like exec. */
static void proved(struct member *m) {
	ev_timer_stop(m->owner->loop, &m->threads);
	m->known_image = process_image(&m->process, &m->image) == 0;
	report(m, (struct herd_event){ .kind = HERD_ANSWERED });
}

static void on_answer(struct prober *p, const struct prober_answer *answer) {
	struct member *m = container_of(p, struct member, prober);
	char hint[200] = "";
	struct text out = text_in(hint, sizeof hint);
	if (m->alive_asked) {
		/* Any answer is a sign of life, also a refusal. */
		m->alive_asked = false;
		prober_stop(p);
		report(m, (struct herd_event){ .kind = HERD_ALIVE });
		return;
	}
	if (answer->ready) {
		proved(m);
		return;
	}
	if (answer->status == 0)
		text_puts(&out, "the app has read it and does not answer (app.probe.timeout)");
	(void)probe_hint(answer->status, answer->location, &out);
	report(m, (struct herd_event){ .kind = HERD_REFUSED,
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

static uint64_t usec_of(struct timespec t) {
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* Of this thread: what it cost, not what it waited. */
static uint64_t cpu_usec(void) {
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return usec_of(t);
}

#define MEMBER_OF(j, errand_name) \
	container_of(container_of(j, struct errand, job), struct member, errand_name)

static void run_memory(struct job *job) {
	struct member *m = MEMBER_OF(job, memory);
	char text[4096];
	uint64_t begun = cpu_usec();
	ssize_t n = process_read(&m->process, "smaps_rollup", text, sizeof text);
	m->memory.error = n < 0 ? (int)-n : proc_rollup(text, &m->read) != 0 ? EBADMSG : 0;
	m->read_usec = cpu_usec() - begun;
}

static void run_count(struct job *job) {
	struct member *m = MEMBER_OF(job, count);
	struct connections older = m->before;
	m->before = m->now;
	m->now = older;
	m->count.error = -connections_look(m->owner->listeners, m->process.dir, &m->now);
	m->counted = connections_judge(&m->now);
	m->traffic = 0;
	for (size_t i = 0; i < m->now.len; i++)
		m->traffic += m->now.list[i].received + m->now.list[i].written;
}

static void run_close(struct job *job) {
	struct member *m = MEMBER_OF(job, close);
	struct connections older = m->before;
	m->before = m->now;
	m->now = older;
	int error = connections_look(m->owner->listeners, m->process.dir, &m->now);
	m->closed = (struct half_closed){ .error = -error };
	if (error == 0)
		m->closed = connections_half_close(m->pidfd, m->before.len > 0 ? &m->before : NULL,
						   &m->now, m->which);
	m->counted = connections_judge(&m->now);
}

static void run_proof(struct job *job) {
	struct member *m = MEMBER_OF(job, proof);
	allocator_prove(m->process.dir, &m->allocator);
}

static bool is_out(const struct member *m) {
	return m->memory.job.out || m->count.job.out || m->close.job.out || m->proof.job.out;
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

/* False: that was the last one out of a forgotten member, which is no more. */
static bool came_back(struct member *m) {
	if (!m->forgotten)
		return true;
	if (!is_out(m)) {
		unlist(m);
		destroy(m);
	}
	return false;
}

static void memory_done(struct job *job) {
	struct member *m = MEMBER_OF(job, memory);
	if (!came_back(m))
		return;
	struct herd_event event = { .kind = HERD_READ, .error = m->memory.error };
	event.read.memory = m->read;
	event.read.took_usec = m->read_usec;
	report(m, event);
}

static void report_alive(struct member *m) {
	m->count_alive = false;
	if (m->count.error == 0 && m->traffic != m->last_traffic)
		report(m, (struct herd_event){ .kind = HERD_ALIVE });
	m->last_traffic = m->traffic;
}

static void report_count(struct member *m, int error) {
	struct herd_event event = { .kind = HERD_COUNTED, .error = error };
	event.counted.open = (int)m->counted.open;
	event.counted.busy = (int)m->counted.busy;
	report(m, event);
}

static void count_done(struct job *job) {
	struct member *m = MEMBER_OF(job, count);
	if (!came_back(m))
		return;
	if (m->count_alive)
		report_alive(m);
	report_count(m, m->count.error);
	if (m->close_waits) /* last: from then on the looks are the thread's again */
		member_half_close(m, m->which);
}

static void close_done(struct job *job) {
	struct member *m = MEMBER_OF(job, close);
	if (!came_back(m))
		return;
	if (m->closed.error == 0)
		report_count(m, 0);
	struct herd_event event = { .kind = HERD_HALF_CLOSED,
				    .error = m->closed.closed > 0 ? 0 : m->closed.error,
				    .number = m->closed.closed };
	event.left = (int)m->closed.left;
	event.text = m->closed.error != 0 ? strerror(m->closed.error) : NULL;
	report(m, event);
}

static void proof_done(struct job *job) {
	struct member *m = MEMBER_OF(job, proof);
	if (!came_back(m))
		return;
	struct herd_event event = { .kind = HERD_ALLOCATOR };
	event.allocator = &m->allocator;
	report(m, event);
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
	m->memory.job = (struct job){ .run = run_memory, .done = memory_done };
	m->count.job = (struct job){ .run = run_count, .done = count_done };
	m->close.job = (struct job){ .run = run_close, .done = close_done };
	m->proof.job = (struct job){ .run = run_proof, .done = proof_done };
	prober_init(&m->prober, owner->loop, m->probe_path, on_answer);
	ev_timer_init(&m->threads, on_threads, 0, THREADS_EVERY);
	ev_io_init(&m->exited, on_end, pidfd, EV_READ);
	ev_io_start(owner->loop, &m->exited);
	return m;
}

bool member_forget(struct member *m) {
	ev_io_stop(m->owner->loop, &m->exited);
	ev_timer_stop(m->owner->loop, &m->threads);
	prober_stop(&m->prober);
	if (m->probe_path[0] != '\0')
		unlink(m->probe_path);
	m->forgotten = true;
	if (is_out(m)) {
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
		if (is_out(m))
			continue;
		unlist(m);
		destroy(m);
	}
}

/* By pidfd: it can't hit whoever got the number next. */
void member_signal(struct member *m, int signal) {
	syscall(SYS_pidfd_send_signal, m->pidfd, signal, NULL, 0);
}

void member_prove(struct member *m, const struct probe_rules *rules, msec_t timeout) {
	m->known_image = m->alive_asked = false;
	if (rules != NULL && m->probe_path[0] != '\0')
		prober_start(&m->prober, rules, timeout);
	else
		ev_timer_start(m->owner->loop, &m->threads);
}

static bool cpu_moved(struct member *m) {
	char text[1024];
	struct proc_stat stat;
	if (process_read(&m->process, "stat", text, sizeof text) < 0 || proc_stat(text, &stat) != 0)
		return false;
	return pulse_moved(&m->pulse, stat.utime_ticks + stat.stime_ticks, sysconf(_SC_CLK_TCK),
			   clock_now());
}

void member_ask_alive(struct member *m, const struct probe_rules *rules) {
	if (cpu_moved(m))
		report(m, (struct herd_event){ .kind = HERD_ALIVE });
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
		report(m, (struct herd_event){ .kind = HERD_STOPPED });
	else if (info.si_code == CLD_CONTINUED)
		report(m, (struct herd_event){ .kind = HERD_CONTINUED });
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
	report(m, (struct herd_event){ .kind = HERD_REBOOTED });
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
	notice_exec(m, reading->rss_bytes);
	return true;
}

void member_read_memory(struct member *m) {
	if (!reader_submit(m->owner->memory, &m->memory.job))
		m->memory.error = EBUSY;
}

/* Both use the two looks, so neither runs while the other is out; a count can be left out. */
void member_count(struct member *m) {
	if (m->close.job.out || !reader_submit(m->owner->sockets, &m->count.job))
		return;
}

void member_half_close(struct member *m, enum close_which which) {
	if (m->close.job.out)
		return;
	m->which = which;
	m->close_waits = m->count.job.out;
	if (m->close_waits)
		return;
	if (!reader_submit(m->owner->sockets, &m->close.job))
		return;
}

void member_prove_allocator(struct member *m) {
	if (!reader_submit(m->owner->memory, &m->proof.job))
		return;
}
