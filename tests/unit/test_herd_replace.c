/* Who is replaced, how, and how far: scripts of events. */
#include "herd_play.h"

/* Every cell is taken by workers that sit in the kernel and don't go. */
static void fill_cells(struct stage *t) {
	struct herd *h = t->herd;
	for (; h->cells < HERD_WORKERS_MAX; h->cells++)
		h->workers[h->cells] = (struct worker){
			.id = ++h->last_id,
			.slot = HERD_SLOTS_MAX - 1,
			.role = ROLE_LEAVER,
			.pid = t->next_pid++,
			.life = { .state = WORKER_KILLING, .deadline = t->now + MSEC_HOUR },
		};
}

START_TEST(without_a_free_cell_nothing_begins_and_nothing_spins)
{
	struct stage t;
	stage_start(&t, 2);
	fill_cells(&t);
	stage_read(&t, stage_resident(&t, 0)->id, 700 * MIB);
	ck_assert_ptr_null(stage_order(&t, ORDER_LAUNCH));
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], 0);
	stage_close(&t);
}
END_TEST

SUITE("herd_replace", without_a_free_cell_nothing_begins_and_nothing_spins)
