/*
 * The connections of one worker, as the kernel counts them: understood from raw sock_diag
 * dumps, or from the text of /proc/PID/net where that module is missing, and matched with
 * the descriptors that the worker holds. Pure.
 *
 * Only connections that were accepted from one of the given listeners count. A worker's
 * private probe socket is not among them, so its connections never are.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/base.h"

enum listener_kind { LISTENER_TCP, LISTENER_UNIX };

/* Where a herd listens. */
struct listener_name {
	enum listener_kind kind;
	uint16_t port;  /* TCP, in host order; the address does not matter, the inode decides */
	char path[108]; /* unix, as it was bound; `@` starts an abstract name */
	uint64_t inode; /* of the listening socket; 0: not known. For its queue only */
};

struct listeners {
	const struct listener_name *list; /* borrowed */
	size_t len;
};

/*
 * One accepted connection. `received` and `written` count since it was opened: what the peer
 * sent and we acknowledged, and what the worker has written, sent or not. Ages say how long
 * ago data last went that way; smaller is more recent; as fine as the kernel's tick (1–10 ms).
 */
struct connection {
	uint64_t inode; /* never 0: those still in the accept queue belong to nobody */
	int fd;         /* the worker's number for it; -1 until connections_own() */
	bool unix_socket;
	bool counted;            /* ages and totals are known; never so for a unix socket */
	uint32_t rqueue, wqueue; /* bytes not yet read by the worker, not yet taken by the peer */
	uint32_t recv_age_ms, sent_age_ms;
	uint64_t received, written;
};

/* Zeroed: none. Sorted by inode after connections_own(). */
struct connections {
	struct connection *list;
	size_t len, size;
};

/*
 * Adds what a sock_diag reply holds: any number of inet_diag and unix_diag messages, `len`
 * bytes, from any kernel, cut anywhere. 0, -ENOMEM, -EBADMSG when a message contradicts
 * itself, or the kernel's own -errno if it refused the dump (-ENOENT: module missing).
 */
NODISCARD int connections_read_diag(struct connections *c, const void *bytes, size_t len,
				    const struct listeners *listeners);

/* The same from /proc/PID/net/tcp or tcp6, and unix: inodes and, for tcp, queues. 0 or -ENOMEM. */
NODISCARD int connections_read_proc_tcp(struct connections *c, const char *text, size_t len,
					const struct listeners *listeners);
NODISCARD int connections_read_proc_unix(struct connections *c, const char *text, size_t len,
					 const struct listeners *listeners);

/* Keeps those whose inode is among the worker's `n` sockets, and notes their descriptor. */
void connections_own(struct connections *c, const uint64_t inodes[], const int fds[], size_t n);

/* By inode, in a list that went through connections_own(); NULL: not there. */
const struct connection *connections_find(const struct connections *c, uint64_t inode);

void connections_clear(struct connections *c); /* none left; keeps its memory for the next look */
void connections_finish(struct connections *c);

/* For the readers above. 0 or -ENOMEM. */
NODISCARD int connections_add(struct connections *c, const struct connection *one);
bool listeners_have_port(const struct listeners *l, uint16_t port);
bool listeners_have_path(const struct listeners *l, const char *name, size_t len);
