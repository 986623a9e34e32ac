/* The children of a process, of whichever of its threads. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "util/base.h"

/*
 * At most `max` of them in `list`, zombies as well; how many, or -errno: -ESRCH when it is gone.
 * Not a snapshot: one that is forked meanwhile may be missing, so absence proves nothing. Where the
 * kernel has no /proc/PID/task/TID/children (CONFIG_PROC_CHILDREN), every process is asked for its
 * parent.
 */
NODISCARD ssize_t children_of(pid_t pid, pid_t *list, size_t max);

/* The second way, whatever the kernel has. */
NODISCARD ssize_t children_by_parent(pid_t pid, pid_t *list, size_t max);
