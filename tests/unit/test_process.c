#include "os/process.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite.h"
#include "util/fd.h"

/* A child that has said a byte and now reads: it goes on when it gets a byte. */
struct child {
	pid_t pid;
	int says, hears;
	struct process process;
};

static void child_says(void) {
	ck_assert_int_eq(write(STDOUT_FILENO, "x", 1), 1);
}

static void child_waits(void) {
	char byte;
	if (read(STDIN_FILENO, &byte, 1) <= 0)
		_exit(9);
}

static void hear(const struct child *c) {
	char byte;
	ck_assert_int_eq(read(c->says, &byte, 1), 1);
}

static void tell(const struct child *c) {
	ck_assert_int_eq(write(c->hears, "\n", 1), 1);
}

static struct child start(void (*life)(void)) {
	int up[2], down[2];
	ck_assert_int_eq(pipe2(up, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(down, O_CLOEXEC), 0);
	struct child c = { .says = up[0], .hears = down[1] };
	c.pid = fork();
	ck_assert_int_ge(c.pid, 0);
	if (c.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(down[0], STDIN_FILENO);
		dup2(up[1], STDOUT_FILENO);
		child_says();
		life();
		_exit(0);
	}
	close(up[1]);
	close(down[0]);
	hear(&c);
	ck_assert_int_eq(process_open(c.pid, &c.process), 0);
	return c;
}

static void await_zombie(pid_t pid) {
	siginfo_t info;
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
}

static void reap(const struct child *c) {
	ck_assert_int_eq(waitpid(c->pid, NULL, 0), c->pid);
}

static void finish(struct child *c) {
	kill(c->pid, SIGKILL);
	waitpid(c->pid, NULL, 0);
	process_close(&c->process);
	close(c->says);
	close(c->hears);
}

static char buf[8192];

START_TEST(a_living_process_can_be_read_again_and_again)
{
	struct child c = start(child_waits);
	for (int i = 0; i < 3; i++) {
		long size = 0, rss = 0;
		ssize_t n = process_read_statm(&c.process, buf, sizeof buf);
		ck_assert_int_eq(n, (ssize_t)strlen(buf));
		ck_assert_int_eq(sscanf(buf, "%ld %ld", &size, &rss), 2);
		ck_assert_int_gt(rss, 0);
		ck_assert_int_gt(process_read_status(&c.process, buf, sizeof buf), 0);
		ck_assert_ptr_nonnull(strstr(buf, "\nThreads:\t1\n"));
		ck_assert_int_gt(process_read(&c.process, "smaps_rollup", buf, sizeof buf), 0);
		ck_assert_ptr_nonnull(strstr(buf, "[rollup]"));
		ck_assert_int_gt(process_read(&c.process, "stat", buf, sizeof buf), 0);
		ck_assert_int_eq(atoi(buf), c.pid);
	}
	ck_assert_int_eq(process_read(&c.process, "nonsense", buf, sizeof buf), -ENOENT);
	finish(&c);
}
END_TEST

START_TEST(a_small_buffer_is_filled_and_terminated)
{
	struct child c = start(child_waits);
	char small[8];
	ck_assert_int_eq(process_read(&c.process, "status", small, sizeof small), 7);
	ck_assert_int_eq(process_read_status(&c.process, small, sizeof small), 7);
	ck_assert_uint_eq(strlen(small), 7);
	ck_assert_int_eq(process_read_statm(&c.process, small, 1), 0);
	ck_assert_str_eq(small, "");
	finish(&c);
}
END_TEST

static void child_ends(void) {
	child_waits();
}

START_TEST(a_zombie_has_no_memory_and_is_gone_once_reaped)
{
	struct child c = start(child_ends);
	uint64_t image;
	ck_assert_int_eq(process_image(&c.process, &image), 0);
	tell(&c);
	await_zombie(c.pid);
	ck_assert_int_gt(process_read_statm(&c.process, buf, sizeof buf), 0);
	ck_assert_str_eq(buf, "0 0 0 0 0 0 0\n");
	ck_assert_int_gt(process_read_status(&c.process, buf, sizeof buf), 0);
	ck_assert_ptr_nonnull(strstr(buf, "State:\tZ"));
	ck_assert_int_gt(process_read(&c.process, "stat", buf, sizeof buf), 0);
	ck_assert_int_le(process_read(&c.process, "smaps_rollup", buf, sizeof buf), 0);
	/* -EACCES where we are not root: without memory, all that is in /proc/PID is root's. */
	ck_assert_int_lt(process_image(&c.process, &image), 0);

	reap(&c);
	ck_assert_int_eq(process_read_statm(&c.process, buf, sizeof buf), -ESRCH);
	ck_assert_int_eq(process_read_status(&c.process, buf, sizeof buf), -ESRCH);
	ck_assert_int_eq(process_read(&c.process, "stat", buf, sizeof buf), -ESRCH);
	ck_assert_str_eq(buf, "");
	ck_assert_int_eq(process_threads(&c.process, ""), -ESRCH);
	ck_assert_int_eq(process_image(&c.process, &image), -ESRCH);
	struct process again;
	ck_assert_int_eq(process_open(c.pid, &again), -ESRCH);
	finish(&c);
}
END_TEST

START_TEST(status_is_opened_on_demand_and_not_of_the_dead)
{
	struct child c = start(child_ends);
	ck_assert_int_eq(c.process.status, -1);
	tell(&c);
	reap(&c);
	ck_assert_int_eq(process_read_status(&c.process, buf, sizeof buf), -ESRCH);
	ck_assert_int_eq(c.process.status, -1);
	finish(&c);
}
END_TEST

START_TEST(a_stopped_process_is_seen_to_be_stopped)
{
	struct child c = start(child_waits);
	siginfo_t info;
	kill(c.pid, SIGSTOP);
	ck_assert_int_eq(waitid(P_PID, (id_t)c.pid, &info, WSTOPPED), 0);
	ck_assert_int_gt(process_read_status(&c.process, buf, sizeof buf), 0);
	ck_assert_ptr_nonnull(strstr(buf, "State:\tT"));
	ck_assert_int_gt(process_read(&c.process, "smaps_rollup", buf, sizeof buf), 0);
	finish(&c);
}
END_TEST

static void child_execs(void) {
	child_waits();
	execl("/bin/sh", "sh", "-c", "echo; read line", (char *)NULL);
	_exit(1);
}

START_TEST(an_exec_is_another_image_in_the_same_process)
{
	struct child c = start(child_execs);
	uint64_t before, same, after;
	ck_assert_int_eq(process_image(&c.process, &before), 0);
	ck_assert_int_eq(process_image(&c.process, &same), 0);
	ck_assert_uint_eq(before, same);
	tell(&c);
	hear(&c);
	ck_assert_int_eq(process_image(&c.process, &after), 0);
	ck_assert_uint_ne(before, after);
	ck_assert_int_gt(process_read_statm(&c.process, buf, sizeof buf), 0);
	ck_assert_int_gt(atoi(buf), 0); /* the kept descriptor has followed */
	ck_assert_int_gt(process_read(&c.process, "smaps_rollup", buf, sizeof buf), 0);
	finish(&c);
}
END_TEST

START_TEST(a_fork_has_the_image_of_its_parent)
{
	struct child c = start(child_waits);
	struct process own;
	uint64_t parents, childs;
	ck_assert_int_eq(process_open(getpid(), &own), 0);
	ck_assert_int_eq(process_image(&own, &parents), 0);
	ck_assert_int_eq(process_image(&c.process, &childs), 0);
	ck_assert_uint_eq(parents, childs);
	process_close(&own);
	finish(&c);
}
END_TEST

static void child_is_not_dumpable(void) {
	prctl(PR_SET_DUMPABLE, 0);
	child_says();
	child_waits();
}

/* In a process without privileges; exit status 0 when all is as it should be. */
static int probe_without_rights(const struct child *c) {
	uint64_t image = 7;
	struct process p;
	if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0)
		return 1;
	if (process_open(c->pid, &p) != 0)
		return 2;
	if (process_read_statm(&p, buf, sizeof buf) <= 0 || atoi(buf) == 0)
		return 3;
	if (process_read_status(&p, buf, sizeof buf) <= 0)
		return 4;
	if (process_read(&p, "smaps_rollup", buf, sizeof buf) != -EACCES)
		return 5;
	return process_image(&p, &image) == -EACCES && image == 7 ? 0 : 6;
}

