/* Readings, and which dear one is next: scripts of events. */
#include <errno.h>

#include "herd_play.h"

static void read_fails(struct stage *t, unsigned worker, int error) {
	stage_feed(t, (struct herd_event){ .kind = HERD_READ, .worker = worker, .error = error });
}

START_TEST(without_permission_the_daemon_neither_reads_again_nor_spins)
{
	struct stage t;
	stage_start(&t, 2);
	struct herd *h = t.herd;
	h->budget.credit = 0; /* the next reading has to wait for its budget */
	h->reading = 0;
	stage_resident(&t, 0)->watch.wants_dear = true;
	stage_happens(&t, HERD_CONTINUED, 0);
	ck_assert_int_gt(h->read_at, t.now);
	ck_assert_int_lt(h->read_at, MSEC_NEVER);
	read_fails(&t, stage_resident(&t, 1)->id, EACCES);
	read_fails(&t, stage_resident(&t, 0)->id, EACCES);
	ck_assert_uint_eq(t.told[EVENT_MEMORY_DEGRADED], 1);
	stage_wait(&t, t.now + MSEC_MINUTE);
	ck_assert_int_gt(herd_deadline(h), t.now);
	ck_assert_ptr_null(stage_order(&t, ORDER_READ));
	stage_close(&t);
}
END_TEST

START_TEST(without_permission_the_limits_hold_for_rss)
{
	struct stage t;
	stage_start(&t, 2);
	read_fails(&t, stage_resident(&t, 0)->id, EACCES);
	stage_tick(&t, 700 * MIB);
	ck_assert_str_eq(stage_said(&t, EVENT_MEMORY_OVER, "figure"), "rss");
	ck_assert_str_eq(stage_said(&t, EVENT_REPLACEMENT_STARTED, "figure"), "rss");
	ck_assert_int_eq(stage_number(&t, EVENT_REPLACEMENT_STARTED, "value"), 700 * MIB);
	stage_close(&t);
}
END_TEST

SUITE("herd_memory", without_permission_the_limits_hold_for_rss,
      without_permission_the_daemon_neither_reads_again_nor_spins)
