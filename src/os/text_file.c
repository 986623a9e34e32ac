#include "os/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "util/fd.h"

static ssize_t read_some(int fd, char *buf, size_t size, size_t offset) {
	ssize_t n;
	while ((n = pread(fd, buf, size, (off_t)offset)) < 0 && errno == EINTR)
		;
	return n < 0 ? -errno : n;
}

ssize_t text_read_once(int fd, char *buf, size_t size) {
	assert(size > 0);
	ssize_t n = read_some(fd, buf, size - 1, 0);
	buf[n > 0 ? n : 0] = '\0';
	return n;
}

/* The kernel hands out the longer files of /proc a page at a time. */
static ssize_t read_all(int fd, char *buf, size_t size) {
	size_t len = 0;
	ssize_t n = 0;
	while (len < size - 1 && (n = read_some(fd, buf + len, size - 1 - len, len)) > 0)
		len += (size_t)n;
	buf[n < 0 ? 0 : len] = '\0';
	return n < 0 ? n : (ssize_t)len;
}

ssize_t text_read_at(int dirfd, const char *path, char *buf, size_t size) {
	assert(size > 0);
	buf[0] = '\0';
	AUTOCLOSE int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : read_all(fd, buf, size);
}
