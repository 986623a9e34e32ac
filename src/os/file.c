#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/clock.h"
#include "util/fd.h"
#include "util/heap.h"

/* What stat(2) says of its size is not asked: /proc says 0, and a file may grow. */
enum { FIRST_ROOM = 4096 };

struct source {
	int fd; /* doesn't block */
	msec_t deadline;
};

/* A file is always readable; a pipe when there are bytes, or when its last writer has left. */
static int await(const struct source *s) {
	struct pollfd p = { .fd = s->fd, .events = POLLIN };
	for (;;) {
		msec_t left = msec_max(s->deadline - clock_now(), 0);
		int n = poll(&p, 1, (int)left);
		if (n >= 0 || errno != EINTR)
			return n > 0 ? 0 : n == 0 ? -ETIMEDOUT : -errno;
	}
}

/* Until the end or until `room` bytes are there. */
static ssize_t read_up_to(const struct source *s, char *text, size_t len, size_t room) {
	while (len < room) {
		ssize_t n = read(s->fd, text + len, room - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			int error = await(s);
			if (error != 0)
				return error;
			continue;
		}
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

static int read_all(const struct source *s, size_t max_bytes, char **text, size_t *len) {
	AUTOFREE char *bytes = NULL;
	size_t used = 0;
	for (size_t room = FIRST_ROOM;; room *= 2) {
		/* One more than is allowed tells too large from just full; one for the NUL. */
		if (room > max_bytes)
			room = max_bytes + 1;
		char *larger = realloc(bytes, room + 1);
		if (larger == NULL)
			return -ENOMEM;
		bytes = larger;
		ssize_t n = read_up_to(s, bytes, used, room);
		if (n < 0)
			return (int)n;
		used = (size_t)n;
		if (used > max_bytes)
			return -EFBIG;
		if (used < room)
			break;
	}
	bytes[used] = '\0';
	*text = bytes;
	*len = used;
	bytes = NULL;
	return 0;
}

int file_read_within(const char *path, size_t max_bytes, msec_t patience, char **text,
		     size_t *len) {
	AUTOCLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	struct source s = { .fd = fd, .deadline = clock_now() + patience };
	/* A pipe that nobody has opened yet for writing reads as ended, but isn't ready. */
	int error = await(&s);
	return error != 0 ? error : read_all(&s, max_bytes, text, len);
}

/* Asked by name: a pipe that is opened and closed ends its writer by SIGPIPE. */
int file_read(const char *path, size_t max_bytes, char **text, size_t *len) {
	struct stat st;
	if (stat(path, &st) != 0)
		return -errno;
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return -ENOTSUP;
	return file_read_within(path, max_bytes, 0, text, len);
}
