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

START_TEST(a_title_is_somebodys_own_where_it_can_not_be_a_parents)
{
	enum { WORKER_0 = 11, US = 1 };
	static const struct {
		pid_t parent;
		bool serves;
		unsigned index;
		bool own;
	} rows[] = {
		{ MASTER, false, 0, true }, /* the master has another title */
		{ MASTER, false, 3, true },
		{ WORKER_0, false, 0, false }, /* just forked by worker 0; or the app's */
		{ WORKER_0, true, 0, false },
		{ WORKER_0, false, 3, true },
		{ US, false, 3, false }, /* what worker 3's app has left */
		{ US, true, 3, true },
		{ US, true, 0, false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct cluster_kin kin = { .parent = rows[i].parent,
						 .master = MASTER,
						 .worker_0 = WORKER_0,
						 .serves = rows[i].serves };
		ck_assert_msg(cluster_title_is_own(&kin, rows[i].index) == rows[i].own, "row %zu",
			      i);
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
		{ .worker = 1, .slot = 3, .release = 1, .successor = true },
		{ .worker = 2, .slot = 0, .release = 1 },
		{ .worker = 3, .slot = 2, .release = 1 },
		{ .worker = 4, .slot = 1, .release = 2 },
	};
	ck_assert_uint_eq(cluster_pick(waits, 4, 1, 2), 2);
	ck_assert_uint_eq(cluster_pick(waits, 4, 1, 0), 1);
	ck_assert_uint_eq(cluster_pick(waits, 4, 1, 3), 1); /* an empty slot is more urgent */
	ck_assert_uint_eq(cluster_pick(waits, 1, 1, 5), 0);
}
END_TEST

START_TEST(a_worker_of_other_code_goes_to_nobody_who_waits_for_this_one)
{
	static const struct cluster_wait waits[] = { { .worker = 1, .slot = 0, .release = 2 } };
	ck_assert_uint_eq(cluster_pick(waits, 1, 2, 0), 0);
	ck_assert_uint_eq(cluster_pick(waits, 1, 1, 0), 1);
	ck_assert_uint_eq(cluster_pick(waits, 0, 1, 0), 0);
}
END_TEST

/* Two workers that serve. */
static const struct cluster_count at_rest = {
	.wanted = 2, .has = 2, .living = 2, .ready = 2, .claimed = 2
};

START_TEST(one_more_is_asked_for_only_while_everybody_serves)
{
	struct cluster_count c = at_rest;
	ck_assert_int_eq(cluster_decide(&c), CLUSTER_NOTHING);
	c.waits = 1;
	ck_assert_int_eq(cluster_decide(&c), CLUSTER_ONE_MORE);
	c.ready = 1; /* a phased restart, or a boot */
	ck_assert_int_eq(cluster_decide(&c), CLUSTER_NOTHING);
	c = at_rest;
	c.waits = 1;
	c.leaving = 1;
	ck_assert_int_eq(cluster_decide(&c), CLUSTER_NOTHING);
	c.leaving = 0;
	c.restarting = true; /* it may look at rest between two of them */
	ck_assert_int_eq(cluster_decide(&c), CLUSTER_NOTHING);
	c.restarting = false;
	c.untold = 1;
	ck_assert_int_eq(cluster_decide(&c), CLUSTER_NOTHING);
	c.untold = 0;
	c.living = c.ready = c.claimed = 1; /* its respawn comes by itself */
	ck_assert_int_eq(cluster_decide(&c), CLUSTER_NOTHING);
}
END_TEST

START_TEST(the_next_one_is_asked_for_when_the_one_before_has_come)
{
	struct cluster_count c = at_rest;
	c.waits = 1;
	c.has = 3;
	ck_assert_int_eq(cluster_decide(&c), CLUSTER_NOTHING);
	c.living = c.ready = 3; /* it is there, and nobody's: it will be given away */
	ck_assert_int_eq(cluster_decide(&c), CLUSTER_NOTHING);
	c.claimed = 3; /* by another one */
	ck_assert_int_eq(cluster_decide(&c), CLUSTER_ONE_MORE);
}
END_TEST

START_TEST(one_less_is_asked_for_when_the_old_one_is_gone_and_its_respawn_is_there)
{
	struct cluster_count c = { .wanted = 2, .has = 3, .living = 3, .ready = 3, .claimed = 3 };
	ck_assert_int_eq(cluster_decide(&c), CLUSTER_NOTHING); /* the old one serves */
	c.leaving = 1; /* it drains: TTOU would hit the new one */
	ck_assert_int_eq(cluster_decide(&c), CLUSTER_NOTHING);
	c = (struct cluster_count){ .wanted = 2, .has = 3, .living = 2, .ready = 2, .claimed = 2 };
	ck_assert_int_eq(cluster_decide(&c), CLUSTER_NOTHING); /* gone */
	c.living = 3;
	c.untold = 1; /* when that is heard, there may be another one to replace */
	ck_assert_int_eq(cluster_decide(&c), CLUSTER_NOTHING);
	c.untold = 0;
	ck_assert_int_eq(cluster_decide(&c), CLUSTER_ONE_LESS);
	c.has = 2;
	c.culling = true;
	ck_assert_int_eq(cluster_decide(&c), CLUSTER_NOTHING); /* and once is enough */
}
END_TEST

START_TEST(nobody_is_culled_while_a_slot_is_empty)
{
	struct cluster_count c = { .wanted = 2, .has = 3, .living = 3, .ready = 3, .claimed = 1 };
	ck_assert_int_eq(cluster_decide(&c), CLUSTER_NOTHING);
	c.elsewhere = 1;
	ck_assert_int_eq(cluster_decide(&c), CLUSTER_ONE_LESS);
}
END_TEST

/* A deploy of two slots, seen by either master: never more than three that serve. */
START_TEST(one_master_grows_as_the_other_shrinks)
{
	struct cluster_count fresh = { .wanted = 2, .elsewhere = 2, .waits = 1 };
	ck_assert_uint_eq(cluster_needed(&fresh), 1); /* what it is started with */
	fresh = (struct cluster_count){
		.wanted = 2, .elsewhere = 1, .has = 1, .living = 1, .ready = 1, .claimed = 1
	};
	ck_assert_int_eq(cluster_decide(&fresh), CLUSTER_NOTHING); /* one slot is the other's */
	fresh.waits = 1;
	ck_assert_int_eq(cluster_decide(&fresh), CLUSTER_ONE_MORE);

	struct cluster_count old = { .has = 2, .living = 2, .ready = 2, .claimed = 2 };
	ck_assert_int_eq(cluster_decide(&old), CLUSTER_NOTHING);
	old.claimed = 1; /* the other one is gone, its respawn is there */
	ck_assert_int_eq(cluster_decide(&old), CLUSTER_ONE_LESS);
	old.has = old.living = old.ready = 1; /* and Puma keeps the last one until it ends itself */
	old.claimed = 0;
	ck_assert_int_eq(cluster_decide(&old), CLUSTER_NOTHING);
}
END_TEST

START_TEST(a_slot_whose_worker_died_with_its_master_is_brought_up_by_the_new_one)
{
	struct cluster_count c = {
		.wanted = 3, .elsewhere = 1, .has = 1, .living = 1, .ready = 1, .claimed = 1
	};
	ck_assert_uint_eq(cluster_needed(&c), 2);
	ck_assert_int_eq(cluster_decide(&c), CLUSTER_ONE_MORE);
}
END_TEST

START_TEST(a_restart_is_over_once_all_are_new_and_serve)
{
	static const struct {
		const char *when;
		bool over;
		struct cluster_count count;
	} rows[] = {
		{ "nobody has ended yet",
		  false,
		  { .restarting = true, .has = 2, .living = 2, .ready = 2, .old = 2 } },
		{ "phased, half of it",
		  false,
		  { .restarting = true, .has = 2, .living = 2, .ready = 2, .old = 1 } },
		{ "the last one boots",
		  false,
		  { .restarting = true, .has = 2, .living = 2, .ready = 1 } },
		{ "hot, all are gone", false, { .restarting = true, .has = 2 } },
		{ "hot, of a master that was adopted just now", false, { .restarting = true } },
		{ "hot, the first one serves",
		  false,
		  { .restarting = true, .has = 2, .living = 1, .ready = 1 } },
		{ "all of them", true, { .restarting = true, .has = 2, .living = 2, .ready = 2 } },
		{ "and one more", true, { .restarting = true, .has = 2, .living = 3, .ready = 3 } },
		{ "it says so of those that boot yet",
		  true,
		  { .restarting = true, .over = true, .has = 2, .living = 2, .ready = 1 } },
		{ "and one of them has ended, of which nobody has heard",
		  false,
		  { .restarting = true,
		    .over = true,
		    .has = 2,
		    .living = 2,
		    .ready = 2,
		    .untold = 1 } },
		{ "there is none", false, { .has = 2, .living = 2, .ready = 2 } },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_msg(cluster_restarted(&rows[i].count) == rows[i].over, "%s",
			      rows[i].when);
}
END_TEST

SUITE("cluster", a_restart_is_over_once_all_are_new_and_serve,
      a_worker_of_every_puma_is_known_by_its_title,
      whoever_has_another_title_or_another_master_is_none,
      a_title_is_somebodys_own_where_it_can_not_be_a_parents,
      a_title_ends_at_its_first_nul_and_with_what_was_read,
      a_worker_goes_to_the_slot_of_its_index_then_to_an_empty_one,
      a_worker_of_other_code_goes_to_nobody_who_waits_for_this_one,
      one_more_is_asked_for_only_while_everybody_serves,
      the_next_one_is_asked_for_when_the_one_before_has_come,
      one_less_is_asked_for_when_the_old_one_is_gone_and_its_respawn_is_there,
      nobody_is_culled_while_a_slot_is_empty, one_master_grows_as_the_other_shrinks,
      a_slot_whose_worker_died_with_its_master_is_brought_up_by_the_new_one)
