/*
 * Which process a pid means: the kernel gives numbers anew, but not with the same start time
 * (field 22 of /proc/PID/stat) within one boot.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/base.h"

/* 0, or -errno: -ESRCH when there is none (any more). */
NODISCARD int identity_of(pid_t pid, uint64_t *start_ticks);

/* The same, and whose child it is. */
NODISCARD int identity_of_child(pid_t pid, uint64_t *start_ticks, pid_t *parent);

/*
 * A pidfd (CLOEXEC, the caller's) of the process that had that pid and start time: -ESRCH when it
 * is gone and reaped, whoever has its number now; or another -errno, which says nothing of it: we
 * have no descriptors, or no memory.
 */
NODISCARD int identity_open(pid_t pid, uint64_t start_ticks);

/* Has it ended, with nothing to tell any more? The end of a child of ours has yet to be told. */
bool identity_has_ended(int pidfd);
