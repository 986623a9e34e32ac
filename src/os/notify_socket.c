#include "os/notify_socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "util/fd.h"

#define FDS_MAX 253 /* SCM_MAX_FD: more never come in one message */

int notify_socket_open(const char *path) {
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t n = strlen(path);
	const int yes = 1;
	if (n >= sizeof address.sun_path)
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, n + 1);
	AUTOCLOSE int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* Whoever holds our lock owns the directory: what is there is a dead daemon's. */
	if (unlink(path) != 0 && errno != ENOENT)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes) != 0 ||
	    bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
	    chmod(path, 0600) != 0)
		return -errno;
	return fd_take(&fd);
}

static void close_all(const struct cmsghdr *c) {
	size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	for (size_t i = 0; i < n; i++) {
		int fd;
		memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
		close(fd);
	}
}

static void read_control(struct msghdr *message, pid_t *pid) {
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_RIGHTS)
			close_all(c);
		if (c->cmsg_type == SCM_CREDENTIALS) {
			struct ucred who;
			memcpy(&who, CMSG_DATA(c), sizeof who);
			*pid = who.pid;
		}
	}
}

ssize_t notify_socket_receive(int fd, char *text, size_t size, pid_t *pid) {
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control;
	struct iovec io = { .iov_base = text, .iov_len = size - 1 };
	struct msghdr message = { .msg_iov = &io,
				  .msg_iovlen = 1,
				  .msg_control = control.bytes,
				  .msg_controllen = sizeof control.bytes };
	*pid = 0;
	ssize_t n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (n < 0)
		return -errno;
	read_control(&message, pid);
	text[n] = '\0';
	return (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 ? -EBADMSG : n;
}
