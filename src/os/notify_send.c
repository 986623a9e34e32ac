#include "os/notify_send.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

int notify_send_open(void) {
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

static int resolve(const char *address, struct sockaddr_un *to, socklen_t *len) {
	size_t n = strlen(address);
	*to = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if ((address[0] != '/' && address[0] != '@') || n < 2)
		return -EPROTONOSUPPORT; /* vsock: is for the manager of a whole machine */
	if (n >= sizeof to->sun_path)
		return -ENAMETOOLONG;
	memcpy(to->sun_path, address, n);
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1);
	if (address[0] == '@') {
		to->sun_path[0] = '\0';
		--*len; /* an abstract name is counted, not terminated */
	}
	return 0;
}

int notify_send(int fd, const char *address, const char *text, int attached) {
	struct sockaddr_un to;
	struct iovec io = { .iov_base = (char *)(uintptr_t)text, .iov_len = strlen(text) };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof attached)];
	} control = { 0 };
	struct msghdr message = { .msg_name = &to, .msg_iov = &io, .msg_iovlen = 1 };
	int error = resolve(address, &to, &message.msg_namelen);
	if (error != 0)
		return error;
	if (attached >= 0) {
		message.msg_control = control.bytes;
		message.msg_controllen = sizeof control.bytes;
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof attached);
		memcpy(CMSG_DATA(&control.header), &attached, sizeof attached);
	}
	return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}
