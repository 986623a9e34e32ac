#include "os/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "util/fd.h"

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un un;
};

static int set_int(int fd, int level, int name, int value) {
	return setsockopt(fd, level, name, &value, sizeof value);
}

/* -errno, as everything below: only the public functions speak to a person. */
static int open_tcp(const struct sockaddr *address, socklen_t len) {
	AUTOCLOSE int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1) != 0)
		return -errno;
	if (address->sa_family == AF_INET6 && set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0) != 0)
		return -errno;
	if (bind(fd, address, len) != 0 || listen(fd, LISTEN_BACKLOG_TCP) != 0)
		return -errno;
	return fd_take(&fd);
}

static int port_of(int fd, uint16_t *port) {
	union address a;
	socklen_t len = sizeof a;
	if (getsockname(fd, &a.any, &len) != 0)
		return -errno;
	*port = ntohs(a.any.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
	return 0;
}

static int say(struct error *err, const char *host, uint16_t port, int error) {
	const char *open = strchr(host, ':') != NULL ? "[" : "", *shut = *open ? "]" : "";
	const char *hint = "";
	if (error == EADDRINUSE)
		hint = ": another server is listening there ([::] takes IPv4 as "
		       "well), or the workers of a pumakeeperd that was killed; `ss -ltnp` tells";
	else if (error == EACCES)
		hint = ": ports below 1024 need CAP_NET_BIND_SERVICE, or a socket from systemd";
	else if (error == EADDRNOTAVAIL)
		hint = ": no interface of this machine has that address";
	return error_at(err, 0, 0, "cannot listen on tcp://%s%s%s:%u: %s%s", open, host, shut, port,
			strerror(error), hint);
}

/* -errno: -EAFNOSUPPORT where this machine lacks the family (no IPv6 in this kernel or container). */
static int open_loopback(int family, uint16_t port) {
	const struct sockaddr_in v4 = { .sin_family = AF_INET,
					.sin_port = htons(port),
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
					 .sin6_port = htons(port),
					 .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = family == AF_INET ? open_tcp((const struct sockaddr *)&v4, sizeof v4)
				   : open_tcp((const struct sockaddr *)&v6, sizeof v6);
	return fd == -EADDRNOTAVAIL ? -EAFNOSUPPORT : fd;
}

/* One of the two may be missing, not both. */
static int listen_localhost(uint16_t port, int fds[], struct error *err) {
	static const int families[] = { AF_INET, AF_INET6 };
	int n = 0;

	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		int fd = open_loopback(families[i], port);
		if (fd == -EAFNOSUPPORT)
			continue;
		if (fd >= 0)
			fds[n++] = fd;
		int error = fd < 0 ? fd : port_of(fd, &port);
		if (error < 0) {
			while (n > 0)
				fd_close(&fds[--n]);
			return say(err, "localhost", port, -error);
		}
	}
	return n > 0 ? n : say(err, "localhost", port, EADDRNOTAVAIL);
}

int listen_other_loopback(int fd, int *other, struct error *err) {
	int family = 0;
	uint16_t port = 0;
	socklen_t len = sizeof family;
	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len) != 0 || port_of(fd, &port) != 0)
		return say(err, "localhost", port, errno);
	*other = open_loopback(family == AF_INET ? AF_INET6 : AF_INET, port);
	if (*other >= 0)
		return 1;
	return *other == -EAFNOSUPPORT ? 0 : say(err, "localhost", port, -*other);
}

static void free_addresses(struct addrinfo **list) {
	if (*list != NULL)
		freeaddrinfo(*list);
}

int listen_tcp(const char *host, uint16_t port, int fds[LISTEN_FDS_PER_ADDRESS],
	       struct error *err) {
	if (strcmp(host, "localhost") == 0)
		return listen_localhost(port, fds, err);

	char service[8];
	snprintf(service, sizeof service, "%u", port);
	const struct addrinfo wanted = { .ai_socktype = SOCK_STREAM,
					 .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	CLEANUP(free_addresses) struct addrinfo *list = NULL;
	int failed = getaddrinfo(host, service, &wanted, &list);
	if (failed != 0)
		return error_at(err, 0, 0, "cannot listen on tcp://%s:%u: %s", host, port,
				failed == EAI_SYSTEM ? strerror(errno) : gai_strerror(failed));

	int first_error = 0;
	for (const struct addrinfo *a = list; a != NULL; a = a->ai_next) {
		int fd = open_tcp(a->ai_addr, a->ai_addrlen);
		if (fd >= 0) {
			fds[0] = fd;
			return 1;
		}
		if (first_error == 0)
			first_error = -fd;
	}
	return say(err, host, port, first_error);
}

/* A path that is too long must not be cut into another path. */
static int unix_address(const char *path, struct sockaddr_un *address, socklen_t *len) {
	size_t n = strlen(path);
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (n == 0 || n >= sizeof address->sun_path)
		return -ENAMETOOLONG;
	memcpy(address->sun_path, path, n);
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1);
	if (path[0] == '@') {
		address->sun_path[0] = '\0';
		*len -= 1; /* an abstract name is counted, not terminated */
	}
	return 0;
}

