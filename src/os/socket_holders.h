/* Which processes hold a socket: a look at everybody's descriptors. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/base.h"

/*
 * Calls found() for each process but ours that holds the socket inodes[which], as far as we may
 * look at its descriptors. Reads the whole of /proc: for before the loop.
 */
void socket_holders(const uint64_t *inodes, size_t n,
		    void (*found)(void *context, pid_t pid, size_t which), void *context);
