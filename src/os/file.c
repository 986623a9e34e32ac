#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/heap.h"

/* What stat(2) says of its size is not asked: /proc says 0, and a file may grow. */
enum { FIRST_ROOM = 4096 };

/* Until the end or until `room` bytes are there. */
static ssize_t read_up_to(int fd, char *text, size_t len, size_t room) {
	while (len < room) {
		ssize_t n = read(fd, text + len, room - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

static int read_all(int fd, size_t max_bytes, char **text, size_t *len) {
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
		ssize_t n = read_up_to(fd, bytes, used, room);
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

int file_read(const char *path, size_t max_bytes, char **text, size_t *len) {
	AUTOCLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return fd < 0 ? -errno : read_all(fd, max_bytes, text, len);
}
