#include "daemon/output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "util/fd.h"

static int open_it(const char *path) {
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
	return fd >= 0 ? fd : -errno;
}

int output_open(struct output *output, const char *path, struct error *err) {
	*output = (struct output){ .path = path, .fd = -1 };
	if (path == NULL)
		return 0;
	int fd = open_it(path);
	if (fd < 0)
		return error_at(err, 0, 0, "app.output %s: %s", path, strerror(-fd));
	output->fd = fd;
	return 0;
}

int output_reopen(struct output *output) {
	if (output->path == NULL)
		return 0;
	int fd = open_it(output->path);
	if (fd < 0)
		return fd;
	fd_close(&output->fd);
	output->fd = fd;
	return 0;
}

void output_close(struct output *output) {
	fd_close(&output->fd);
}
