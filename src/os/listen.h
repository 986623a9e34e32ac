/*
 * Listening sockets: opened once, owned by the daemon, handed to every worker.
 * Blocking ones, as systemd's are: Puma makes the shared description non-blocking itself,
 * a server that expects to sleep in accept(2) may.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "util/base.h"
#include "util/error.h"

/*
 * Cut by the kernel to net.core.somaxconn (4096 since Linux 5.4). On tcp the same number bounds
 * the connections that listen_defer holds back: when there are more, the kernel answers with SYN
 * cookies, and who comes back with one is accepted without a byte (inet_csk_reqsk_queue_is_full
 * and cookie_v4_check, net/ipv4). With Puma's own 1024, 2000 silent clients cost others their
 * requests in every third replacement.
 */
#define LISTEN_BACKLOG_TCP     4096
#define LISTEN_BACKLOG_UNIX    1024 /* Puma's own: nothing is deferred there */
#define LISTEN_FDS_PER_ADDRESS 2    /* `localhost` is 127.0.0.1 and ::1, as in Puma */

/*
 * `host` without brackets: a number, `localhost` (each loopback address that this machine
 * has) or a name (its first address that can be bound, as in Puma; the resolver may block).
 * `::` takes IPv4 too, whatever net.ipv6.bindv6only says, because Ruby's does. Port 0 is
 * chosen by the kernel, the same for both families.
 *
 * The number of descriptors in `fds` (CLOEXEC, the caller's), or -1 with `err`.
 */
NODISCARD int listen_tcp(const char *host, uint16_t port, int fds[LISTEN_FDS_PER_ADDRESS],
			 struct error *err);

/*
 * Of `localhost` one socket is there, `fd`: opens the other family's, on the same port. 1 with
 * `other` (CLOEXEC, the caller's), 0: this machine doesn't have that family, or -1 with `err`.
 */
NODISCARD int listen_other_loopback(int fd, int *other, struct error *err);

/*
 * The descriptor (CLOEXEC, the caller's), or -1 with `err`. A socket that nobody answers on
 * is stale and is replaced; one that answers, or anything else at that path, is left alone.
 * The file has exactly `mode`, umask or not. An abstract name starts with `@`.
 */
NODISCARD int listen_unix(const char *path, mode_t mode, struct error *err);

/*
 * Removes the file of a unix socket, when the daemon leaves. Before `fd` is closed: as long
 * as it listens, no other server takes that path over. Does nothing for other sockets.
 */
void listen_unlink(int fd);

/*
 * TCP_DEFER_ACCEPT: a connection is accepted when its first bytes are there, so a worker that
 * stops accepting never holds one that it would have to drop (puma.md, fact 5). 0 switches it
 * off. Also for sockets that we inherited. 0, or -errno: -ENOTSUP on a unix socket.
 */
NODISCARD int listen_defer(int fd, unsigned seconds);

/*
 * Connections that wait to be accepted, without those still deferred: tcpi_unacked of a
 * listener (net/ipv4/tcp.c, tcp_get_info). -ENOTSUP on a unix socket, where sock_diag knows.
 */
NODISCARD int listen_queue(int fd);

/* Another backlog; also for sockets that we inherited. 0 or -errno. */
NODISCARD int listen_resize(int fd, unsigned backlog);

/* Makes the backlog of a tcp socket that somebody gave us as long as ours, never shorter. */
void listen_lengthen(int fd);

/* The file of a unix socket gets this mode; others have none. 0 or -errno. */
NODISCARD int listen_chmod(int fd, mode_t mode);

/* What a descriptor that somebody gave us is. */
enum listen_kind {
	LISTEN_LISTENS,   /* a stream socket that listens */
	LISTEN_CONNECTED, /* a stream socket that doesn't: one connection, or nothing yet */
	LISTEN_DATAGRAM,  /* a socket, but no stream (SOCK_DGRAM, SOCK_SEQPACKET, …) */
	LISTEN_NO_SOCKET,
};
enum listen_kind listen_kind(int fd);

/* Its address as Puma writes it: tcp://127.0.0.1:9292, tcp://[::1]:9292, unix:///run/a.sock */
NODISCARD int listen_url(int fd, char *url, size_t size);
