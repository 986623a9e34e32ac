/*
 * A worker for tests: a child that accepts from a listener and answers. One byte from a client
 * is one step: `q` a whole request, answered by `a`; `p` a part of one, only read. It tells each
 * thing that it did by a byte on `told`, so tests wait for events: `+` accepted, the byte that it
 * read, `.` end-of-file, whereupon it closes.
 */
#pragma once

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct worker_of_sockets {
	pid_t pid;
	int pidfd, proc_dir, told;
};

static void worker_step(int client, int tell) {
	char byte = '.';
	ssize_t n = read(client, &byte, 1);
	if (n == 1 && byte == 'q')
		(void)!write(client, "a", 1);
	if (n <= 0)
		close(client);
	(void)!write(tell, n <= 0 ? "." : &byte, 1);
}

static void worker_main(int listener, int tell) {
	struct pollfd fds[64] = { { .fd = listener, .events = POLLIN } };
	nfds_t n = 1;
	for (;;) {
		poll(fds, n, -1);
		for (nfds_t i = 1; i < n; i++) {
			if (fds[i].revents == 0)
				continue;
			worker_step(fds[i].fd, tell);
			if (fcntl(fds[i].fd, F_GETFD) < 0)
				fds[i] = (struct pollfd){ .fd = -1 };
		}
		if (fds[0].revents != 0 && n < 64) {
			fds[n++] = (struct pollfd){ .fd = accept(listener, NULL, NULL),
						    .events = POLLIN };
			(void)!write(tell, "+", 1);
		}
	}
}

static struct worker_of_sockets worker_start(int listener) {
	int told[2];
	ck_assert_int_eq(pipe2(told, O_CLOEXEC), 0);
	struct worker_of_sockets w = { .pid = fork() };
	if (w.pid == 0) {
		worker_main(listener, told[1]);
		_exit(0);
	}
	ck_assert_int_gt(w.pid, 0);
	close(told[1]);
	w.told = told[0];
	w.pidfd = (int)syscall(SYS_pidfd_open, w.pid, 0);
	char path[32];
	snprintf(path, sizeof path, "/proc/%d", w.pid);
	w.proc_dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(w.proc_dir, 0);
	return w;
}

/* Waits for what the worker tells next. */
static void worker_tells(const struct worker_of_sockets *w, const char *bytes) {
	for (; *bytes != '\0'; bytes++) {
		struct pollfd p = { .fd = w->told, .events = POLLIN };
		char got = '?';
		ck_assert_int_eq(poll(&p, 1, 5000), 1);
		ck_assert_int_eq(read(w->told, &got, 1), 1);
		ck_assert_msg(got == *bytes, "the worker told %c instead of %c", got, *bytes);
	}
}

static void worker_end(struct worker_of_sockets *w) {
	kill(w->pid, SIGKILL);
	waitpid(w->pid, NULL, 0);
	close(w->pidfd);
	close(w->proc_dir);
	close(w->told);
}
