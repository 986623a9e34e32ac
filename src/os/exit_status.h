/*
 * How a process ended that isn't our child: whoever reaps it gets its status, and since Linux 6.15
 * the kernel keeps it for those who hold a pidfd, too.
 */
#pragma once

#include <signal.h>
#include <stddef.h>

#include "util/base.h"

/*
 * `status` is that of waitpid(2). `pidfd` must have been opened before the process was reaped.
 * 0, or -errno with it untouched: -EAGAIN as long as it isn't reaped (or lives), -ENOTSUP where the
 * kernel doesn't tell: it is older, or the process belongs to another pid namespace.
 */
NODISCARD int exit_status(int pidfd, int *status);

/* waitid(2)'s way to say it, in waitpid(2)'s. */
int exit_status_of(const siginfo_t *info);

/* For a person: `exit status 3`, `SIGKILL`. */
void exit_status_print(int status, char *text, size_t size);
