#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/member.h"
#include "os/exit_status.h"
#include "suite.h"
#include "util/fd.h"

static struct ev_loop *loop;
static struct member_owner owner;
static struct herd_event last;
static char how[64];
static unsigned reports;

static void on_report(void *context UNUSED, const struct herd_event *event) {
	last = *event;
	if (event->text != NULL)
		snprintf(how, sizeof how, "%s", event->text);
	reports++;
	ev_break(loop, EVBREAK_ALL);
}

static void begin(bool ends_groups) {
	loop = ev_loop_new(0);
	reports = 0;
	how[0] = '\0';
	owner = (struct member_owner){ .loop = loop,
				       .ends_groups = ends_groups,
				       .report = on_report };
}

/* A worker that is the child of another one of ours, which reaps it when it is told to. */
struct family {
	pid_t parent, worker;
	int says, hears;
	struct member *member;
};

static void life_of_worker(int alive) {
	signal(SIGTERM, SIG_DFL); /* Check's would end us all */
	signal(SIGALRM, SIG_DFL);
	setpgid(0, 0);
	pid_t helper = fork();
	alarm(20); /* when a test fails nobody else would end them */
	if (helper == 0)
		for (;;)
			pause();
	pid_t self = getpid();
	(void)!write(alive, &self, sizeof self);
	for (;;)
		pause();
}

static void life_of_parent(int says, int hears, int alive) {
	char byte;
	pid_t worker = fork();
	if (worker == 0) {
		close(says);
		life_of_worker(alive);
	}
	close(alive);
	while (read(hears, &byte, 1) == 1 && waitpid(worker, NULL, 0) == worker)
		(void)!write(says, "r", 1);
	_exit(0);
}

/* `*alive` ends when the worker and its helper have. */
static struct family start(int *alive) {
	int up[2], down[2], life[2];
	ck_assert_int_eq(pipe2(up, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(down, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(life, O_CLOEXEC), 0);
	struct family f = { .says = up[0], .hears = down[1], .parent = fork() };
	if (f.parent == 0) {
		close(down[1]);
		life_of_parent(up[1], down[0], life[1]);
	}
	close(up[1]);
	close(down[0]);
	close(life[1]);
	*alive = life[0];
	ck_assert_int_eq(read(*alive, &f.worker, sizeof f.worker), (ssize_t)sizeof f.worker);
	int pidfd = (int)syscall(SYS_pidfd_open, f.worker, 0);
	f.member = member_create(&owner, 7, f.worker, pidfd, "");
	ck_assert_ptr_nonnull(f.member);
	return f;
}

static void reap(const struct family *f) {
	char byte;
	ck_assert_int_eq(write(f->hears, "x", 1), 1);
	ck_assert_int_eq(read(f->says, &byte, 1), 1);
}

static void finish(struct family *f) {
	ck_assert(member_forget(f->member));
	ev_loop_destroy(loop);
	fd_close(&f->hears);
	fd_close(&f->says);
	waitpid(f->parent, NULL, 0);
}

static void ended(int alive) {
	struct pollfd p = { .fd = alive, .events = POLLIN };
	ck_assert_int_eq(poll(&p, 1, 5000), 1);
	close(alive);
}

/* Before 6.9 a stranger's group is left alone: its number may be somebody else's. */
static void its_group_ended(const struct family *f, int alive) {
	AUTOCLOSE int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
	if (syscall(SYS_pidfd_send_signal, self, 0, NULL, 1u << 2) != 0 && errno == EINVAL)
		kill(-f->worker, SIGKILL);
	ended(alive);
}

static void await_end(const struct family *f) {
	struct pollfd p = { .fd = f->member->pidfd, .events = POLLIN };
	ck_assert_int_eq(poll(&p, 1, 5000), 1);
}

/* As before 6.15: what can't be known is said to be unknown. */
static bool kernel_tells(const struct family *f) {
	int status;
	return exit_status(f->member->pidfd, &status) != -ENOTSUP;
}

START_TEST(a_strangers_child_tells_how_it_ended_when_its_parent_has_reaped_it)
{
	static const bool reaped_before[] = { true, false };
	for (size_t i = 0; i < ARRAY_LEN(reaped_before); i++) {
		int alive;
		begin(true);
		struct family f = start(&alive);
		ck_assert(!f.member->is_child);
		member_signal(f.member, SIGTERM);
		await_end(&f);
		if (reaped_before[i])
			reap(&f);
		else
			ev_run(loop, EVRUN_NOWAIT); /* and is told to look again */
		bool tells = kernel_tells(&f);
		if (!reaped_before[i]) {
			ck_assert_uint_eq(reports, tells ? 0 : 1);
			reap(&f);
		}
		if (reports == 0)
			ev_run(loop, 0);
		ck_assert_uint_eq(reports, 1);
		ck_assert_int_eq(last.kind, HERD_EXITED);
		ck_assert_uint_eq(last.worker, 7);
		ck_assert_int_eq((int)last.number, tells ? SIGTERM : 0);
		ck_assert_str_eq(how, tells ? "SIGTERM" : "status unknown");
		its_group_ended(&f, alive);                      /* it never served */
		ck_assert_int_eq(ev_run(loop, EVRUN_NOWAIT), 0); /* no watcher is left */
		finish(&f);
	}
}
END_TEST

START_TEST(one_that_nobody_reaps_is_given_up)
{
	int alive;
	begin(true);
	struct family f = start(&alive);
	member_signal(f.member, SIGKILL);
	ev_run(loop, 0);
	ck_assert_uint_eq(reports, 1);
	ck_assert_int_eq(last.kind, HERD_EXITED);
	ck_assert_int_eq((int)last.number, 0);
	ck_assert_str_eq(how, "status unknown");
	reap(&f);
	its_group_ended(&f, alive);
	finish(&f);
}
END_TEST

START_TEST(a_child_tells_at_once)
{
	static const struct {
		int status, signal;
		const char *how;
	} rows[] = { { 3, 0, "exit status 3" }, { 0, SIGKILL, "SIGKILL" } };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		begin(false);
		pid_t pid = fork();
		if (pid == 0) {
			if (rows[i].signal != 0)
				kill(getpid(), rows[i].signal);
			_exit(rows[i].status);
		}
		int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
		struct member *m = member_create(&owner, 1, pid, pidfd, "");
		ck_assert(m->is_child);
		ev_run(loop, 0);
		ck_assert_int_eq(last.kind, HERD_EXITED);
		ck_assert_int_eq((int)last.number, rows[i].signal);
		ck_assert_str_eq(how, rows[i].how);
		ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), -1); /* reaped */
		ck_assert(member_forget(m));
		ev_loop_destroy(loop);
	}
}
END_TEST

