#include "daemon/reader.h"

#include <errno.h>
#include <ev.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define STACK_BYTES ((size_t)128 * 1024)

struct queue {
	struct job *first, **end;
};

struct reader {
	struct ev_loop *loop;
	ev_async back;
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t work;  /* something waits, or leaving */
	struct queue waiting, finished;
	bool leaving;
};

static void queue_init(struct queue *q) {
	*q = (struct queue){ .end = &q->first };
}

static void queue_push(struct queue *q, struct job *job) {
	job->next = NULL;
	*q->end = job;
	q->end = &job->next;
}

static struct job *queue_pop(struct queue *q) {
	struct job *job = q->first;
	if (job == NULL)
		return NULL;
	q->first = job->next;
	if (q->first == NULL)
		q->end = &q->first;
	return job;
}

static struct job *queue_take_all(struct queue *q) {
	struct job *first = q->first;
	queue_init(q);
	return first;
}

/* Once we are leaving the loop may be gone: it is not woken, and nothing is put on its list. */
static void *life(void *arg) {
	struct reader *r = arg;
	pthread_mutex_lock(&r->lock);
	while (!r->leaving) {
		struct job *job = queue_pop(&r->waiting);
		if (job == NULL) {
			pthread_cond_wait(&r->work, &r->lock);
			continue;
		}
		pthread_mutex_unlock(&r->lock);
		job->run(job);
		pthread_mutex_lock(&r->lock);
		queue_push(&r->finished, job);
		if (!r->leaving)
			ev_async_send(r->loop, &r->back);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

static void on_back(struct ev_loop *loop UNUSED, ev_async *w, int revents UNUSED) {
	struct reader *r = container_of(w, struct reader, back);
	pthread_mutex_lock(&r->lock);
	struct job *job = queue_take_all(&r->finished);
	pthread_mutex_unlock(&r->lock);
	while (job != NULL) {
		struct job *next = job->next; /* done() may submit it again, or free it */
		job->out = false;
		job->done(job);
		job = next;
	}
}

/* The thread inherits our mask: every signal is the loop's. */
static int start(struct reader *r) {
	sigset_t all, before;
	pthread_attr_t attr;
	int error = pthread_attr_init(&attr);
	if (error != 0)
		return error;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_attr_setstacksize(&attr, STACK_BYTES);
	if (error == 0)
		error = pthread_create(&r->thread, &attr, life, r);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (error == 0)
		pthread_setname_np(r->thread, "reader");
	return error;
}

struct reader *reader_create(struct ev_loop *loop) {
	struct reader *r = calloc(1, sizeof *r);
	if (r == NULL)
		return NULL;
	r->loop = loop;
	queue_init(&r->waiting);
	queue_init(&r->finished);
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->work, NULL);
	ev_async_init(&r->back, on_back);
	ev_async_start(loop, &r->back);
	int error = start(r);
	if (error == 0)
		return r;
	ev_async_stop(loop, &r->back);
	free(r);
	errno = error;
	return NULL;
}

bool reader_submit(struct reader *r, struct job *job) {
	if (job->out)
		return false;
	job->out = true;
	pthread_mutex_lock(&r->lock);
	queue_push(&r->waiting, job);
	pthread_cond_signal(&r->work);
	pthread_mutex_unlock(&r->lock);
	return true;
}

static void give_back(struct queue *q) {
	for (struct job *job; (job = queue_pop(q)) != NULL;)
		job->out = false;
}

/* On the monotonic clock: setting the other must not lengthen it. */
static bool join(struct reader *r, msec_t patience) {
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	msec_t msec = until.tv_nsec / 1000000 + patience;
	until.tv_sec += msec / 1000;
	until.tv_nsec = msec % 1000 * 1000000;
	return pthread_clockjoin_np(r->thread, NULL, CLOCK_MONOTONIC, &until) == 0;
}

bool reader_destroy(struct reader *r, msec_t patience) {
	if (r == NULL)
		return true;
	pthread_mutex_lock(&r->lock);
	r->leaving = true;
	pthread_cond_signal(&r->work);
	pthread_mutex_unlock(&r->lock);
	bool joined = join(r, patience);

	ev_async_stop(r->loop, &r->back);
	pthread_mutex_lock(&r->lock);
	give_back(&r->waiting);
	give_back(&r->finished);
	pthread_mutex_unlock(&r->lock);
	if (!joined) {
		/* In the kernel, perhaps for ever; what it comes back to has to be there. */
		pthread_detach(r->thread);
		return false;
	}
	pthread_cond_destroy(&r->work);
	pthread_mutex_destroy(&r->lock);
	free(r);
	return true;
}
