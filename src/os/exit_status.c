#include "os/exit_status.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

/* Of linux/pidfd.h since 6.15, under names of our own: older headers lack them, newer ones don't. */
struct info {
	uint64_t mask; /* in: what is asked for; out: what is told */
	uint64_t cgroup_id;
	uint32_t ids[11];
	int32_t exit_code;
};

static_assert(sizeof(struct info) == 64, "the size is part of the request's number");

#define GET_INFO  _IOWR(0xff, 11, struct info)
#define INFO_EXIT (1u << 3)

/*
 * Without this bit a reaped process gives ESRCH; a kernel of 6.13 or 6.14 knows the request, but
 * not the bit, and before there was no such request (ENOTTY, or EINVAL).
 */
int exit_status(int pidfd, int *status) {
	struct info info = { .mask = INFO_EXIT };
	if (ioctl(pidfd, GET_INFO, &info) != 0)
		return errno == EBADF ? -EBADF : -ENOTSUP;
	if ((info.mask & INFO_EXIT) == 0)
		return -EAGAIN;
	*status = info.exit_code;
	return 0;
}

int exit_status_of(const siginfo_t *info) {
	if (info->si_code == CLD_EXITED)
		return W_EXITCODE(info->si_status, 0);
	return info->si_status | (info->si_code == CLD_DUMPED ? WCOREFLAG : 0);
}

void exit_status_print(int status, char *text, size_t size) {
	if (WIFEXITED(status)) {
		snprintf(text, size, "exit status %d", WEXITSTATUS(status));
		return;
	}
	const char *name = sigabbrev_np(WTERMSIG(status));
	snprintf(text, size, "SIG%s%s", name != NULL ? name : "?",
		 WCOREDUMP(status) ? ", core dumped" : "");
}
