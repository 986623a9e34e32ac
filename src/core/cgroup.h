/*
 * Where the memory limits of a process lie in the tree of control groups, and what they say.
 *
 * Pure: understands /proc/PID/cgroup, /proc/PID/mountinfo (cgroups(7), proc(5)) and the limit
 * files themselves. v1, v2 and hybrid trees: what counts is which of them has the memory
 * controller.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/base.h"

enum cgroup_version { CGROUP_V1, CGROUP_V2 };

struct cgroup {
	enum cgroup_version version;
	size_t top;           /* bytes of `directory` that are the mount point: the chain's end */
	char directory[4096]; /* absolute; of the process's own group, as mounted here */
};

/* 0, or -ENOENT with `cgroup` untouched: no memory controller is to be seen from here. */
NODISCARD int cgroup_find(const char *self_cgroup, const char *mountinfo, struct cgroup *cgroup);

/* `directory` becomes its parent; false when it was the last that is to be seen from here. */
bool cgroup_up(struct cgroup *cgroup);

/* The files in each directory that may hold a limit, n = 0, 1, …; NULL when there is no more. */
const char *cgroup_limit_file(enum cgroup_version version, size_t n);

/* The limit in the text of such a file, 0 for none. 0, or -EBADMSG with `bytes` untouched. */
NODISCARD int cgroup_limit(enum cgroup_version version, const char *text, uint64_t *bytes);
