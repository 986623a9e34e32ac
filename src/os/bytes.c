#include "os/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/fd.h"

int bytes_open(int dirfd, const char *path, uint64_t *size) {
	struct stat st;
	AUTOCLOSE int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) != 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (size != NULL)
		*size = (uint64_t)st.st_size;
	return fd_take(&fd);
}

ssize_t bytes_read(int fd, void *buf, size_t n, uint64_t at) {
	size_t len = 0;
	while (len < n) {
		/* An address may be over INT64_MAX: the kernel takes it as unsigned here. */
		ssize_t got = pread(fd, (char *)buf + len, n - len, (off_t)(at + len));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && len == 0)
			return -errno;
		if (got <= 0)
			break;
		len += (size_t)got;
	}
	return (ssize_t)len;
}
