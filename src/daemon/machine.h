/* Looks at the machine that we run on: processors, memory, and what of it we may use. */
#pragma once

#include "core/cgroup.h"
#include "core/limits.h"

/*
 * What can't be found out is 0, and `other_keepers` is left 0: only the caller knows them.
 * Reads a few small files of /proc and /sys; at start and at a reload, not on every tick.
 */
void machine_look(struct machine *m);

/* The same, where `root` is a descriptor of the directory that holds proc/ and sys/. */
void machine_look_at(int root, struct machine *m);

/* Our own group, as it is mounted below `root`. 0 or -errno: none is to be seen. */
NODISCARD int machine_find_cgroup(int root, struct cgroup *cgroup);

/* The smallest limit from there to the top, 0 for none: one file of v1, two for each level of v2. */
uint64_t machine_cgroup_limit(int root, const struct cgroup *cgroup);
