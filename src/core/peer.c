#include "core/peer.h"

static bool in_group(const struct peer *peer, gid_t group) {
	if (peer->gid == group)
		return true;
	for (size_t i = 0; i < peer->n_groups; i++) {
		if (peer->groups[i] == group)
			return true;
	}
	return false;
}

enum peer_rank peer_rank(const struct peer *peer, const struct peer_rules *rules) {
	if (peer->uid == 0 || peer->uid == rules->owner)
		return PEER_OWNER;
	return rules->has_group && in_group(peer, rules->group) ? PEER_GROUP : PEER_STRANGER;
}
