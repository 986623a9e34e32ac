#include "os/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "os/clock.h"
#include "util/fd.h"

#define LOOK_EVERY 10 /* ms */

static pid_t read_pid(int fd) {
	char digits[16] = "";
	if (pread(fd, digits, sizeof digits - 1, 0) <= 0)
		return 0;
	long pid = strtol(digits, NULL, 10);
	return pid > 0 && pid <= INT32_MAX ? (pid_t)pid : 0;
}

/* For people and for `holder`; the lock holds without it, so a full disk is no reason to fail. */
static void write_pid(int fd) {
	char digits[16];
	int n = snprintf(digits, sizeof digits, "%d\n", getpid());
	if (ftruncate(fd, 0) == 0 && pwrite(fd, digits, (size_t)n, 0) < 0)
		errno = 0;
}

/* Reaped or not: a zombie has let go of everything, and kill(2) would still find it. */
static bool is_dead(pid_t pid) {
	AUTOCLOSE int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd ended = { .fd = pidfd, .events = POLLIN };
	if (pidfd < 0)
		return errno == ESRCH;
	return poll(&ended, 1, 0) == 1;
}

/* Who holds it is read each time: another one may take it first, and lives. */
static int hold(int fd, msec_t patience, pid_t *holder) {
	msec_t until = clock_now() + patience;
	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		int error = errno;
		*holder = read_pid(fd);
		if (error != EWOULDBLOCK || *holder == 0 || !is_dead(*holder) ||
		    clock_now() >= until)
			return -error;
		poll(NULL, 0, LOOK_EVERY);
	}
	*holder = 0;
	return 0;
}

int lock_take_within(int dir_fd, const char *name, msec_t patience, pid_t *holder) {
	*holder = 0;
	AUTOCLOSE int fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	int error = hold(fd, patience, holder);
	if (error != 0)
		return error;
	(void)!fchmod(fd, 0600); /* an older version has made it readable */
	write_pid(fd);
	return fd_take(&fd);
}

int lock_take(int dir_fd, const char *name, pid_t *holder) {
	return lock_take_within(dir_fd, name, LOCK_PATIENCE, holder);
}

int lock_directory(int dir_fd, msec_t patience) {
	msec_t until = clock_now() + patience;
	while (flock(dir_fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK || clock_now() >= until)
			return -errno;
		poll(NULL, 0, LOOK_EVERY);
	}
	return 0;
}
