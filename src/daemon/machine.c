#include "daemon/machine.h"

#include <fcntl.h>

#include "core/cgroup.h"
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
static uint64_t limit_of_group(int root, const struct cgroup *cgroup) {
	char path[sizeof cgroup->directory + 32], text[8192];
	uint64_t smallest = 0;
	const char *file;
	for (size_t n = 0; (file = cgroup_limit_file(cgroup->version, n)) != NULL; n++) {
		uint64_t limit;
		snprintf(path, sizeof path, "%s/%s", cgroup->directory + 1, file);
		if (text_read_at(root, path, text, sizeof text) > 0 &&
		    cgroup_limit(cgroup->version, text, &limit) == 0)
			smallest = smaller_limit(smallest, limit);
	}
	return smallest;
}

static uint64_t cgroup_limit_here(int root) {
	char own[8192];
	struct cgroup cgroup;
	AUTOFREE char *mountinfo = malloc(MOUNTINFO_MAX);
	if (mountinfo == NULL || text_read_at(root, "proc/self/cgroup", own, sizeof own) < 0 ||
	    text_read_at(root, "proc/self/mountinfo", mountinfo, MOUNTINFO_MAX) < 0 ||
	    cgroup_find(own, mountinfo, &cgroup) != 0)
		return 0;
	uint64_t smallest = 0;
	do
		smallest = smaller_limit(smallest, limit_of_group(root, &cgroup));
	while (cgroup_up(&cgroup));
	return smallest;
}

void machine_look_at(int root, struct machine *m) {
	char meminfo[8192];
	uint64_t swap = 0;
	*m = (struct machine){ .processors = processors_available() };
	if (text_read_at(root, "proc/meminfo", meminfo, sizeof meminfo) > 0 &&
	    proc_meminfo(meminfo, &m->memory_bytes, &swap) == 0)
		m->swap = swap > 0;
	m->cgroup_limit_bytes = cgroup_limit_here(root);
}

void machine_look(struct machine *m) {
	AUTOCLOSE int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	machine_look_at(root, m);
}
