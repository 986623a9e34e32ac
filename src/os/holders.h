/*
 * Which processes hold these sockets: for whoever has lost a listener, or looks for those who
 * were left behind with it.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "util/base.h"

/*
 * `found` is called for each descriptor `fd` of each process `pid` that is the socket
 * `inodes[which]`; two descriptors of one socket are told twice. Never of ourselves, nor of
 * processes whose descriptors we may not see (another user's, in another pid namespace). What was
 * told may be over already: borrow_socket() checks.
 *
 * Blocks for a readlink(2) per descriptor of the machine: for before the loop. 0 or -errno: /proc
 * can't be listed, -ENOMEM, -EMFILE; then not all were found.
 */
NODISCARD int holders_find(const uint64_t *inodes, size_t n,
			   void (*found)(void *context, pid_t pid, int fd, size_t which),
			   void *context);
