#include "os/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>

#include "util/fd.h"

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

int lock_take(int dir_fd, const char *name, pid_t *holder) {
	*holder = 0;
	AUTOCLOSE int fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		int error = errno;
		*holder = read_pid(fd);
		return -error;
	}
	write_pid(fd);
	return fd_take(&fd);
}
