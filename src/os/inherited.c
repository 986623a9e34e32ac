#include "os/inherited.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "util/fd.h"

static void free_names(char ***names) {
	for (size_t i = 0; *names != NULL && (*names)[i] != NULL; i++)
		free((*names)[i]);
	free(*names);
}

int inherited_take(struct inherited *in) {
	CLEANUP(free_names) char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names), error = n < 0 ? n : 0;
	for (int i = 0; i < n; i++) {
		int one = inherited_add(in, names[i], SD_LISTEN_FDS_START + i);
		error = error == 0 ? one : error;
	}
	return error;
}

bool inherited_is_named(const char *name) {
	const char *at = getenv("LISTEN_FDNAMES");
	size_t n = strlen(name);
	while (at != NULL) {
		size_t len = strcspn(at, ":");
		if (len == n && strncmp(at, name, n) == 0)
			return true;
		at = at[len] == ':' ? at + len + 1 : NULL;
	}
	return false;
}

int inherited_add(struct inherited *in, const char *name, int fd) {
	if (in->len == INHERITED_MAX) {
		close(fd);
		return -ENOSPC;
	}
	struct inherited_fd *one = &in->list[in->len++];
	one->fd = fd;
	snprintf(one->name, sizeof one->name, "%s", name);
	fcntl(fd, F_SETFD, FD_CLOEXEC); /* fails only where there is no such descriptor */
	return 0;
}

int inherited_named(struct inherited *in, const char *name) {
	for (size_t i = 0; i < in->len; i++) {
		if (in->list[i].fd >= 0 && strcmp(in->list[i].name, name) == 0)
			return inherited_out(in, i);
	}
	return -1;
}

int inherited_out(struct inherited *in, size_t index) {
	return fd_take(&in->list[index].fd);
}

void inherited_close_rest(struct inherited *in, struct strings *closed) {
	for (size_t i = 0; i < in->len; i++) {
		if (in->list[i].fd < 0)
			continue;
		if (closed != NULL && strings_add(closed, in->list[i].name) != 0)
			closed = NULL;
		fd_close(&in->list[i].fd);
	}
	in->len = 0;
}
