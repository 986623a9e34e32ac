#include <check.h>
#include <string.h>

#include "core/cluster.h"
#include "suite.h"

#define MASTER 4711

/* With the NULs that Puma leaves of its former arguments. */
static bool reads(const char *title, unsigned *index) {
	char cmdline[256] = { 0 };
	strncpy(cmdline, title, sizeof cmdline - 1);
	*index = 99;
	return cluster_title(cmdline, sizeof cmdline, MASTER, index);
}

START_TEST(a_worker_of_every_puma_is_known_by_its_title)
{
	static const struct {
		const char *title;
		unsigned index;
	} rows[] = {
		{ "puma: cluster worker 0: 4711 [shop]", 0 },
		{ "puma: cluster worker 7: 4711", 7 },
		{ "puma: cluster worker 127: 4711 [shop [old] ]", 127 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned index;
		ck_assert_msg(reads(rows[i].title, &index), "%s", rows[i].title);
		ck_assert_uint_eq(index, rows[i].index);
	}
}
END_TEST

START_TEST(whoever_has_another_title_or_another_master_is_none)
{
	static const char *const rows[] = {
		"",
		"puma 5.6.5 (tcp://127.0.0.1:9292) [shop]", /* the master, or a child before its title */
		"puma: cluster worker 0: 471 [shop]",
		"puma: cluster worker 0: 47110",
		"puma: cluster worker 0: 4711x",
		"puma: cluster worker -1: 4711",
		"puma: cluster worker : 4711",
		"puma: cluster worker 0:4711",
		"puma: cluster worker 0: ",
		"puma: cluster worker 99999999999999999999: 4711",
		"puma: cluster worker 0: 99999999999999999999999",
		" puma: cluster worker 0: 4711",
		"sh -c puma: cluster worker 0: 4711",
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned index;
		ck_assert_msg(!reads(rows[i], &index), "%s", rows[i]);
	}
}
END_TEST

START_TEST(a_title_ends_at_its_first_nul_and_with_what_was_read)
{
	static const char words[] = "puma: cluster worker 1: 4711\0 [x]";
	unsigned index;
	ck_assert(cluster_title(words, sizeof words, MASTER, &index));
	ck_assert(cluster_title(words, strlen(words), MASTER, &index));
	ck_assert(!cluster_title(words, strlen(words) - 1, MASTER, &index));
	static const char apart[] = "puma: cluster\0worker 1: 4711";
	ck_assert(!cluster_title(apart, sizeof apart, MASTER, &index));
}
END_TEST

START_TEST(a_worker_goes_to_the_slot_of_its_index_then_to_an_empty_one)
{
	static const struct cluster_wait waits[] = {
		{ .worker = 1, .slot = 3, .successor = true },
		{ .worker = 2, .slot = 0 },
		{ .worker = 3, .slot = 2 },
	};
	ck_assert_uint_eq(cluster_pick(waits, 3, 2), 2);
	ck_assert_uint_eq(cluster_pick(waits, 3, 0), 1);
	ck_assert_uint_eq(cluster_pick(waits, 3, 3), 1); /* an empty slot is more urgent */
	ck_assert_uint_eq(cluster_pick(waits, 1, 5), 0);
}
END_TEST

/* Two workers that serve. */
static const struct cluster_count at_rest = { .wanted = 2, .living = 2, .ready = 2, .claimed = 2 };

START_TEST(one_more_is_asked_for_only_while_everybody_serves)
{
	struct cluster_count c = at_rest;
	ck_assert_int_eq(cluster_decide(&c), CLUSTER_NOTHING);
	c.successors = 1;
	ck_assert_int_eq(cluster_decide(&c), CLUSTER_ONE_MORE);
	c.ready = 1; /* a phased restart, or a boot */
	ck_assert_int_eq(cluster_decide(&c), CLUSTER_NOTHING);
	c = at_rest;
	c.successors = 1;
	c.leaving = 1;
	ck_assert_int_eq(cluster_decide(&c), CLUSTER_NOTHING);
	c.leaving = 0;
	c.residents = 1;
	ck_assert_int_eq(cluster_decide(&c), CLUSTER_NOTHING);
	c.residents = 0;
	c.living = c.ready = c.claimed = 1;
	ck_assert_int_eq(cluster_decide(&c), CLUSTER_NOTHING);
}
END_TEST

START_TEST(the_next_one_is_asked_for_when_the_one_before_has_come)
{
	struct cluster_count c = at_rest;
	c.successors = c.extra = 1;
	ck_assert_int_eq(cluster_decide(&c), CLUSTER_NOTHING);
	c.living = c.ready = 3; /* it is there, and nobody's: it will be given away */
	ck_assert_int_eq(cluster_decide(&c), CLUSTER_NOTHING);
	c.claimed = 3; /* by another one */
	ck_assert_int_eq(cluster_decide(&c), CLUSTER_ONE_MORE);
}
END_TEST

START_TEST(one_less_is_asked_for_when_the_old_one_is_gone_and_its_respawn_is_there)
{
	struct cluster_count c = { .wanted = 2, .extra = 1, .living = 3, .ready = 3, .claimed = 3 };
	ck_assert_int_eq(cluster_decide(&c), CLUSTER_NOTHING); /* the old one serves */
	c.leaving = 1;
	ck_assert_int_eq(cluster_decide(&c),
			 CLUSTER_NOTHING); /* it drains: TTOU would hit the new one */
	c = (struct cluster_count){
		.wanted = 2, .extra = 1, .living = 2, .ready = 2, .claimed = 2
	};
	ck_assert_int_eq(cluster_decide(&c), CLUSTER_NOTHING); /* gone */
	c.living = 3;
	c.untold = 1; /* when that is heard, there may be another one to replace */
	ck_assert_int_eq(cluster_decide(&c), CLUSTER_NOTHING);
	c.untold = 0;
	ck_assert_int_eq(cluster_decide(&c), CLUSTER_ONE_LESS);
	c.extra = 0;
	c.culling = true;
	ck_assert_int_eq(cluster_decide(&c), CLUSTER_NOTHING); /* and once is enough */
}
END_TEST

START_TEST(nobody_is_culled_while_a_slot_is_empty)
{
	struct cluster_count c = { .wanted = 2, .extra = 1, .living = 3, .ready = 3, .claimed = 1 };
	ck_assert_int_eq(cluster_decide(&c), CLUSTER_NOTHING);
	c.claimed = 2;
	c.residents = 1;
	ck_assert_int_eq(cluster_decide(&c), CLUSTER_NOTHING);
}
END_TEST

SUITE("cluster", a_worker_of_every_puma_is_known_by_its_title,
      whoever_has_another_title_or_another_master_is_none,
      a_title_ends_at_its_first_nul_and_with_what_was_read,
      a_worker_goes_to_the_slot_of_its_index_then_to_an_empty_one,
      one_more_is_asked_for_only_while_everybody_serves,
      the_next_one_is_asked_for_when_the_one_before_has_come,
      one_less_is_asked_for_when_the_old_one_is_gone_and_its_respawn_is_there,
      nobody_is_culled_while_a_slot_is_empty)
