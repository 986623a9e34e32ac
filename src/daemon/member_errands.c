/* What a reader's thread does for a member, and what becomes of it back in the loop. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "core/proc.h"
#include "daemon/allocator_proof.h"
#include "daemon/connection_look.h"
#include "daemon/member_parts.h"

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

bool errands_out(const struct member *m) {
	return m->memory.job.out || m->count.job.out || m->close.job.out || m->proof.job.out;
}

static void memory_done(struct job *job) {
	struct member *m = MEMBER_OF(job, memory);
	if (!member_came_back(m))
		return;
	struct herd_event event = { .kind = HERD_READ, .error = m->memory.error };
	event.read.memory = m->read;
	event.read.took_usec = m->read_usec;
	member_report(m, event);
}

static void report_alive(struct member *m) {
	m->count_alive = false;
	if (m->count.error == 0 && m->traffic != m->last_traffic)
		member_report(m, (struct herd_event){ .kind = HERD_ALIVE });
	m->last_traffic = m->traffic;
}

static void report_count(struct member *m, int error) {
	struct herd_event event = { .kind = HERD_COUNTED, .error = error };
	event.counted.open = (int)m->counted.open;
	event.counted.busy = (int)m->counted.busy;
	event.counted.silent = (int)m->counted.silent;
	member_report(m, event);
}

static void count_done(struct job *job) {
	struct member *m = MEMBER_OF(job, count);
	if (!member_came_back(m))
		return;
	if (m->count_alive)
		report_alive(m);
	report_count(m, m->count.error);
	if (m->close_waits) /* last: from then on the looks are the thread's again */
		member_half_close(m, m->which);
}

static void close_done(struct job *job) {
	struct member *m = MEMBER_OF(job, close);
	if (!member_came_back(m))
		return;
	if (m->closed.error == 0)
		report_count(m, 0);
	struct herd_event event = { .kind = HERD_HALF_CLOSED,
				    .error = m->closed.closed > 0 ? 0 : m->closed.error,
				    .number = m->closed.closed };
	event.left = (int)m->closed.left;
	event.text = m->closed.error != 0 ? strerror(m->closed.error) : NULL;
	member_report(m, event);
}

static void proof_done(struct job *job) {
	struct member *m = MEMBER_OF(job, proof);
	if (!member_came_back(m))
		return;
	struct herd_event event = { .kind = HERD_ALLOCATOR };
	event.allocator = &m->allocator;
	member_report(m, event);
}

void errands_init(struct member *m) {
	m->memory.job = (struct job){ .run = run_memory, .done = memory_done };
	m->count.job = (struct job){ .run = run_count, .done = count_done };
	m->close.job = (struct job){ .run = run_close, .done = close_done };
	m->proof.job = (struct job){ .run = run_proof, .done = proof_done };
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
