/* Another daemon's herd is adopted: scripts of events. */
#include "core/herd.h"

#include "herd_play.h"

static void adopt(struct stage *t, const unsigned *gone, size_t n, unsigned release) {
	struct herd_event event = { .kind = HERD_ADOPT };
	event.adopt.gone = gone;
	event.adopt.n = n;
	event.adopt.release = release;
	stage_feed(t, event);
}

START_TEST(one_line_tells_of_the_herd_and_one_of_each_who_ended_meanwhile)
{
	struct stage t;
	stage_start(&t, 3);
	unsigned gone = stage_resident(&t, 1)->id;
	size_t booted = t.told[EVENT_WORKER_BOOTING];
	adopt(&t, &gone, 1, 0);
	ck_assert_int_eq(stage_number(&t, EVENT_HERD_ADOPTED, "workers"), 2);
	ck_assert_int_eq(stage_number(&t, EVENT_HERD_ADOPTED, "gone"), 1);
	ck_assert_int_eq(stage_number(&t, EVENT_HERD_ADOPTED, "replacements"), 0);
	ck_assert_int_eq(t.orders->told[0].id, EVENT_HERD_ADOPTED);
	ck_assert_uint_eq(t.told[EVENT_WORKER_DIED], 1);
	ck_assert_str_eq(stage_said(&t, EVENT_WORKER_DIED, "reason"),
			 "it ended while no pumakeeperd watched");
	ck_assert_uint_eq(t.told[EVENT_WORKER_BOOTING], booted);
	stage_close(&t);
}
END_TEST

SUITE("herd_adopt", one_line_tells_of_the_herd_and_one_of_each_who_ended_meanwhile)
