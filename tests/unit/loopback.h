/* Listeners and clients of this machine, for tests. */
#pragma once

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Loopback listeners; -1 where this machine lacks the family. `any`: IPv4 through `[::]`. */
static inline int listener_tcp(int family, bool any, uint16_t *port) {
	*port = 0;
	struct sockaddr_in v4 = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	v6.sin6_addr = any ? (struct in6_addr)IN6ADDR_ANY_INIT
			   : (struct in6_addr)IN6ADDR_LOOPBACK_INIT;
	struct sockaddr *address = family == AF_INET ? (void *)&v4 : (void *)&v6;
	socklen_t len = family == AF_INET ? sizeof v4 : sizeof v6;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, address, len) != 0 || listen(fd, 64) != 0) {
		close(fd);
		return -1;
	}
	ck_assert_int_eq(getsockname(fd, address, &len), 0);
	*port = ntohs(family == AF_INET ? v4.sin_port : v6.sin6_port);
	return fd;
}

static inline int dial_tcp(int family, uint16_t port) {
	struct sockaddr_in v4 = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
				   .sin6_port = htons(port),
				   .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr *address = family == AF_INET ? (void *)&v4 : (void *)&v6;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(fd, address, family == AF_INET ? sizeof v4 : sizeof v6), 0);
	return fd;
}

static inline struct sockaddr_un unix_name(const char *path, socklen_t *len) {
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	strcpy(a.sun_path, path);
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (path[0] == '@')
		a.sun_path[0] = '\0';
	else
		*len += 1;
	return a;
}

static inline int listener_unix(const char *path) {
	socklen_t len;
	struct sockaddr_un a = unix_name(path, &len);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, len), 0);
	ck_assert_int_eq(listen(fd, 64), 0);
	return fd;
}

static inline int dial_unix(const char *path) {
	socklen_t len;
	struct sockaddr_un a = unix_name(path, &len);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, len), 0);
	return fd;
}

/* What the client sees next: a byte, or '.' for end-of-file. */
static inline char client_reads(int fd) {
	char byte = '.';
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ck_assert_int_eq(poll(&p, 1, 5000), 1);
	return read(fd, &byte, 1) == 1 ? byte : '.';
}
