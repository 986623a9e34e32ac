#include "os/unix_connect.h"

#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "util/fd.h"

int unix_connect(const char *path) {
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t n = strlen(path);
	if (n == 0)
		return -ENOENT;
	if (n >= sizeof address.sun_path)
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, n);
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1);
	if (path[0] == '@') {
		address.sun_path[0] = '\0';
		len--; /* an abstract name is counted, not terminated */
	}
	AUTOCLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, len) != 0)
		return -errno;
	return fd_take(&fd);
}

bool unix_connect_is_read(int fd) {
	int unread = 0;
	return ioctl(fd, SIOCOUTQ, &unread) == 0 && unread == 0;
}
