/*
 * The control socket's system calls: listening, meeting, knowing who it is, bytes without
 * waiting. Decides nothing: who may come in is core/peer, what is said core/protocol.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "util/base.h"
#include "util/error.h"

/*
 * Listens at `path`, 0660, so the owner and the file's group may connect. With a `group` (NULL:
 * none) the file belongs to it, by name or number, and `gid` becomes its number. The descriptor
 * (non-blocking, CLOEXEC, the caller's), or -1 with `err`. listen_unlink() takes it away again.
 */
NODISCARD int control_socket_listen(const char *path, const char *group, gid_t *gid,
				    struct error *err);

/* A group by its name or number. 0, -ENOENT, or what getgrnam_r(3) said, negative. */
NODISCARD int control_socket_group(const char *name, gid_t *gid);

/*
 * Connects as a client, without waiting: a queue that is full is -EAGAIN. The descriptor
 * (non-blocking, CLOEXEC, the caller's) or -errno: -ECONNREFUSED and -ENOENT mean that nobody
 * listens.
 */
NODISCARD int control_socket_connect(const char *path);

/* The next client, non-blocking and CLOEXEC, or -errno; -EAGAIN: none waits. */
NODISCARD int control_socket_accept(int listener);

/* Inherited listeners may still block. 0 or -errno. */
NODISCARD int control_socket_unblock(int fd);

/*
 * Who it was when it connected (unix(7)): SO_PEERCRED has the primary group only, the others
 * are SO_PEERGROUPS (Linux 4.13; without it there are none).
 */
struct control_peer {
	pid_t pid;
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* owned */
	size_t n_groups;
};
NODISCARD int control_socket_peer(int fd, struct control_peer *peer); /* 0 or -errno */
void control_peer_finish(struct control_peer *peer);

/* Bytes, 0 at the end of what comes, or -errno: -EAGAIN when there is nothing now. */
NODISCARD ssize_t control_socket_read(int fd, char *buffer, size_t size);

/* Bytes taken, or -errno: -EAGAIN, -EPIPE (never a signal). */
NODISCARD ssize_t control_socket_write(int fd, const char *bytes, size_t n);

/* Is nobody left who could read an answer? One that only ended its own side still can. */
bool control_socket_gone(int fd);
