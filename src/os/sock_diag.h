/*
 * sock_diag(7): the kernel's table of sockets, asked over netlink. Returns its raw replies;
 * what they mean is understood elsewhere.
 */
#pragma once

#include <stdint.h>

#include "util/base.h"

#define SOCK_DUMP_MAX (64u << 20) /* bytes; some 150 000 connections */

/* Raw netlink messages, or the text of a file. Zeroed: empty. */
struct sock_dump {
	unsigned char *bytes;
	size_t len, size;
};

/* A socket for the calls below (CLOEXEC, the caller's; one thread at a time), or -errno. */
NODISCARD int sock_diag_open(void);

/*
 * Appends the TCP sockets of one family whose own port is `port` (host order) and that are
 * ESTABLISHED or CLOSE_WAIT: in every other state the worker has let go of them already. With
 * tcp_info. Clients of a dual-stack listener are all AF_INET6, also those that came over IPv4.
 *
 * 0 or -errno, with `dump` as it was: -ENOENT when the kernel lacks the module, -EMSGSIZE
 * beyond SOCK_DUMP_MAX. A table that changed under the dump (NLM_F_DUMP_INTR) is asked again,
 * three times; the last answer stands, an entry may then be missing or told twice.
 */
NODISCARD int sock_diag_tcp(int diag, int family, uint16_t port, struct sock_dump *dump);

/* The same for every connected unix stream socket, with its queues and name. */
NODISCARD int sock_diag_unix(int diag, struct sock_dump *dump);

/* Connections that wait to be accepted from a listening unix socket; -ENOENT: no such inode. */
NODISCARD int sock_diag_unix_queue(int diag, uint64_t inode);

/* How many may wait there. */
NODISCARD int sock_diag_unix_backlog(int diag, uint64_t inode);

/* Appends the file `net/NAME` of a process, for kernels without sock_diag. 0 or -errno. */
NODISCARD int sock_dump_read_proc(int proc_dir, const char *name, struct sock_dump *dump);

void sock_dump_clear(struct sock_dump *dump); /* keeps its memory */
void sock_dump_finish(struct sock_dump *dump);
