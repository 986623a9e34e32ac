#include "os/unit_processes.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/text_file.h"

#define SUFFIX ".service"

/* `0::PATH` is cgroup v2's, `N:name=systemd:PATH` v1's; where they are mounted by systemd. */
static const struct hierarchy {
	const char *line, *mount;
} hierarchies[] = {
	{ "0::", "sys/fs/cgroup" },
	{ "0::", "sys/fs/cgroup/unified" },
	{ ":name=systemd:", "sys/fs/cgroup/systemd" },
};

static bool path_of(const char *cgroups, const struct hierarchy *h, char *path, size_t size) {
	const char *at = cgroups;
	size_t skip = strlen(h->line), suffix = strlen(SUFFIX);
	if (h->line[0] == ':')
		at = strstr(cgroups, h->line);
	else
		while (at != NULL && strncmp(at, h->line, skip) != 0)
			at = (at = strchr(at, '\n')) != NULL ? at + 1 : NULL;
	if (at == NULL)
		return false;
	at += skip;
	size_t n = strcspn(at, "\n");
	return n > suffix && strncmp(at + n - suffix, SUFFIX, suffix) == 0 &&
	       (size_t)snprintf(path, size, "%s%.*s/cgroup.procs", h->mount, (int)n, at) < size;
}

static size_t read_pids(int fd, pid_t *pids, size_t max) {
	FILE *file = fdopen(fd, "r");
	size_t n = 0;
	int pid;
	while (file != NULL && n < max && fscanf(file, "%d", &pid) == 1) {
		if (pid > 1 && pid != getpid() && pid != getppid())
			pids[n++] = pid;
	}
	if (file != NULL)
		fclose(file);
	else
		close(fd);
	return n;
}

size_t unit_processes(int root_fd, pid_t *pids, size_t max) {
	char cgroups[4096], path[4500];
	if (text_read_at(root_fd, "proc/self/cgroup", cgroups, sizeof cgroups) <= 0)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(hierarchies); i++) {
		if (!path_of(cgroups, &hierarchies[i], path, sizeof path))
			continue;
		int fd = openat(root_fd, path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0)
			return read_pids(fd, pids, max);
	}
	return 0;
}
