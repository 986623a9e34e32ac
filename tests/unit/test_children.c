#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/children.h"
#include "suite.h"

static pid_t sleeper(void) {
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		pause();
		_exit(0);
	}
	return pid;
}

static void end(pid_t pid) {
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static bool has(const pid_t *list, ssize_t n, pid_t pid) {
	for (ssize_t i = 0; i < n; i++) {
		if (list[i] == pid)
			return true;
	}
	return false;
}

/* Forks from a thread of its own, which stays: the child is its, until it ends. */
struct forker {
	pid_t child;
	int done[2], end[2];
};

static void *fork_in_thread(void *context) {
	struct forker *f = context;
	char byte = 0;
	f->child = sleeper();
	ck_assert_int_eq(write(f->done[1], &byte, 1), 1);
	ck_assert_int_eq(read(f->end[0], &byte, 1), 1);
	return NULL;
}

START_TEST(children_of_every_thread_are_found_either_way)
{
	struct forker f;
	pthread_t thread;
	pid_t list[64], own = sleeper();
	char byte = 0;
	ck_assert_int_eq(pipe(f.done), 0);
	ck_assert_int_eq(pipe(f.end), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, fork_in_thread, &f), 0);
	ck_assert_int_eq(read(f.done[0], &byte, 1), 1);

	ssize_t n = children_of(getpid(), list, 64);
	ck_assert(has(list, n, own) && has(list, n, f.child));
	n = children_by_parent(getpid(), list, 64);
	ck_assert(has(list, n, own) && has(list, n, f.child));
	ck_assert(!has(list, n, getpid()));

	ck_assert_int_eq(write(f.end[1], &byte, 1), 1);
	pthread_join(thread, NULL);
	end(own);
	end(f.child);
	n = children_of(getpid(), list, 64);
	ck_assert(!has(list, n, own) && !has(list, n, f.child));
	for (int i = 0; i < 2; i++) {
		close(f.done[i]);
		close(f.end[i]);
	}
}
END_TEST

START_TEST(no_more_are_told_than_there_is_room_for)
{
	pid_t list[3] = { 0, 0, -7 }, one = sleeper(), two = sleeper(), three = sleeper();
	ck_assert_int_eq(children_of(getpid(), list, 2), 2);
	ck_assert_int_eq(list[2], -7);
	ck_assert_int_eq(children_by_parent(getpid(), list, 2), 2);
	ck_assert_int_eq(list[2], -7);
	end(one);
	end(two);
	end(three);
}
END_TEST

START_TEST(a_process_that_is_gone_is_said_to_be_gone_and_one_without_children_has_none)
{
	pid_t list[4], pid = sleeper();
	ck_assert_int_eq(children_of(pid, list, 4), 0);
	end(pid);
	ck_assert_int_eq(children_of(pid, list, 4), -ESRCH);
}
END_TEST

SUITE("children", children_of_every_thread_are_found_either_way,
      no_more_are_told_than_there_is_room_for,
      a_process_that_is_gone_is_said_to_be_gone_and_one_without_children_has_none)
