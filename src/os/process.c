#include "os/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "os/text_file.h"
#include "util/fd.h"

int process_open(int pid, struct process *p) {
	char path[32];
	snprintf(path, sizeof path, "/proc/%d", pid);
	AUTOCLOSE int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int statm = dir < 0 ? -1 : openat(dir, "statm", O_RDONLY | O_CLOEXEC);
	if (statm < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	*p = (struct process){ .pid = pid, .dir = fd_take(&dir), .statm = statm, .status = -1 };
	return 0;
}

void process_close(struct process *p) {
	fd_close(&p->status);
	fd_close(&p->statm);
	fd_close(&p->dir);
}

/*
 * The kernel says ESRCH, but ENOENT when the process goes in the middle of the lookup: that must
 * not pass for a kernel that lacks the file, which is for good.
 */
static int explain(const struct process *p, int error) {
	char byte;
	if (error == ENOENT && pread(p->statm, &byte, 1, 0) < 0 && errno == ESRCH)
		return -ESRCH;
	return -error;
}

ssize_t process_read_statm(const struct process *p, char *buf, size_t size) {
	return text_read_once(p->statm, buf, size);
}

ssize_t process_read_status(struct process *p, char *buf, size_t size) {
	if (p->status < 0) {
		p->status = openat(p->dir, "status", O_RDONLY | O_CLOEXEC);
		if (p->status < 0)
			return explain(p, errno);
	}
	return text_read_once(p->status, buf, size);
}

ssize_t process_read(const struct process *p, const char *name, char *buf, size_t size) {
	ssize_t n = text_read_at(p->dir, name, buf, size);
	return n < 0 ? explain(p, (int)-n) : n;
}

static bool thread_matches(int task, const char *tid, const char *prefix) {
	char path[32], comm[64];
	snprintf(path, sizeof path, "%.20s/comm", tid);
	/* A thread that ended meanwhile doesn't count. */
	return text_read_at(task, path, comm, sizeof comm) > 0 &&
	       strncmp(comm, prefix, strlen(prefix)) == 0;
}

int process_threads(const struct process *p, const char *prefix) {
	int fd = openat(p->dir, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return explain(p, errno);
	DIR *task = fdopendir(fd);
	if (task == NULL) {
		close(fd);
		return -ENOMEM;
	}
	int n = 0;
	for (struct dirent *entry; (entry = readdir(task)) != NULL;) {
		if (entry->d_name[0] != '.' && thread_matches(fd, entry->d_name, prefix))
			n++;
	}
	closedir(task);
	return n;
}

/* FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint64_t hash(const char *bytes, size_t n) {
	uint64_t h = 14695981039346656037u;
	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)bytes[i]) * 1099511628211u;
	return h;
}

int process_image(const struct process *p, uint64_t *image) {
	char auxv[1024];
	ssize_t n = process_read(p, "auxv", auxv, sizeof auxv);
	if (n < 0)
		return (int)n;
	if (n == 0)
		return -ESRCH; /* a zombie, on older kernels */
	/* The new memory is there, its vector not yet: only the pair that ends it. */
	if ((size_t)n <= 2 * sizeof(long))
		return -EAGAIN;
	*image = hash(auxv, (size_t)n);
	return 0;
}
