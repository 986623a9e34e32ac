#include "os/holders.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "os/socket_inodes.h"
#include "util/fd.h"

struct search {
	const uint64_t *inodes;
	size_t n;
	void (*found)(void *context, pid_t pid, int fd, size_t which);
	void *context;
	struct socket_inodes sockets; /* of the process that is looked at */
};

static void compare(const struct search *s, pid_t pid) {
	for (size_t i = 0; i < s->sockets.len; i++) {
		for (size_t which = 0; which < s->n; which++) {
			if (s->sockets.inodes[i] == s->inodes[which])
				s->found(s->context, pid, s->sockets.fds[i], which);
		}
	}
}

/* We are the ones who ran out of something: the others can't be looked at either. */
static bool is_ours(int error) {
	return error == -ENOMEM || error == -EMFILE || error == -ENFILE;
}

/* A process that ended meanwhile, or isn't ours to see, holds nothing. */
static int look_at(struct search *s, int proc, const char *name) {
	AUTOCLOSE int dir = openat(proc, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int error = dir < 0 ? -errno : socket_inodes_read(dir, &s->sockets);
	if (error == 0)
		compare(s, atoi(name));
	return is_ours(error) ? error : 0;
}

static int look_at_all(struct search *s, DIR *proc) {
	for (;;) {
		errno = 0;
		const struct dirent *entry = readdir(proc);
		if (entry == NULL)
			return -errno;
		if (!isdigit((unsigned char)entry->d_name[0]) || atoi(entry->d_name) == getpid())
			continue;
		int error = look_at(s, dirfd(proc), entry->d_name);
		if (error != 0)
			return error;
	}
}

int holders_find(const uint64_t *inodes, size_t n,
		 void (*found)(void *context, pid_t pid, int fd, size_t which), void *context) {
	struct search s = { .inodes = inodes, .n = n, .found = found, .context = context };
	DIR *proc = opendir("/proc"); /* CLOEXEC by itself */
	if (proc == NULL)
		return -errno;
	int error = look_at_all(&s, proc);
	socket_inodes_finish(&s.sockets);
	closedir(proc);
	return error;
}
