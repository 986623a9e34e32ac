#include "core/limits.h"

#include <string.h>

#include "suite.h"

#define MIB(n) ((uint64_t)(n) << 20)
#define GIB(n) ((uint64_t)(n) << 30)

static struct config config;
static struct limits limits;
static struct error err;

static void with_defaults(void) {
	config_finish(&config);
	ck_assert_int_eq(config_defaults(&config), 0);
}

static struct size bytes(uint64_t amount) {
	return (struct size){ SIZE_BYTES, amount };
}

static struct size percent(unsigned percent) {
	return (struct size){ SIZE_PERCENT, percent * 100 };
}

static const struct limits *on(struct machine machine) {
	ck_assert_msg(limits_resolve(&config, &machine, &limits, &err) == 0, "%s", err.text);
	return &limits;
}

static const char *refused_on(struct machine machine) {
	struct limits untouched = { .workers = 77 };
	ck_assert_int_eq(limits_resolve(&config, &machine, &untouched, &err), -1);
	ck_assert_uint_eq(untouched.workers, 77);
	return err.text;
}

START_TEST(nothing_configured_is_shares_of_80_percent)
{
	with_defaults();
	const struct limits *l = on((struct machine){ .processors = 4, .memory_bytes = GIB(10) });
	ck_assert_uint_eq(l->workers, 4);
	ck_assert_uint_eq(l->boot_concurrency, 2);
	ck_assert_uint_eq(l->effective_bytes, GIB(10));
	ck_assert_uint_eq(l->total_bytes, GIB(8));
	ck_assert_uint_eq(l->soft_bytes, GIB(2));
	ck_assert_uint_eq(l->hard_bytes, GIB(3));
	ck_assert(!l->total_divided);
}
END_TEST

START_TEST(an_only_worker_has_room_between_soft_and_hard)
{
	with_defaults();
	const struct limits *l = on((struct machine){ .processors = 1, .memory_bytes = GIB(3) });
	ck_assert_uint_eq(l->workers, 1);
	ck_assert_uint_eq(l->boot_concurrency, 1);
	ck_assert_uint_lt(l->soft_bytes, l->hard_bytes);
	ck_assert_uint_le(l->hard_bytes, l->total_bytes);
}
END_TEST

START_TEST(the_cgroup_limit_counts_where_it_is_smaller)
{
	with_defaults();
	struct machine m = { .processors = 2,
			     .memory_bytes = GIB(10),
			     .cgroup_limit_bytes = GIB(5) };
	ck_assert_uint_eq(on(m)->total_bytes, GIB(4));
	m.cgroup_limit_bytes = GIB(20);
	ck_assert_uint_eq(on(m)->effective_bytes, GIB(10));
	m.memory_bytes = 0;
	ck_assert_uint_eq(on(m)->effective_bytes, GIB(20));
}
END_TEST

START_TEST(keepers_without_a_cgroup_limit_share)
{
	with_defaults();
	struct machine m = { .processors = 2, .memory_bytes = GIB(10), .other_keepers = 3 };
	ck_assert_uint_eq(on(m)->total_bytes, GIB(2));
	ck_assert(limits.total_divided);
	m.cgroup_limit_bytes = GIB(20); /* limits nobody */
	ck_assert(on(m)->total_divided);
	m.cgroup_limit_bytes = GIB(5);
	ck_assert_uint_eq(on(m)->total_bytes, GIB(4));
	ck_assert(!limits.total_divided);

	m.cgroup_limit_bytes = 0;
	config.memory.total = bytes(GIB(6));
	ck_assert_uint_eq(on(m)->total_bytes, GIB(6));
	ck_assert(!limits.total_divided);
}
END_TEST

START_TEST(percentages_are_of_the_effective_limit)
{
	with_defaults();
	config.memory.soft = percent(10);
	config.memory.hard = percent(25);
	config.memory.total = percent(50);
	const struct limits *l = on((struct machine){
		.processors = 2, .memory_bytes = GIB(100), .cgroup_limit_bytes = MIB(1000) });
	ck_assert_uint_eq(l->soft_bytes, MIB(100));
	ck_assert_uint_eq(l->hard_bytes, MIB(250));
	ck_assert_uint_eq(l->total_bytes, MIB(500));
}
END_TEST

