/* Who else is in the cgroup of the systemd unit that we run in. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "util/base.h"

/*
 * Up to `max` pids into `pids`, but not us nor who has started us; how many. 0 also where we are in
 * no unit's own group (`….service` in cgroup v2's tree, or in v1's of systemd), so that a shell's
 * session is never taken for one. `root_fd` is `/`.
 */
size_t unit_processes(int root_fd, pid_t *pids, size_t max);
