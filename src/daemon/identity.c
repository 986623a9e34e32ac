#include "daemon/identity.h"

#include <errno.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/proc.h"
#include "os/process.h"
#include "util/fd.h"

int identity_of_child(pid_t pid, uint64_t *start_ticks, pid_t *parent) {
	struct process process;
	struct proc_stat stat;
	char text[1024];
	int error = process_open(pid, &process);
	if (error != 0)
		return error;
	ssize_t n = process_read(&process, "stat", text, sizeof text);
	process_close(&process);
	if (n < 0)
		return (int)n;
	error = proc_stat(text, &stat);
	if (error != 0)
		return error;
	*start_ticks = stat.start_ticks;
	*parent = stat.ppid;
	return 0;
}

int identity_of(pid_t pid, uint64_t *start_ticks) {
	pid_t parent;
	return identity_of_child(pid, start_ticks, &parent);
}

/* The number may be that of a thread by now: EINVAL, since Linux 6.13 ENOENT. */
static int no_pidfd(int error) {
	return error == EINVAL || error == ENOENT ? -ESRCH : -error;
}

/* The pidfd first: what is read after it, while that process lives, is its own. */
int identity_open(pid_t pid, uint64_t start_ticks) {
	uint64_t now;
	AUTOCLOSE int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return no_pidfd(errno);
	int error = identity_of(pid, &now);
	if (error != 0 || now != start_ticks)
		return error != 0 ? error : -ESRCH;
	return fd_take(&pidfd);
}

bool identity_has_ended(int pidfd) {
	struct pollfd end = { .fd = pidfd, .events = POLLIN };
	siginfo_t info;
	return poll(&end, 1, 0) == 1 &&
	       waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG | WNOWAIT) != 0;
}
