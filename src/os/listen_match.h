/*
 * Is a listening socket that somebody gave us the one that an address means? Told by what the
 * kernel calls it, whoever opened it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "util/base.h"

#define LISTEN_PLACES_MAX 16 /* of a name that resolves to more, the first ones count */

struct listen_place {
	struct sockaddr_storage address; /* AF_INET or AF_INET6 */
	bool dual;                       /* only a socket that takes IPv4 as well */
};

struct listen_places {
	struct listen_place list[LISTEN_PLACES_MAX];
	size_t len;
	bool each; /* a socket at each of them; else at the first that has one */
};

/*
 * Where listen_tcp() would listen: `localhost` at both loopbacks, a name at the first of its
 * addresses. `0.0.0.0` may also be a [::] that takes IPv4, as systemd makes it of a bare port:
 * beside that one it could not be opened at all. None: it doesn't resolve. May block in the
 * resolver.
 */
void listen_places(const char *host, uint16_t port, struct listen_places *p);

/* Port 0 is any port. */
bool listen_is_at(int fd, const struct listen_place *place);

/*
 * Whoever connects to `path` (`@` starts an abstract name) gets there: by way of links, too, and
 * not when the file was removed, or is another socket's now in a way that can be seen.
 */
bool listen_is_at_path(int fd, const char *path);
