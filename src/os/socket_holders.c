#include "os/socket_holders.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "os/socket_inodes.h"
#include "util/fd.h"

static bool holds(const struct socket_inodes *sockets, uint64_t inode) {
	for (size_t i = 0; i < sockets->len; i++) {
		if (sockets->inodes[i] == inode)
			return true;
	}
	return false;
}

void socket_holders(const uint64_t *inodes, size_t n,
		    void (*found)(void *context, pid_t pid, size_t which), void *context) {
	struct socket_inodes sockets = { 0 };
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	while (proc != NULL && (entry = readdir(proc)) != NULL) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
		if (pid <= 0 || pid == getpid())
			continue;
		AUTOCLOSE int dir = openat(dirfd(proc), entry->d_name, O_PATH | O_CLOEXEC);
		if (dir < 0 || socket_inodes_read(dir, &sockets) != 0)
			continue; /* it has ended, or is none of ours */
		for (size_t i = 0; i < n; i++) {
			if (holds(&sockets, inodes[i]))
				found(context, pid, i);
		}
	}
	if (proc != NULL)
		closedir(proc);
	socket_inodes_finish(&sockets);
}