START_TEST(one_that_served_leaves_what_it_had_started)
{
	int alive;
	begin(true);
	struct family f = start(&alive);
	member_served(f.member);
	member_signal(f.member, SIGTERM);
	await_end(&f);
	reap(&f);
	ev_run(loop, 0);
	ck_assert_int_eq(last.kind, HERD_EXITED);
	ck_assert_int_eq(kill(-f.worker, 0), 0);
	kill(-f.worker, SIGKILL);
	ended(alive);
	finish(&f);
}
END_TEST

/* What the kernel does of itself: until the state is there. */
static void await_state(pid_t pid, char state) {
	char path[32], text[512] = "";
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	for (;;) {
		AUTOCLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
		ck_assert_int_gt(read(fd, text, sizeof text - 1), 0);
		const char *at = strrchr(text, ')');
		if (at != NULL && (at[2] == 'T') == (state == 'T'))
			return;
	}
}

START_TEST(a_stranger_that_is_stopped_is_noticed_by_looking)
{
	int alive;
	struct reading reading;
	begin(true);
	struct family f = start(&alive);
	ck_assert(member_read_cheap(f.member, false, &reading));
	ck_assert_uint_eq(reports, 1); /* another daemon may have left it as stopped */
	ck_assert_int_eq(last.kind, HERD_CONTINUED);
	ck_assert(member_read_cheap(f.member, false, &reading));
	ck_assert_uint_eq(reports, 1);
	kill(f.worker, SIGSTOP);
	await_state(f.worker, 'T');
	ck_assert(member_read_cheap(f.member, false, &reading));
	ck_assert(member_read_cheap(f.member, false, &reading));
	ck_assert_uint_eq(reports, 2);
	ck_assert_int_eq(last.kind, HERD_STOPPED);
	kill(f.worker, SIGCONT);
	await_state(f.worker, 'S');
	ck_assert(member_read_cheap(f.member, false, &reading));
	ck_assert_uint_eq(reports, 3);
	ck_assert_int_eq(last.kind, HERD_CONTINUED);
	member_signal(f.member, SIGKILL);
	await_end(&f);
	reap(&f);
	ev_run(loop, 0);
	its_group_ended(&f, alive);
	finish(&f);
}
END_TEST

SUITE("member_end", a_strangers_child_tells_how_it_ended_when_its_parent_has_reaped_it,
      one_that_nobody_reaps_is_given_up, a_child_tells_at_once,
      one_that_served_leaves_what_it_had_started, a_stranger_that_is_stopped_is_noticed_by_looking)