/* 0: the path is free; -EADDRINUSE: somebody answers; -EEXIST: it is not a socket. */
static int clear_stale(const char *path, const struct sockaddr_un *address, socklen_t len) {
	struct stat st;
	if (lstat(path, &st) != 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	AUTOCLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)address, len) == 0)
		return -EADDRINUSE;
	/* A full backlog (EAGAIN) or a datagram socket (EPROTOTYPE) is somebody, too. */
	if (errno != ECONNREFUSED)
		return errno == EAGAIN || errno == EPROTOTYPE ? -EADDRINUSE : -errno;
	return unlink(path) == 0 || errno == ENOENT ? 0 : -errno;
}

static int open_unix(const char *path, mode_t mode) {
	struct sockaddr_un address;
	socklen_t len = 0;
	bool named = path[0] != '@';
	int error = unix_address(path, &address, &len);
	if (error == 0 && named)
		error = clear_stale(path, &address, len);
	if (error != 0)
		return error;

	AUTOCLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&address, len) != 0)
		return -errno;
	/* Until listen(2) nobody can connect, so nobody meets the file with another mode. */
	if ((named && chmod(path, mode) != 0) || listen(fd, LISTEN_BACKLOG_UNIX) != 0) {
		error = -errno;
		if (named)
			unlink(path);
		return error;
	}
	return fd_take(&fd);
}

int listen_unix(const char *path, mode_t mode, struct error *err) {
	int fd = open_unix(path, mode);
	if (fd >= 0)
		return fd;
	const char *hint = strerror(-fd);
	if (fd == -EADDRINUSE)
		hint = "another server is listening there";
	else if (fd == -EEXIST)
		hint = "there is a file that is not a socket, and it is not ours to remove";
	else if (fd == -ENAMETOOLONG)
		hint = "the path of a unix socket has at most 107 bytes";
	return error_at(err, 0, 0, "cannot listen on unix://%s: %s", path, hint);
}

static int name_of(int fd, union address *address, socklen_t *len) {
	*len = sizeof *address;
	memset(address, 0, sizeof *address);
	return getsockname(fd, &address->any, len) == 0 ? 0 : -errno;
}

void listen_unlink(int fd) {
	union address a;
	socklen_t len;
	if (name_of(fd, &a, &len) != 0 || a.any.sa_family != AF_UNIX || a.un.sun_path[0] == '\0')
		return;
	unlink(a.un.sun_path);
}

int listen_defer(int fd, unsigned seconds) {
	if (set_int(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, (int)seconds) == 0)
		return 0;
	return errno == EOPNOTSUPP || errno == ENOPROTOOPT ? -ENOTSUP : -errno;
}

int listen_queue(int fd) {
	struct tcp_info info = { 0 };
	socklen_t len = sizeof info;
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
		return errno == EOPNOTSUPP || errno == ENOPROTOOPT ? -ENOTSUP : -errno;
	return (int)info.tcpi_unacked;
}

/* listen(2) on a socket that already listens only changes the length of its queue. */
int listen_resize(int fd, unsigned backlog) {
	return listen(fd, (int)backlog) == 0 ? 0 : -errno;
}

/* Of a socket that listens tcpi_sacked is the backlog (net/ipv4/tcp.c, tcp_get_info). */
void listen_lengthen(int fd) {
	struct tcp_info info = { 0 };
	socklen_t len = sizeof info;
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
	    info.tcpi_sacked < LISTEN_BACKLOG_TCP)
		listen(fd, LISTEN_BACKLOG_TCP);
}

int listen_chmod(int fd, mode_t mode) {
	union address a;
	socklen_t len;
	int error = name_of(fd, &a, &len);
	if (error != 0 || a.any.sa_family != AF_UNIX || a.un.sun_path[0] == '\0')
		return error;
	return chmod(a.un.sun_path, mode) == 0 ? 0 : -errno;
}

enum listen_kind listen_kind(int fd) {
	int type = 0, listens = 0;
	socklen_t len = sizeof type;
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) != 0)
		return LISTEN_NO_SOCKET;
	if (type != SOCK_STREAM)
		return LISTEN_DATAGRAM;
	len = sizeof listens;
	bool yes = getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && listens != 0;
	return yes ? LISTEN_LISTENS : LISTEN_CONNECTED;
}

int listen_url(int fd, char *url, size_t size) {
	union address a;
	socklen_t len;
	char host[INET6_ADDRSTRLEN];
	int error = name_of(fd, &a, &len), n = 0;
	if (error != 0)
		return error;
	switch (a.any.sa_family) {
	case AF_INET:
		inet_ntop(AF_INET, &a.v4.sin_addr, host, sizeof host);
		n = snprintf(url, size, "tcp://%s:%u", host, ntohs(a.v4.sin_port));
		break;
	case AF_INET6:
		inet_ntop(AF_INET6, &a.v6.sin6_addr, host, sizeof host);
		n = snprintf(url, size, "tcp://[%s]:%u", host, ntohs(a.v6.sin6_port));
		break;
	case AF_UNIX: {
		bool abstract = a.un.sun_path[0] == '\0';
		n = snprintf(url, size, "unix://%s%.*s", abstract ? "@" : "",
			     (int)(sizeof a.un.sun_path - abstract), a.un.sun_path + abstract);
		break;
	}
	default: return -EAFNOSUPPORT;
	}
	return (size_t)n < size ? 0 : -ENAMETOOLONG;
}
