#include "os/socket_inodes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "util/fd.h"

static int add(struct socket_inodes *s, uint64_t inode, int fd) {
	if (s->len == s->size) {
		size_t size = s->size == 0 ? 64 : 2 * s->size;
		uint64_t *inodes = reallocarray(s->inodes, size, sizeof *inodes);
		if (inodes == NULL)
			return -ENOMEM;
		s->inodes = inodes;
		int *fds = reallocarray(s->fds, size, sizeof *fds);
		if (fds == NULL)
			return -ENOMEM;
		s->fds = fds;
		s->size = size;
	}
	s->inodes[s->len] = inode;
	s->fds[s->len++] = fd;
	return 0;
}

/* `socket:[123]`: 123; anything else: 0. */
static uint64_t inode_of(int dir, const char *name) {
	static const char prefix[] = "socket:[";
	char target[64];
	ssize_t n = readlinkat(dir, name, target, sizeof target - 1);
	if (n <= 0)
		return 0;
	target[n] = '\0';
	if (strncmp(target, prefix, sizeof prefix - 1) != 0)
		return 0;
	return strtoull(target + sizeof prefix - 1, NULL, 10);
}

static void close_directory(DIR **dir) {
	if (*dir != NULL)
		closedir(*dir);
}

int socket_inodes_read(int proc_dir, struct socket_inodes *sockets) {
	sockets->len = 0;
	AUTOCLOSE int fd = openat(proc_dir, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	CLEANUP(close_directory) DIR *dir = fdopendir(fd);
	if (dir == NULL)
		return -errno;
	int inside = fd_take(&fd); /* the directory's now */

	for (;;) {
		errno = 0;
		const struct dirent *entry = readdir(dir);
		if (entry == NULL)
			return -errno;
		if (entry->d_name[0] == '.')
			continue;
		errno = 0;
		uint64_t inode = inode_of(inside, entry->d_name);
		/* The directory may be listed by its owner, its links only be read by a tracer. */
		if (inode == 0 && errno == EACCES)
			return -EACCES;
		int error = inode == 0 ? 0 : add(sockets, inode, atoi(entry->d_name));
		if (error != 0)
			return error;
	}
}

void socket_inodes_finish(struct socket_inodes *sockets) {
	free(sockets->inodes);
	free(sockets->fds);
	*sockets = (struct socket_inodes){ 0 };
}
