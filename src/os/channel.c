#include "os/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/notify_socket.h"
#include "util/fd.h"

int channel_open(int *ours, int *theirs) {
	int ends[2];
	const int yes = 1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return -errno;
	AUTOCLOSE int mine = ends[0];
	AUTOCLOSE int other = ends[1];
	if (setsockopt(mine, SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes) != 0 ||
	    fcntl(mine, F_SETFL, O_NONBLOCK) != 0)
		return -errno;
	*ours = fd_take(&mine);
	*theirs = fd_take(&other);
	return 0;
}

int channel_send(int fd, const char *text, size_t len, const int *fds, size_t n_fds) {
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(CHANNEL_FDS_MAX * sizeof(int))];
	} control = { 0 };
	struct iovec io = { .iov_base = (char *)text, .iov_len = len };
	struct msghdr message = { .msg_iov = &io, .msg_iovlen = 1 };
	if (n_fds > CHANNEL_FDS_MAX)
		return -E2BIG;
	if (n_fds > 0) {
		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&message);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
	}
	if (sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
		return 0;
	return errno == ECONNRESET ? -EPIPE : -errno; /* it left something of ours unread */
}

/* The same as a READY=1 has: text, and a kernel that says from whom. */
ssize_t channel_receive(int fd, char text[CHANNEL_MESSAGE_MAX + 1], pid_t *sender) {
	ssize_t n = notify_socket_receive(fd, text, CHANNEL_MESSAGE_MAX + 1, sender);
	return n == -ECONNRESET ? 0 : n; /* it ended without having read what we sent */
}
