#include "daemon/reader.h"

#include <errno.h>
#include <ev.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>

#include "suite.h"

/* A job that notes when it ran and when it came back; and holds the thread if it is told to. */
struct task {
	struct job job;
	int ran, came_back; /* its place in the order; 0: it didn't */
	pthread_t thread;
	sigset_t blocked;
	sem_t *started, *go;
};

static struct ev_loop *loop;
static struct reader *reader;
static int runs, returns, awaited, rounds;

static void run(struct job *job) {
	struct task *t = container_of(job, struct task, job);
	t->ran = ++runs; /* one thread, and the loop looks only after it came back */
	t->thread = pthread_self();
	pthread_sigmask(SIG_BLOCK, NULL, &t->blocked);
	if (t->started != NULL)
		sem_post(t->started);
	while (t->go != NULL && sem_wait(t->go) != 0 && errno == EINTR)
		;
}

static void done(struct job *job) {
	struct task *t = container_of(job, struct task, job);
	t->came_back = ++returns;
	if (returns == awaited)
		ev_break(loop, EVBREAK_ALL);
}

static struct task task_make(void) {
	return (struct task){ .job = { .run = run, .done = done } };
}

static void begin(void) {
	loop = ev_loop_new(EVFLAG_AUTO);
	ck_assert_ptr_nonnull(loop);
	reader = reader_create(loop);
	ck_assert_ptr_nonnull(reader);
	runs = returns = awaited = rounds = 0;
}

static void end(void) {
	ck_assert(reader_destroy(reader, 10 * MSEC_SECOND));
	ev_loop_destroy(loop);
}

START_TEST(a_hundred_jobs_come_back_in_order)
{
	static struct task tasks[100];
	begin();
	awaited = ARRAY_LEN(tasks);
	for (size_t i = 0; i < ARRAY_LEN(tasks); i++) {
		tasks[i] = task_make();
		ck_assert(reader_submit(reader, &tasks[i].job));
	}
	ev_run(loop, 0);
	for (size_t i = 0; i < ARRAY_LEN(tasks); i++) {
		ck_assert_int_eq(tasks[i].ran, (int)i + 1);
		ck_assert_int_eq(tasks[i].came_back, (int)i + 1);
		ck_assert(!tasks[i].job.out);
		ck_assert(!pthread_equal(tasks[i].thread, pthread_self()));
	}
	end();
}
END_TEST

START_TEST(the_thread_takes_no_signal)
{
	struct task t = task_make();
	begin();
	awaited = 1;
	ck_assert(reader_submit(reader, &t.job));
	ev_run(loop, 0);
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGUSR1, SIGALRM };
	sigset_t ours;
	pthread_sigmask(SIG_BLOCK, NULL, &ours);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		ck_assert(sigismember(&t.blocked, signals[i]));
		ck_assert(!sigismember(&ours, signals[i]));
	}
	end();
}
END_TEST

static void submit_again(struct job *job) {
	if (++rounds == 5)
		ev_break(loop, EVBREAK_ALL);
	else
		ck_assert(reader_submit(reader, job));
}

START_TEST(a_job_may_be_submitted_again_when_it_comes_back)
{
	struct task t = task_make();
	t.job.done = submit_again;
	begin();
	ck_assert(reader_submit(reader, &t.job));
	ev_run(loop, 0);
	ck_assert_int_eq(rounds, 5);
	ck_assert_int_eq(t.ran, 5);
	end();
}
END_TEST

START_TEST(a_job_that_is_out_is_not_taken_twice)
{
	sem_t go;
	sem_init(&go, 0, 0);
	struct task t = task_make();
	t.go = &go;
	begin();
	awaited = 1;
	ck_assert(reader_submit(reader, &t.job));
	ck_assert(!reader_submit(reader, &t.job));
	sem_post(&go);
	ev_run(loop, 0);
	ck_assert_int_eq(runs, 1);
	ck_assert(!t.job.out);
	end();
	sem_destroy(&go);
}
END_TEST

START_TEST(a_job_in_flight_is_waited_for_and_comes_back_to_nobody)
{
	sem_t started, go;
	sem_init(&started, 0, 0);
	sem_init(&go, 0, 0);
	struct task t = task_make();
	t.started = &started;
	t.go = &go;
	begin();
	ck_assert(reader_submit(reader, &t.job));
	sem_wait(&started);
	sem_post(&go);
	ck_assert(reader_destroy(reader, 10 * MSEC_SECOND));
	ck_assert_int_eq(t.came_back, 0);
	ck_assert(!t.job.out);
	ev_run(loop, EVRUN_NOWAIT);
	ck_assert_int_eq(t.came_back, 0);
	ev_loop_destroy(loop);
	sem_destroy(&started);
	sem_destroy(&go);
}
END_TEST

START_TEST(a_stuck_job_does_not_hang_the_shutdown_and_the_next_one_never_runs)
{
	/* Static, and never told to go on: the thread holds them until this program ends. */
	static sem_t started, go;
	static struct task stuck;
	struct task next = task_make();
	sem_init(&started, 0, 0);
	sem_init(&go, 0, 0);
	stuck = task_make();
	stuck.started = &started;
	stuck.go = &go;
	begin();
	ck_assert(reader_submit(reader, &stuck.job));
	ck_assert(reader_submit(reader, &next.job));
	sem_wait(&started);
	ck_assert(!reader_destroy(reader, 20));
	ck_assert(stuck.job.out);
	ck_assert(!next.job.out);
	ck_assert_int_eq(next.ran, 0);
	ev_loop_destroy(loop);
}
END_TEST

START_TEST(nothing_to_do_is_nothing_to_wait_for)
{
	begin();
	ev_run(loop, EVRUN_NOWAIT);
	end();
	ck_assert(reader_destroy(NULL, 0));
}
END_TEST

SUITE("reader", a_hundred_jobs_come_back_in_order, the_thread_takes_no_signal,
      a_job_may_be_submitted_again_when_it_comes_back, a_job_that_is_out_is_not_taken_twice,
      a_job_in_flight_is_waited_for_and_comes_back_to_nobody, nothing_to_do_is_nothing_to_wait_for,
      a_stuck_job_does_not_hang_the_shutdown_and_the_next_one_never_runs)
