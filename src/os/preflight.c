#include "os/preflight.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/clock.h"
#include "util/fd.h"
#include "util/heap.h"

/* The line as far as it has come. */
struct line {
	char *text;
	size_t len;
	bool whole;
};

/* 0: go on or whole; -ENODATA: nobody is left who could write; another -errno. */
static int read_more(int fd, struct line *line) {
	ssize_t n = read(fd, line->text + line->len, PREFLIGHT_TOLD - line->len);
	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -errno;
	if (n == 0)
		return -ENODATA;
	char *end = memchr(line->text + line->len, '\n', (size_t)n);
	line->len += (size_t)n;
	if (end != NULL) {
		*end = '\0';
		line->whole = true;
		return 0;
	}
	return line->len == PREFLIGHT_TOLD ? -EMSGSIZE : 0;
}

/*
 * The pidfd is watched beside the pipe: a program that ends while a child of its own keeps the
 * pipe open would otherwise cost the whole patience. And a signal that ends us.
 */
static int wait_for_line(int fd, int pidfd, int stopped, msec_t until, struct line *line) {
	struct pollfd sources[] = { { .fd = fd, .events = POLLIN },
				    { .fd = pidfd, .events = POLLIN },
				    { .fd = stopped, .events = POLLIN } };
	while (!line->whole) {
		msec_t left = until - clock_now();
		if (left <= 0)
			return -ETIMEDOUT;
		int n = poll(sources, ARRAY_LEN(sources), (int)msec_min(left, INT_MAX));
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n <= 0)
			continue;
		if (sources[2].revents != 0)
			return -ECANCELED;
		int error = sources[0].revents != 0 ? read_more(fd, line) : -ENODATA;
		if (error != 0)
			return error;
	}
	return 0;
}

static int end_group(const struct spawned *child) {
	int status = 0;
	kill(-child->pid, SIGKILL); /* it leads its group; not reaped, so the number is still its */
	while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

/* One that has ended by itself must tell its own status, not our SIGKILL. */
static int finish(const struct spawned *child, int error) {
	struct pollfd ended = { .fd = child->pidfd, .events = POLLIN };
	if (error == -ENODATA)
		poll(&ended, 1, 1000);
	return end_group(child);
}

static void read_tail(int fd, char *tail) {
	struct stat st;
	off_t room = PREFLIGHT_ENOUGH - 1;
	if (fstat(fd, &st) != 0)
		return;
	ssize_t n = pread(fd, tail, (size_t)room, st.st_size > room ? st.st_size - room : 0);
	tail[n > 0 ? n : 0] = '\0';
}

/* Those that end us; one that is ignored (nohup) does not, nor one that waits for somebody else. */
static sigset_t enders(void) {
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	sigset_t set, held;
	sigemptyset(&set);
	sigprocmask(SIG_BLOCK, NULL, &held);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		struct sigaction now;
		if (sigaction(signals[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN &&
		    !sigismember(&held, signals[i]))
			sigaddset(&set, signals[i]);
	}
	return set;
}

static int look(const struct spawn *program, int output, int stopped, msec_t patience,
		struct line *line, struct preflight *result, enum spawn_step *failed) {
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) != 0)
		return -errno;
	AUTOCLOSE int reading = ends[0];
	AUTOCLOSE int writing = ends[1];

	struct spawn spawn = *program;
	spawn.fds = &writing;
	spawn.n_fds = 1;
	spawn.output = output;
	spawn.dies_with_us = true; /* nobody would end it after a SIGKILL */
	msec_t until = clock_now() + patience;
	struct spawned child;
	int error = spawn_start(&spawn, &child, failed);
	if (error != 0)
		return error;
	AUTOCLOSE int pidfd = child.pidfd;
	fd_close(&writing);
	result->pid = child.pid;
	error = wait_for_line(reading, pidfd, stopped, until, line);
	result->status = finish(&child, error);
	return error;
}

/*
 * What is looked at has a session of its own, so a Ctrl-C meets us only, and to die with us takes
 * no more than the leader: what it has started would stay. So the signal waits until the group is
 * ended, and takes effect when the mask is as it was.
 */
static int look_undisturbed(const struct spawn *program, int output, msec_t patience,
			    struct line *line, struct preflight *result, enum spawn_step *failed) {
	sigset_t before, set = enders();
	sigprocmask(SIG_BLOCK, &set, &before);
	int stopped = signalfd(-1, &set, SFD_CLOEXEC); /* -1 is passed over by poll() */
	int error = look(program, output, stopped, patience, line, result, failed);
	fd_close(&stopped);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return error;
}

int preflight_run(const struct spawn *program, msec_t patience, struct preflight *result,
		  enum spawn_step *failed) {
	*result = (struct preflight){ 0 };
	*failed = SPAWN_FORK;
	AUTOFREE char *text = malloc(PREFLIGHT_TOLD);
	/* A file, not a pipe: nobody has to read it for the program to go on. */
	AUTOCLOSE int output = memfd_create("preflight", MFD_CLOEXEC);
	if (text == NULL || output < 0)
		return text == NULL ? -ENOMEM : -errno;

	struct line line = { .text = text };
	int error = look_undisturbed(program, output, patience, &line, result, failed);
	read_tail(output, result->output);
	if (error != 0)
		return error;
	result->told = text;
	text = NULL;
	return 0;
}
