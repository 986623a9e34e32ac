/* Who else is in the cgroup of the systemd unit that we run in. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "util/base.h"

/*
 * Up to `max` pids into `pids`, without ours; how many. 0 also where we are in no unit's own
 * group (`….service` in cgroup v2's tree, or in v1's of systemd), so that a shell's session is
 * never taken for one.
 */
size_t unit_processes(pid_t *pids, size_t max);