START_TEST(an_auto_hard_is_cut_at_total_but_never_below_soft)
{
	with_defaults();
	config.memory.soft = bytes(MIB(700));
	ck_assert_uint_eq(
		on((struct machine){ .processors = 1, .memory_bytes = MIB(1000) })->hard_bytes,
		MIB(800));
	/* Three others have come; that alone must not stop us. */
	struct machine crowded = { .processors = 1, .memory_bytes = MIB(1000), .other_keepers = 3 };
	ck_assert_uint_eq(on(crowded)->hard_bytes, MIB(700));
	ck_assert_uint_eq(limits.total_bytes, MIB(200));
}
END_TEST

START_TEST(limits_that_contradict_are_refused)
{
	struct machine m = { .processors = 2, .memory_bytes = GIB(1) };
	with_defaults();
	config.memory.soft = percent(60);
	config.memory.hard = bytes(MIB(600));
	ck_assert_str_eq(refused_on(m), "memory.soft (614MiB) is above memory.hard (600MiB)");
	with_defaults();
	config.memory.hard = bytes(GIB(2));
	ck_assert_str_eq(refused_on(m),
			 "memory.hard (2048MiB) is above the memory there is (1024MiB)");
	with_defaults();
	config.memory.total = bytes(GIB(2));
	ck_assert_ptr_nonnull(strstr(refused_on(m), "is above the memory there is"));
	with_defaults();
	config.memory.total = bytes(MIB(300));
	config.memory.soft = bytes(MIB(400));
	ck_assert_str_eq(refused_on(m), "memory.soft (400MiB) is above memory.total (300MiB)");
}
END_TEST

START_TEST(an_unknown_machine_needs_sizes)
{
	with_defaults();
	ck_assert_ptr_nonnull(strstr(refused_on((struct machine){ 0 }), "memory is unknown"));
	config.memory.total = bytes(GIB(1));
	config.memory.hard = percent(10);
	refused_on((struct machine){ 0 });
	config.memory.hard = (struct size){ SIZE_AUTO, 0 };
	ck_assert_uint_eq(on((struct machine){ 0 })->workers, 1);
}
END_TEST

START_TEST(what_is_configured_wins)
{
	with_defaults();
	config.app.workers = 7;
	config.app.boot_concurrency = 3;
	const struct limits *l = on((struct machine){ .processors = 4, .memory_bytes = GIB(10) });
	ck_assert_uint_eq(l->workers, 7);
	ck_assert_uint_eq(l->boot_concurrency, 3);
	config_finish(&config);
}
END_TEST

START_TEST(more_workers_than_a_herd_holds_are_cut_and_that_is_known)
{
	with_defaults();
	struct machine m = { .processors = CONFIG_WORKERS_MAX, .memory_bytes = GIB(10) };
	ck_assert_uint_eq(on(m)->workers, CONFIG_WORKERS_MAX);
	ck_assert_uint_eq(on(m)->workers_wished, 0);
	m.processors++;
	ck_assert_uint_eq(on(m)->workers, CONFIG_WORKERS_MAX);
	ck_assert_uint_eq(on(m)->workers_wished, CONFIG_WORKERS_MAX + 1);
	config_finish(&config);
}
END_TEST

START_TEST(the_largest_numbers_do_not_overflow)
{
	with_defaults();
	const struct limits *l =
		on((struct machine){ .processors = UINT32_MAX, .memory_bytes = UINT64_MAX });
	ck_assert_uint_gt(l->total_bytes, UINT64_MAX / 10 * 7);
	ck_assert_uint_lt(l->total_bytes, UINT64_MAX / 10 * 9);
	config_finish(&config);
}
END_TEST

SUITE("limits", nothing_configured_is_shares_of_80_percent,
      an_only_worker_has_room_between_soft_and_hard, the_cgroup_limit_counts_where_it_is_smaller,
      keepers_without_a_cgroup_limit_share, percentages_are_of_the_effective_limit,
      an_auto_hard_is_cut_at_total_but_never_below_soft, limits_that_contradict_are_refused,
      an_unknown_machine_needs_sizes, what_is_configured_wins,
      more_workers_than_a_herd_holds_are_cut_and_that_is_known, the_largest_numbers_do_not_overflow)