START_TEST(without_rights_there_is_only_the_cheap_reading)
{
	struct child c = start(child_is_not_dumpable);
	hear(&c);
	pid_t prober = fork();
	if (prober == 0)
		_exit(probe_without_rights(&c));
	int status;
	ck_assert_int_eq(waitpid(prober, &status, 0), prober);
	ck_assert_int_eq(status, 0);
	finish(&c);
}
END_TEST

static void *named_thread(void *name) {
	prctl(PR_SET_NAME, name);
	child_says();
	for (;;)
		pause();
	return NULL;
}

static void child_has_threads(void) {
	static char names[][16] = { "puma srv tp 001", "puma srv tp 002", "puma reactor" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		pthread_t thread;
		if (pthread_create(&thread, NULL, named_thread, names[i]) != 0)
			_exit(1);
	}
	child_waits();
}

START_TEST(threads_are_counted_by_how_their_names_start)
{
	struct child c = start(child_has_threads);
	for (int i = 0; i < 3; i++)
		hear(&c);
	ck_assert_int_eq(process_threads(&c.process, "puma srv"), 2);
	ck_assert_int_eq(process_threads(&c.process, "puma"), 3);
	ck_assert_int_eq(process_threads(&c.process, ""), 4);
	ck_assert_int_eq(process_threads(&c.process, "srv"), 0);
	ck_assert_int_eq(process_threads(&c.process, "puma reactor\n"), 1);
	ck_assert_int_eq(process_threads(&c.process, "puma srv\n"), 0);
	finish(&c);
}
END_TEST

START_TEST(a_closed_handle_may_be_closed_again)
{
	struct process p = PROCESS_NONE;
	process_close(&p);
	ck_assert_int_eq(process_open(getpid(), &p), 0);
	process_close(&p);
	ck_assert_int_eq(p.dir, -1);
	process_close(&p);
	ck_assert_int_eq(process_open(0x7fffffff, &p), -ESRCH);
}
END_TEST

SUITE("process", a_living_process_can_be_read_again_and_again,
      a_small_buffer_is_filled_and_terminated, a_zombie_has_no_memory_and_is_gone_once_reaped,
      status_is_opened_on_demand_and_not_of_the_dead, a_stopped_process_is_seen_to_be_stopped,
      an_exec_is_another_image_in_the_same_process, a_fork_has_the_image_of_its_parent,
      without_rights_there_is_only_the_cheap_reading, threads_are_counted_by_how_their_names_start,
      a_closed_handle_may_be_closed_again)
