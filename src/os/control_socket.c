#include "os/control_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "os/listen.h"
#include "util/fd.h"
#include "util/heap.h"

int control_socket_group(const char *name, gid_t *gid) {
	char buffer[16384]; /* a group of many members is long; more than this is -ERANGE */
	struct group group, *found = NULL;
	int error = getgrnam_r(name, &group, buffer, sizeof buffer, &found);
	if (found != NULL) {
		*gid = group.gr_gid;
		return 0;
	}
	char *end;
	unsigned long number = strtoul(name, &end, 10);
	if (*name >= '0' && *name <= '9' && *end == '\0' && number < (gid_t)-1) {
		*gid = (gid_t)number;
		return 0;
	}
	return error != 0 ? -error : -ENOENT;
}

/* At a directory, not at a path, so that nobody can put a link under our feet. */
static int give_to_group(const char *path, gid_t gid) {
	const char *slash = strrchr(path, '/');
	char directory[sizeof((struct sockaddr_un *)0)->sun_path] = ".";
	if (slash != NULL)
		snprintf(directory, sizeof directory, "%.*s/", (int)(slash - path), path);
	AUTOCLOSE int dir = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	const char *name = slash != NULL ? slash + 1 : path;
	return fchownat(dir, name, (uid_t)-1, gid, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : -errno;
}

static int refuse_group(const char *group, int error, struct error *err) {
	const char *why = strerror(-error);
	if (error == -ENOENT)
		why = "there is no such group";
	else if (error == -EPERM)
		why = "the daemon's user is not a member of it";
	return error_at(err, 0, 0, "control.group %s: %s", group, why);
}

int control_socket_listen(const char *path, const char *group, gid_t *gid, struct error *err) {
	int error = group != NULL ? control_socket_group(group, gid) : 0;
	if (error != 0)
		return refuse_group(group, error, err);
	AUTOCLOSE int fd = listen_unix(path, 0660, err);
	if (fd < 0)
		return -1;
	error = group != NULL && path[0] != '@' ? give_to_group(path, *gid) : 0;
	if (error != 0) {
		listen_unlink(fd);
		return refuse_group(group, error, err);
	}
	error = control_socket_unblock(fd);
	if (error != 0)
		return error_at(err, 0, 0, "unix://%s: %s", path, strerror(-error));
	return fd_take(&fd);
}

int control_socket_unblock(int fd) {
	int flags = fcntl(fd, F_GETFL);
	return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ? -errno : 0;
}

int control_socket_connect(const char *path) {
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof address.sun_path)
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	AUTOCLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
		return -errno;
	return fd_take(&fd);
}

int control_socket_accept(int listener) {
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Twice: the first call says how many there are (-ERANGE), and they can't change after. */
static int read_groups(int fd, struct control_peer *peer) {
	socklen_t size = 0;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &size) != 0 && errno != ERANGE)
		return errno == ENOPROTOOPT ? 0 : -errno;
	if (size == 0)
		return 0;
	AUTOFREE gid_t *groups = malloc(size);
	if (groups == NULL)
		return -ENOMEM;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) != 0)
		return -errno;
	peer->n_groups = size / sizeof *groups;
	peer->groups = groups;
	groups = NULL;
	return 0;
}

int control_socket_peer(int fd, struct control_peer *peer) {
	struct ucred credentials;
	socklen_t size = sizeof credentials;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
		return -errno;
	*peer = (struct control_peer){ .pid = credentials.pid,
				       .uid = credentials.uid,
				       .gid = credentials.gid };
	return read_groups(fd, peer);
}

void control_peer_finish(struct control_peer *peer) {
	free(peer->groups);
	*peer = (struct control_peer){ 0 };
}

ssize_t control_socket_read(int fd, char *buffer, size_t size) {
	ssize_t n;
	do
		n = recv(fd, buffer, size, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

ssize_t control_socket_write(int fd, const char *bytes, size_t size) {
	ssize_t n;
	do
		n = send(fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

bool control_socket_gone(int fd) {
	struct pollfd p = { .fd = fd };
	return poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR)) != 0;
}
