#include "os/children.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/text_file.h"
#include "util/fd.h"

#define LIST_BYTES 8192 /* a thousand children */

static DIR *open_dir(int at, const char *path) {
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (dir == NULL)
		fd_close(&fd);
	return dir;
}

/* `1 22 333 `: appended to `list`. */
static size_t add_numbers(const char *text, pid_t *list, size_t n, size_t max) {
	char *end;
	for (; n < max; text = end) {
		long pid = strtol(text, &end, 10);
		if (end == text)
			break;
		list[n++] = (pid_t)pid;
	}
	return n;
}

/* Of all threads. -ENOENT: the kernel doesn't tell. A thread that ended meanwhile has none. */
static ssize_t of_threads(DIR *tasks, pid_t *list, size_t max) {
	const struct dirent *entry;
	char path[300], text[LIST_BYTES];
	size_t n = 0;
	bool told = false;
	while ((entry = readdir(tasks)) != NULL) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof path, "%s/children", entry->d_name);
		if (text_read_at(dirfd(tasks), path, text, sizeof text) < 0)
			continue;
		told = true;
		n = add_numbers(text, list, n, max);
	}
	return told ? (ssize_t)n : -ENOENT;
}

ssize_t children_of(pid_t pid, pid_t *list, size_t max) {
	char path[40];
	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	DIR *tasks = open_dir(AT_FDCWD, path);
	if (tasks == NULL)
		return errno == ENOENT ? -ESRCH : -errno;
	ssize_t n = of_threads(tasks, list, max);
	closedir(tasks);
	return n == -ENOENT ? children_by_parent(pid, list, max) : n;
}

/* Field 4 of /proc/PID/stat, behind the name, which may hold anything. */
static pid_t parent_of(int proc, const char *name) {
	char path[300], text[1024];
	int parent = 0;
	snprintf(path, sizeof path, "%s/stat", name);
	if (text_read_at(proc, path, text, sizeof text) < 0)
		return 0;
	const char *behind = strrchr(text, ')');
	return behind != NULL && sscanf(behind, ") %*c %d", &parent) == 1 ? (pid_t)parent : 0;
}

ssize_t children_by_parent(pid_t pid, pid_t *list, size_t max) {
	DIR *proc = open_dir(AT_FDCWD, "/proc");
	const struct dirent *entry;
	size_t n = 0;
	if (proc == NULL)
		return -errno;
	while (n < max && (entry = readdir(proc)) != NULL) {
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    parent_of(dirfd(proc), entry->d_name) == pid)
			list[n++] = (pid_t)atoi(entry->d_name);
	}
	closedir(proc);
	return (ssize_t)n;
}
