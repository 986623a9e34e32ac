/*
 * Who sits at the other end of the control socket, and what that entitles them to.
 * Pure: the facts come from the kernel (os/control_socket), the rule from the configuration.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "util/base.h"

/* In ascending order: a verb names the lowest that may ask for it. */
enum peer_rank {
	PEER_STRANGER, /* nothing at all */
	PEER_GROUP,    /* of `control.group`: looks and operates */
	PEER_OWNER,    /* root, or the daemon's own user: all */
};

struct peer {
	uid_t uid;
	gid_t gid;           /* its primary group */
	const gid_t *groups; /* the others; borrowed */
	size_t n_groups;
};

struct peer_rules {
	uid_t owner; /* the daemon's own */
	bool has_group;
	gid_t group;
};

enum peer_rank peer_rank(const struct peer *peer, const struct peer_rules *rules);
