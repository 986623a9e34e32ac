#include "daemon/machine.h"

#include <errno.h>
#include <fcntl.h>

#include "core/proc.h"
#include "os/processors.h"
#include "os/text_file.h"
#include "util/fd.h"
#include "util/heap.h"

/* A host of many containers has a thousand mounts; what is beyond this is not looked at. */
#define MOUNTINFO_MAX ((size_t)256 * 1024)

static uint64_t smaller_limit(uint64_t a, uint64_t b) {
	if (a == 0 || b == 0)
		return a + b; /* 0 is none */
	return a < b ? a : b;
}

/* The files may be missing: the root group has none, nor has a group without the controller. */
static bool limit_of_group(int root, const struct cgroup *cgroup, uint64_t *smallest) {
	char path[sizeof cgroup->directory + 32], text[8192];
	const char *file;
	bool found = false;
	for (size_t n = 0; (file = cgroup_limit_file(cgroup->version, n)) != NULL; n++) {
		uint64_t limit;
		snprintf(path, sizeof path, "%s/%s", cgroup->directory + 1, file);
		if (text_read_at(root, path, text, sizeof text) <= 0 ||
		    cgroup_limit(cgroup->version, text, &limit) != 0)
			continue;
		*smallest = smaller_limit(*smallest, limit);
		found = true;
	}
	return found;
}

int machine_find_cgroup(int root, struct cgroup *cgroup) {
	char own[8192];
	AUTOFREE char *mountinfo = malloc(MOUNTINFO_MAX);
	if (mountinfo == NULL)
		return -ENOMEM;
	ssize_t n = text_read_at(root, "proc/self/cgroup", own, sizeof own);
	if (n >= 0)
		n = text_read_at(root, "proc/self/mountinfo", mountinfo, MOUNTINFO_MAX);
	return n < 0 ? (int)n : cgroup_find(own, mountinfo, cgroup);
}

/* v1's file knows the ancestors' limits; it is only missing where its group is not mounted. */
uint64_t machine_cgroup_limit(int root, const struct cgroup *cgroup) {
	struct cgroup at = *cgroup;
	uint64_t smallest = 0;
	bool found;
	do
		found = limit_of_group(root, &at, &smallest);
	while (!(found && at.version == CGROUP_V1) && cgroup_up(&at));
	return smallest;
}

void machine_look_at(int root, struct machine *m) {
	struct cgroup cgroup;
	char meminfo[8192];
	uint64_t swap = 0;
	*m = (struct machine){ .processors = processors_available() };
	if (text_read_at(root, "proc/meminfo", meminfo, sizeof meminfo) > 0 &&
	    proc_meminfo(meminfo, &m->memory_bytes, &swap) == 0)
		m->swap = swap > 0;
	if (machine_find_cgroup(root, &cgroup) == 0)
		m->cgroup_limit_bytes = machine_cgroup_limit(root, &cgroup);
}

void machine_look(struct machine *m) {
	AUTOCLOSE int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	machine_look_at(root, m);
}
