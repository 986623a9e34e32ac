#include "os/listen_match.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "os/listen.h"

static struct sockaddr_in *v4(struct sockaddr_storage *a) {
	return (struct sockaddr_in *)a;
}

static struct sockaddr_in6 *v6(struct sockaddr_storage *a) {
	return (struct sockaddr_in6 *)a;
}

static void add(struct listen_places *p, const struct sockaddr *address, socklen_t len, bool dual) {
	if (p->len == LISTEN_PLACES_MAX || len > sizeof p->list[0].address)
		return;
	struct listen_place *place = &p->list[p->len++];
	memcpy(&place->address, address, len);
	place->dual = dual;
}

static void add_v4(struct listen_places *p, in_addr_t host, uint16_t port) {
	const struct sockaddr_in a = { .sin_family = AF_INET,
				       .sin_port = htons(port),
				       .sin_addr.s_addr = htonl(host) };
	add(p, (const struct sockaddr *)&a, sizeof a, false);
}

static void add_v6(struct listen_places *p, struct in6_addr host, uint16_t port, bool dual) {
	const struct sockaddr_in6 a = { .sin6_family = AF_INET6,
					.sin6_port = htons(port),
					.sin6_addr = host };
	add(p, (const struct sockaddr *)&a, sizeof a, dual);
}

static void resolve(const char *host, uint16_t port, struct listen_places *p) {
	char service[8];
	snprintf(service, sizeof service, "%u", port);
	const struct addrinfo wanted = { .ai_socktype = SOCK_STREAM,
					 .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	struct addrinfo *list = NULL;
	if (getaddrinfo(host, service, &wanted, &list) != 0)
		return;
	for (const struct addrinfo *a = list; a != NULL; a = a->ai_next)
		add(p, a->ai_addr, a->ai_addrlen, false);
	freeaddrinfo(list);
}

void listen_places(const char *host, uint16_t port, struct listen_places *p) {
	*p = (struct listen_places){ .each = strcmp(host, "localhost") == 0 };
	if (p->each) {
		add_v4(p, INADDR_LOOPBACK, port);
		add_v6(p, (struct in6_addr)IN6ADDR_LOOPBACK_INIT, port, false);
		return;
	}
	resolve(host, port, p);
	struct sockaddr_storage *first = &p->list[0].address;
	if (p->len > 0 && first->ss_family == AF_INET &&
	    v4(first)->sin_addr.s_addr == htonl(INADDR_ANY))
		add_v6(p, (struct in6_addr)IN6ADDR_ANY_INIT, port, true);
}

static bool takes_v4(int fd) {
	int only = 1;
	socklen_t len = sizeof only;
	return getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &len) == 0 && only == 0;
}

bool listen_is_at(int fd, const struct listen_place *place) {
	struct sockaddr_storage own = { 0 }, wanted = place->address;
	socklen_t len = sizeof own;
	if (getsockname(fd, (struct sockaddr *)&own, &len) != 0 ||
	    own.ss_family != wanted.ss_family)
		return false;
	/* Both families keep the port at the same place, on purpose. */
	if (v4(&wanted)->sin_port != 0 && v4(&wanted)->sin_port != v4(&own)->sin_port)
		return false;
	if (own.ss_family == AF_INET)
		return v4(&own)->sin_addr.s_addr == v4(&wanted)->sin_addr.s_addr;
	return own.ss_family == AF_INET6 &&
	       memcmp(&v6(&own)->sin6_addr, &v6(&wanted)->sin6_addr, sizeof(struct in6_addr)) ==
		       0 &&
	       v6(&own)->sin6_scope_id == v6(&wanted)->sin6_scope_id &&
	       (!place->dual || takes_v4(fd));
}

bool listen_is_at_path(int fd, const char *path) {
	static const char scheme[] = "unix://";
	char url[sizeof scheme + sizeof((struct sockaddr_un *)NULL)->sun_path + 1];
	struct stat own, wanted;
	if (listen_url(fd, url, sizeof url) != 0 || strncmp(url, scheme, strlen(scheme)) != 0)
		return false;
	const char *name = url + strlen(scheme);
	if (path[0] == '@' || name[0] == '@')
		return strcmp(name, path) == 0;
	return stat(name, &own) == 0 && stat(path, &wanted) == 0 && S_ISSOCK(own.st_mode) &&
	       own.st_dev == wanted.st_dev && own.st_ino == wanted.st_ino;
}
