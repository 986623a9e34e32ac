#include "core/peer.h"

#include "suite.h"

static const struct peer_rules nobody_else = { .owner = 1000 };
static const struct peer_rules with_group = { .owner = 1000, .has_group = true, .group = 50 };
static const gid_t deployers[] = { 4, 24, 50 };
static const gid_t others[] = { 4, 24 };

START_TEST(the_rank_follows_from_uid_and_groups)
{
	const struct {
		struct peer peer;
		const struct peer_rules *rules;
		enum peer_rank rank;
	} cases[] = {
		{ { .uid = 0 }, &nobody_else, PEER_OWNER },
		{ { .uid = 1000, .gid = 7 }, &nobody_else, PEER_OWNER },
		{ { .uid = 1001, .gid = 1000 }, &nobody_else, PEER_STRANGER },
		{ { 1001, 50, NULL, 0 }, &with_group, PEER_GROUP },
		{ { 1001, 7, deployers, 3 }, &with_group, PEER_GROUP },
		{ { 1001, 7, others, 2 }, &with_group, PEER_STRANGER },
		{ { 1000, 7, others, 2 }, &with_group, PEER_OWNER },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		ck_assert_msg(peer_rank(&cases[i].peer, cases[i].rules) == cases[i].rank,
			      "case %zu", i);
}
END_TEST

START_TEST(without_a_configured_group_no_group_may_come_in)
{
	/* Not even root's group, whose number is that of a field nobody filled in. */
	const gid_t zero[] = { 0 };
	const struct peer peer = { 1001, 0, zero, 1 };
	ck_assert_int_eq(peer_rank(&peer, &nobody_else), PEER_STRANGER);
}
END_TEST

SUITE("peer", the_rank_follows_from_uid_and_groups, without_a_configured_group_no_group_may_come_in)
