/* Molds as the herd knows them: scripts of events. */
#include <errno.h>

#include "herd_play.h"

static struct herd_event mold_event(unsigned generation, unsigned release, enum mold_state state,
				    int pid) {
	struct herd_event event = { .kind = HERD_PARENT, .generation = generation };
	event.parent.release = release;
	event.parent.state = state;
	event.parent.pid = pid;
	return event;
}

static void mold_is(struct stage *t, unsigned generation, unsigned release, enum mold_state state,
		    int pid) {
	stage_feed(t, mold_event(generation, release, state, pid));
}

/* It was killed, and another one is made in five seconds. */
static void mold_breaks(struct stage *t, unsigned generation, unsigned release) {
	struct herd_event event = mold_event(generation, release, MOLD_BROKEN, 0);
	event.text = "SIGKILL";
	event.parent.retry = 5 * MSEC_SECOND;
	stage_feed(t, event);
}

static void mold_was_read(struct stage *t, unsigned generation, uint64_t rss, uint64_t pss,
			  uint64_t uss) {
	struct herd_event event = { .kind = HERD_PARENT_READ, .generation = generation };
	event.read.memory = (struct memory){ .rss_bytes = rss, .pss_bytes = pss, .uss_bytes = uss };
	event.read.took_usec = 1000;
	stage_feed(t, event);
}

/* A herd of two that was forked from the mold 1, pid 50. */
static void start(struct stage *t) {
	stage_start(t, 2);
	mold_is(t, 1, 1, MOLD_LOADING, 50);
	mold_is(t, 1, 1, MOLD_READY, 50);
	ck_assert_int_eq(stage_order(t, ORDER_READ_PARENT)->number, 1);
}

/* A tick; which generation is to be read, 0: none. */
static unsigned asked(struct stage *t) {
	stage_tick(t, 70 * MIB);
	const struct order *order = stage_order(t, ORDER_READ_PARENT);
	ck_assert_uint_le(stage_orders(t, ORDER_READ_PARENT), 1);
	return order != NULL ? (unsigned)order->number : 0;
}

START_TEST(each_change_of_a_mold_is_told_once_with_its_numbers)
{
	static const struct {
		enum mold_state state;
		enum event_id id;
		const char *key;
		int64_t value;
	} rows[] = { { MOLD_LOADING, EVENT_MOLD_LOADING, "release", 3 },
		     { MOLD_READY, EVENT_MOLD_READY, "took", 1500 },
		     { MOLD_ENDING, EVENT_MOLD_ENDING, "pid", 50 },
		     { MOLD_GONE, EVENT_MOLD_GONE, "pid", 50 } };
	struct stage t;
	stage_open(&t, 1);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct herd_event event = mold_event(7, 3, rows[i].state, i < 3 ? 50 : 0);
		event.parent.took = 1500;
		stage_feed(&t, event);
		ck_assert_uint_eq(t.orders->n_told, 1);
		ck_assert_uint_eq(t.told[rows[i].id], 1);
		ck_assert_int_eq(stage_number(&t, rows[i].id, "generation"), 7);
		ck_assert_int_eq(stage_number(&t, rows[i].id, rows[i].key), rows[i].value);
	}
	ck_assert_ptr_null(herd_parent(t.herd));
	stage_close(&t);
}
END_TEST

START_TEST(one_that_ends_by_itself_says_why_and_when_there_is_another)
{
	struct stage t;
	start(&t);
	mold_breaks(&t, 1, 1);
	ck_assert_str_eq(stage_said(&t, EVENT_MOLD_BROKEN, "reason"), "SIGKILL");
	ck_assert_int_eq(stage_number(&t, EVENT_MOLD_BROKEN, "pid"), 50);
	ck_assert_int_eq(stage_number(&t, EVENT_MOLD_BROKEN, "retry"), 5 * MSEC_SECOND);
	const struct parent *p = herd_parent(t.herd);
	ck_assert_int_eq(p->state, MOLD_BROKEN);
	ck_assert_int_eq(p->pid, 0);
	ck_assert_str_eq(p->reason, "SIGKILL");
	ck_assert_int_eq(p->retry_at, t.now + 5 * MSEC_SECOND);
	mold_is(&t, 2, 1, MOLD_LOADING, 51);
	p = herd_parent(t.herd);
	ck_assert_uint_eq(p->generation, 2);
	ck_assert_str_eq(p->reason, "");
	ck_assert_int_eq(p->retry_at, 0);
	mold_breaks(&t, 2, 1);
	mold_is(&t, 2, 1, MOLD_GONE, 0); /* let go while there is none */
	ck_assert_int_eq(stage_number(&t, EVENT_MOLD_GONE, "generation"), 2);
	ck_assert_int_eq(stage_number(&t, EVENT_MOLD_GONE, "pid"), -1); /* it isn't said */
	stage_close(&t);
}
END_TEST

START_TEST(the_end_of_a_former_one_is_not_that_of_its_successor)
{
	struct stage t;
	stage_start(&t, 1);
	mold_is(&t, 3, 2, MOLD_ADOPTED, 50); /* a failed deploy goes back to its release */
	mold_is(&t, 4, 2, MOLD_LOADING, 51);
	mold_is(&t, 3, 2, MOLD_ENDING, 50);
	ck_assert_uint_eq(t.told[EVENT_MOLD_ENDING], 1);
	mold_is(&t, 3, 2, MOLD_GONE, 0);
	ck_assert_uint_eq(t.told[EVENT_MOLD_GONE], 1);
	const struct parent *p = herd_parent(t.herd);
	ck_assert_ptr_nonnull(p);
	ck_assert_uint_eq(p->generation, 4);
	ck_assert_int_eq(p->state, MOLD_LOADING);
	ck_assert_int_eq(p->pid, 51);
	stage_close(&t);
}
END_TEST

START_TEST(its_memory_is_part_of_the_herds)
{
	struct stage t;
	start(&t);
	ck_assert(herd_memory(t.herd).pss_known); /* as of a worker, unless it was read */
	mold_was_read(&t, 1, 60 * MIB, 30 * MIB, 2 * MIB);
	struct herd_memory sum = herd_memory(t.herd);
	ck_assert(sum.pss_known);
	ck_assert_uint_eq(sum.rss_bytes, (140 + 60) * MIB);
	ck_assert_uint_eq(sum.pss_bytes, (110 + 30) * MIB);
	ck_assert_uint_eq(sum.uss_bytes, (100 + 2) * MIB);
	stage_close(&t);
}
END_TEST

/* A herd of `n`, booted of the mold 1, of which nothing was read. */
static void start_unread(struct stage *t, unsigned n, uint64_t total) {
	stage_open(t, n);
	t->limits.total_bytes = total;
	t->held[0] = t->config;
	herd_init(t->herd, &t->held[0], &t->limits);
	mold_is(t, 1, 1, MOLD_READY, 50);
	stage_feed(t, (struct herd_event){ .kind = HERD_START });
}

/* The resident of `slot` is forked, proves itself and is read. */
static void fork_and_read(struct stage *t, unsigned slot, uint64_t pss) {
	unsigned id = stage_resident(t, slot)->id;
	stage_feed(t, (struct herd_event){ .kind = HERD_LAUNCHED,
					   .worker = id,
					   .number = t->next_pid++,
					   .generation = 1 });
	stage_answered(t, id);
	struct herd_event event = { .kind = HERD_READ, .worker = id };
	event.read.memory =
		(struct memory){ .rss_bytes = 220 * MIB, .pss_bytes = pss, .uss_bytes = 20 * MIB };
	stage_feed(t, event);
}

START_TEST(the_first_to_be_forked_says_nothing_of_a_herd_of_its_own_size)
{
	struct stage t;
	start_unread(&t, 4, 300 * MIB); /* 200 that are shared, four times 20, and the mold's own */
	fork_and_read(&t, 0, 120 * MIB);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_FUTILE], 0);
	stage_close(&t);
	start_unread(&t, 4, 260 * MIB);
	fork_and_read(&t, 0, 120 * MIB);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_FUTILE], 1);
	ck_assert_int_eq(stage_number(&t, EVENT_REPLACEMENT_FUTILE, "plateau"), 300 * MIB);
	stage_close(&t);
}
END_TEST

/* Else a limit below what a fresh herd needs is taken for a leak, and everybody is replaced. */
START_TEST(what_a_fresh_herd_needs_is_with_what_it_was_forked_from)
{
	struct stage t;
	stage_open(&t, 2);
	t.limits.total_bytes = MIB;
	t.held[0] = t.config;
	herd_init(t.herd, &t.held[0], &t.limits);
	stage_feed(&t, (struct herd_event){ .kind = HERD_START });
	mold_is(&t, 1, 1, MOLD_READY, 50);
	mold_was_read(&t, 1, 24 * MIB, 8 * MIB, MIB);
	stage_boot_all(&t);
	for (unsigned slot = 0; slot < 2; slot++)
		stage_resident(&t, slot)->generation = 1;
	stage_read(&t, stage_resident(&t, 0)->id, 2 * MIB); /* RSS 22, PSS 7 */
	ck_assert_int_eq(stage_number(&t, EVENT_REPLACEMENT_FUTILE, "plateau"), 22 * MIB);
	stage_read(&t, stage_resident(&t, 1)->id, 2 * MIB);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], 0);
	stage_close(&t);
}
END_TEST

START_TEST(what_is_shared_is_in_the_total_once_however_old_the_figures_are)
{
	static const uint64_t pss[] = { 120, 87, 70, 60 }; /* each as when it was the last */
	struct stage t;
	uint64_t value;
	start_unread(&t, 4, 330 * MIB);
	mold_was_read(&t, 1, 210 * MIB, 210 * MIB, 210 * MIB); /* alone */
	for (unsigned slot = 0; slot < 4; slot++) {
		fork_and_read(&t, slot, pss[slot] * MIB);
		ck_assert(!herd_total_over(t.herd, &value));
	}
	ck_assert_uint_eq(value, (210 + 4 * 20) * MIB);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], 0);
	mold_was_read(&t, 1, 210 * MIB, 50 * MIB, 10 * MIB);
	for (unsigned slot = 0; slot < 4; slot++) /* and by fresh ones it is as they say */
		herd_resident(t.herd, slot)->watch.memory.pss_bytes = 55 * MIB;
	ck_assert(!herd_total_over(t.herd, &value));
	ck_assert_uint_eq(value, (50 + 4 * 55) * MIB);
	stage_close(&t);
}
END_TEST

START_TEST(the_total_is_about_molds_that_stay)
{
	struct stage t;
	uint64_t value;
	start(&t);
	mold_was_read(&t, 1, 60 * MIB, 30 * MIB, 2 * MIB);
	mold_is(&t, 2, 2, MOLD_LOADING, 51);
	mold_was_read(&t, 2, 60 * MIB, 60 * MIB, 60 * MIB);
	(void)herd_total_over(t.herd, &value);
	ck_assert_uint_eq(value, (110 + 30) * MIB);
	ck_assert_uint_eq(herd_memory(t.herd).pss_bytes, (110 + 30 + 60) * MIB);
	mold_is(&t, 1, 1, MOLD_ENDING, 50);
	(void)herd_total_over(t.herd, &value);
	ck_assert_uint_eq(value, 110 * MIB);
	stage_close(&t);
}
END_TEST

START_TEST(two_molds_are_over_the_total_by_design_but_not_over_the_kernels_limit)
{
	struct stage t;
	start(&t);
	unsigned id = stage_resident(&t, 0)->id;
	mold_was_read(&t, 1, 60 * MIB, 30 * MIB, 2 * MIB);
	t.herd->limits.total_bytes = 160 * MIB;
	mold_is(&t, 2, 2, MOLD_LOADING, 51);
	mold_is(&t, 2, 2, MOLD_READY, 51);
	mold_was_read(&t, 2, 60 * MIB, 60 * MIB, 60 * MIB);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], 0);
	t.herd->limits.effective_bytes = 190 * MIB;
	stage_read(&t, id, 50 * MIB);
	ck_assert_str_eq(stage_said(&t, EVENT_REPLACEMENT_STARTED, "cause"), "total");
	stage_close(&t);
	start(&t);
	mold_was_read(&t, 1, 60 * MIB, 30 * MIB, 2 * MIB);
	t.herd->limits.total_bytes = 130 * MIB;
	stage_read(&t, stage_resident(&t, 0)->id, 50 * MIB); /* one mold is no excuse */
	ck_assert_str_eq(stage_said(&t, EVENT_REPLACEMENT_STARTED, "cause"), "total");
	stage_close(&t);
}
END_TEST

START_TEST(its_memory_counts_for_the_total)
{
	struct stage t;
	uint64_t value;
	start(&t);
	t.herd->limits.total_bytes = 120 * MIB;
	ck_assert(!herd_total_over(t.herd, &value));
	mold_was_read(&t, 1, 60 * MIB, 30 * MIB, 2 * MIB);
	ck_assert(herd_total_over(t.herd, &value));
	ck_assert_uint_eq(value, 140 * MIB);
	stage_close(&t);
}
END_TEST

START_TEST(the_memory_of_one_that_has_ended_is_nobodys)
{
	struct stage t;
	start(&t);
	mold_was_read(&t, 1, 60 * MIB, 30 * MIB, 2 * MIB);
	mold_breaks(&t, 1, 1);
	ck_assert(herd_memory(t.herd).pss_known);
	ck_assert_uint_eq(herd_memory(t.herd).pss_bytes, 110 * MIB);
	mold_was_read(&t, 1, 60 * MIB, 30 * MIB, 2 * MIB); /* a late answer */
	ck_assert_uint_eq(herd_memory(t.herd).pss_bytes, 110 * MIB);
	mold_is(&t, 2, 1, MOLD_LOADING, 51);
	mold_was_read(&t, 1, 60 * MIB, 30 * MIB, 2 * MIB); /* of another life */
	ck_assert_uint_eq(herd_memory(t.herd).pss_bytes, 110 * MIB);
	stage_close(&t);
}
END_TEST

START_TEST(a_reading_that_failed_leaves_unknown_what_is_unknown)
{
	struct stage t;
	struct herd_event failed = { .kind = HERD_PARENT_READ, .generation = 1, .error = EACCES };
	start(&t);
	stage_feed(&t, failed);
	ck_assert_uint_eq(herd_parent(t.herd)->rss_bytes, 0);
	ck_assert(!herd_memory(t.herd).pss_known);
	ck_assert_uint_eq(asked(&t), 0); /* nor is it tried again at each tick */
	mold_was_read(&t, 1, 60 * MIB, 30 * MIB, 2 * MIB);
	stage_feed(&t, failed);
	ck_assert(herd_memory(t.herd).pss_known);
	ck_assert_uint_eq(herd_memory(t.herd).pss_bytes, 140 * MIB);
	stage_close(&t);
}
END_TEST

START_TEST(it_is_read_while_it_loads_and_when_it_has_and_then_every_minute)
{
	struct stage t;
	start(&t);
	mold_breaks(&t, 1, 1);
	mold_is(&t, 2, 1, MOLD_LOADING, 51);
	for (int i = 0; i < 3; i++) {
		ck_assert_uint_eq(asked(&t), 2);
		ck_assert_uint_eq(asked(&t), 0); /* it is being read */
		mold_was_read(&t, 2, 40 * MIB, 40 * MIB, 40 * MIB);
	}
	mold_is(&t, 2, 1, MOLD_READY, 51);
	ck_assert_uint_eq(stage_orders(&t, ORDER_READ_PARENT), 1); /* workers are about to come */
	ck_assert_uint_eq(asked(&t), 0);
	mold_was_read(&t, 2, 60 * MIB, 30 * MIB, 2 * MIB);
	t.now += MSEC_MINUTE - 1;
	ck_assert_uint_eq(asked(&t), 0);
	t.now += 1;
	ck_assert_uint_eq(asked(&t), 2);
	mold_was_read(&t, 2, 60 * MIB, 30 * MIB, 2 * MIB);
	mold_is(&t, 2, 1, MOLD_ENDING, 51);
	t.now += MSEC_HOUR;
	ck_assert_uint_eq(asked(&t), 0);
	stage_close(&t);
}
END_TEST

START_TEST(it_is_read_again_when_workers_have_come_or_gone)
{
	struct stage t;
	start(&t);
	mold_was_read(&t, 1, 60 * MIB, 30 * MIB, 2 * MIB);
	ck_assert_uint_eq(asked(&t), 0);
	t.now += MSEC_SECOND;
	stage_exited(&t, stage_resident(&t, 1)->id);
	ck_assert_uint_eq(asked(&t), 1);
	stage_boot_all(&t); /* while it is being read: that figure is old when it comes */
	mold_was_read(&t, 1, 60 * MIB, 40 * MIB, 2 * MIB);
	ck_assert_uint_eq(asked(&t), 1);
	mold_was_read(&t, 1, 60 * MIB, 30 * MIB, 2 * MIB);
	ck_assert_uint_eq(asked(&t), 0);
	stage_close(&t);
}
END_TEST

START_TEST(near_the_total_it_is_read_at_each_tick)
{
	struct stage t;
	start(&t);
	t.herd->limits.total_bytes = 145 * MIB;
	mold_was_read(&t, 1, 60 * MIB, 30 * MIB, 2 * MIB);
	ck_assert_uint_eq(asked(&t), 1);
	stage_close(&t);
}
END_TEST

START_TEST(a_reading_that_never_comes_back_is_asked_for_again_much_later)
{
	struct stage t;
	start(&t);
	t.now += 10 * MSEC_MINUTE - 1;
	ck_assert_uint_eq(asked(&t), 0);
	t.now += 1;
	ck_assert_uint_eq(asked(&t), 1);
	stage_close(&t);
}
END_TEST

START_TEST(during_a_deploy_there_are_two_and_the_newest_is_shown)
{
	struct stage t;
	start(&t);
	mold_was_read(&t, 1, 60 * MIB, 30 * MIB, 2 * MIB);
	stage_deploy(&t, 2);
	mold_is(&t, 2, 2, MOLD_LOADING, 51);
	mold_is(&t, 2, 2, MOLD_READY, 51);
	mold_was_read(&t, 2, 60 * MIB, 60 * MIB, 60 * MIB);
	ck_assert_uint_eq(herd_parent(t.herd)->generation, 2);
	ck_assert_uint_eq(herd_memory(t.herd).pss_bytes, (110 + 30 + 60) * MIB);
	mold_breaks(&t, 1, 1); /* the old one: its successor is none of its business */
	ck_assert_uint_eq(herd_parent(t.herd)->generation, 2);
	mold_is(&t, 3, 1, MOLD_LOADING, 52); /* of the old release, for one that had asked */
	ck_assert_uint_eq(herd_parent(t.herd)->generation, 3);
	mold_is(&t, 3, 1, MOLD_GONE, 0);
	ck_assert_uint_eq(herd_parent(t.herd)->generation, 2);
	stage_close(&t);
}
END_TEST

START_TEST(one_mold_too_many_is_not_kept)
{
	struct stage t;
	stage_open(&t, 1);
	for (unsigned i = 1; i <= HERD_PARENTS_MAX + 1; i++)
		mold_is(&t, i, i, MOLD_LOADING, 50 + (int)i);
	ck_assert_uint_eq(herd_parent(t.herd)->generation, HERD_PARENTS_MAX);
	stage_close(&t);
}
END_TEST

START_TEST(the_release_in_force_is_wanted_until_the_herd_leaves)
{
	struct stage t;
	start(&t);
	stage_feed(&t, (struct herd_event){ .kind = HERD_RELEASE, .number = 5 });
	ck_assert(herd_wants_release(t.herd, 5));
	ck_assert(!herd_wants_release(t.herd, 1)); /* who runs on it needs no mold */
	stage_stop(&t);
	ck_assert(!herd_wants_release(t.herd, 5));
	stage_close(&t);
}
END_TEST

START_TEST(what_a_deploy_may_go_back_to_is_wanted_until_it_is_over)
{
	struct stage t;
	stage_start(&t, 2);
	unsigned before = t.herd->release;
	stage_deploy(&t, before + 1);
	ck_assert(herd_wants_release(t.herd, before));
	ck_assert(herd_wants_release(t.herd, before + 1));
	for (unsigned slot = 0; slot < 2; slot++) {
		unsigned old = stage_resident(&t, slot)->id;
		ck_assert(herd_wants_release(t.herd, before));
		stage_bring_up(&t, slot);
		stage_exited(&t, old);
	}
	ck_assert_uint_eq(t.told[EVENT_RESTART_DONE], 1);
	ck_assert(!herd_wants_release(t.herd, before));
	ck_assert(herd_wants_release(t.herd, before + 1));
	stage_close(&t);
}
END_TEST

START_TEST(a_deploy_that_fails_wants_its_release_no_more)
{
	struct stage t;
	stage_start(&t, 2);
	unsigned before = t.herd->release;
	stage_deploy(&t, before + 1);
	unsigned fresh = stage_successor(&t, 0)->id;
	stage_feed(&t, (struct herd_event){ .kind = HERD_LAUNCH_FAILED,
					    .worker = fresh,
					    .text = "the app could not be loaded" });
	ck_assert_uint_eq(t.told[EVENT_RESTART_DONE], 1);
	ck_assert(herd_wants_release(t.herd, before));
	ck_assert(!herd_wants_release(t.herd, before + 1));
	stage_close(&t);
}
END_TEST

START_TEST(a_release_is_wanted_as_long_as_a_worker_boots_of_it)
{
	struct stage t;
	stage_start(&t, 2);
	unsigned before = t.herd->release;
	stage_exited(&t, stage_resident(&t, 0)->id);
	unsigned booting = stage_resident(&t, 0)->id;
	stage_launched(&t, booting);
	stage_feed(&t, (struct herd_event){ .kind = HERD_RELEASE, .number = before + 1 });
	ck_assert(herd_wants_release(t.herd, before));
	stage_answered(&t, booting);
	ck_assert(!herd_wants_release(t.herd, before));
	stage_close(&t);
}
END_TEST

START_TEST(whoever_waits_for_a_mold_whose_release_is_gone_is_of_the_next_one_like_the_mold)
{
	struct stage t;
	start(&t);
	unsigned before = t.herd->release;
	unsigned serves = stage_resident(&t, 1)->id;
	mold_breaks(&t, 1, before);
	stage_exited(&t, stage_resident(&t, 0)->id);
	unsigned waits = stage_resident(&t, 0)->id;
	stage_feed(&t, (struct herd_event){ .kind = HERD_RELEASE, .number = before + 1 });
	ck_assert_uint_eq(herd_worker(t.herd, waits)->release, before + 1);
	ck_assert_uint_eq(herd_worker(t.herd, serves)->release, before);
	ck_assert(!herd_wants_release(t.herd, before));
	mold_is(&t, 2, before + 1, MOLD_LOADING, 51); /* in the place of the one that broke */
	ck_assert_uint_eq(t.herd->parents[0].generation, 2);
	ck_assert_uint_eq(t.herd->parents[1].generation, 0);
	stage_close(&t);
}
END_TEST

START_TEST(a_worker_has_the_generation_of_the_mold_that_it_was_forked_from)
{
	struct stage t;
	stage_open(&t, 1);
	stage_feed(&t, (struct herd_event){ .kind = HERD_START });
	unsigned id = stage_resident(&t, 0)->id;
	stage_feed(&t,
		   (struct herd_event){
			   .kind = HERD_LAUNCHED, .worker = id, .number = 60, .generation = 4 });
	ck_assert_uint_eq(herd_worker(t.herd, id)->generation, 4);
	stage_close(&t);
}
END_TEST

/* Two workers are gone after a stop; is it over? */
static bool is_over_with(enum mold_state state, int pid, bool hurried) {
	struct stage t;
	start(&t);
	stage_feed(&t, (struct herd_event){ .kind = HERD_STOP, .number = SIGTERM, .text = "x" });
	mold_is(&t, 1, 1, state, pid);
	if (hurried)
		stage_feed(&t, (struct herd_event){
				       .kind = HERD_STOP, .number = SIGTERM, .text = "y" });
	stage_wait(&t, t.now + 3 * MSEC_SECOND);
	for (unsigned i = 0; i < t.herd->cells; i++) {
		if (t.herd->workers[i].life.state != WORKER_GONE)
			stage_exited(&t, t.herd->workers[i].id);
	}
	bool over = t.left;
	stage_close(&t);
	return over;
}

START_TEST(the_herd_has_not_left_before_its_mold_unless_somebody_hurries)
{
	ck_assert(!is_over_with(MOLD_ENDING, 50, false));
	ck_assert(is_over_with(MOLD_GONE, 50, false));
	ck_assert(is_over_with(MOLD_BROKEN, 0, false));
	ck_assert(is_over_with(MOLD_ENDING, 50, true));
}
END_TEST

/* A cluster of two, all of whom a master has forked. */
static void start_cluster(struct stage *t) {
	stage_open(t, 2);
	t->config.app.mode = MODE_CLUSTER;
	stage_begin(t);
	mold_is(t, 1, 1, MOLD_READY, 50);
	for (unsigned slot = 0; slot < 2; slot++)
		stage_resident(t, slot)->generation = 1;
}

static void master_says(struct stage *t, bool restarts, const char *status) {
	stage_feed(t, (struct herd_event){ .kind = HERD_PARENT_HEARD,
					   .generation = 1,
					   .number = restarts,
					   .text = status });
}

START_TEST(while_a_person_restarts_puma_nobody_is_replaced_whatever_the_cause)
{
	struct stage t;
	const unsigned slots[] = { 0 };
	start_cluster(&t);
	master_says(&t, true, "");
	ck_assert_uint_eq(t.told[EVENT_MASTER_RESTARTS], 1);
	stage_read(&t, stage_resident(&t, 1)->id, 700 * MIB);
	ck_assert_str_eq(stage_said(&t, EVENT_REPLACEMENT_WAITS, "reason"),
			 "a person restarts Puma by its own means");
	stage_restart(&t, slots, 1, false);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], 0);
	t.now += 3 * MSEC_SECOND;
	master_says(&t, false, "");
	ck_assert_uint_eq(t.told[EVENT_MASTER_RESTARTED], 1);
	ck_assert_int_eq(stage_number(&t, EVENT_MASTER_RESTARTED, "took"), 3 * MSEC_SECOND);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_STARTED], 1);
	stage_close(&t);
}
END_TEST

START_TEST(who_ends_then_has_not_died_and_the_next_one_comes_at_once)
{
	struct stage t;
	start_cluster(&t);
	master_says(&t, true, "");
	for (unsigned round = 0; round < 5; round++) { /* no crash loop either */
		stage_exited(&t, stage_resident(&t, 0)->id);
		ck_assert_uint_eq(t.told[EVENT_WORKER_RESTARTED], round + 1);
		ck_assert_ptr_nonnull(stage_order(&t, ORDER_LAUNCH));
		stage_boot_all(&t);
		stage_resident(&t, 0)->generation = 1;
	}
	ck_assert_uint_eq(t.told[EVENT_WORKER_DIED], 0);
	ck_assert_uint_eq(t.herd->counters.died, 0);
	stage_close(&t);
}
END_TEST

START_TEST(who_is_killed_then_or_is_another_masters_has_died)
{
	struct stage t;
	start_cluster(&t);
	master_says(&t, true, "");
	stage_feed(&t, (struct herd_event){ .kind = HERD_EXITED,
					    .worker = stage_resident(&t, 0)->id,
					    .number = SIGKILL,
					    .text = "SIGKILL" });
	ck_assert_uint_eq(t.told[EVENT_WORKER_DIED], 1);
	stage_resident(&t, 1)->generation = 2;
	stage_exited(&t, stage_resident(&t, 1)->id);
	ck_assert_uint_eq(t.told[EVENT_WORKER_DIED], 2);
	stage_close(&t);
}
END_TEST

START_TEST(a_master_that_ends_restarts_nobody_any_more)
{
	struct stage t;
	start_cluster(&t);
	master_says(&t, true, "");
	mold_breaks(&t, 1, 1);
	stage_exited(&t, stage_resident(&t, 0)->id);
	ck_assert_uint_eq(t.told[EVENT_WORKER_DIED], 1);
	stage_close(&t);
}
END_TEST

START_TEST(what_it_says_of_itself_is_kept_and_told_to_nobody)
{
	struct stage t;
	start_cluster(&t);
	master_says(&t, false, "Puma 6.6.1: cluster: 1/2");
	ck_assert_str_eq(herd_parent(t.herd)->says, "Puma 6.6.1: cluster: 1/2");
	ck_assert_uint_eq(t.orders->n_told, 0);
	stage_close(&t);
}
END_TEST

SUITE("herd_parent", the_herd_has_not_left_before_its_mold_unless_somebody_hurries,
      each_change_of_a_mold_is_told_once_with_its_numbers,
      one_that_ends_by_itself_says_why_and_when_there_is_another,
      the_end_of_a_former_one_is_not_that_of_its_successor, its_memory_is_part_of_the_herds,
      its_memory_counts_for_the_total,
      the_first_to_be_forked_says_nothing_of_a_herd_of_its_own_size,
      what_a_fresh_herd_needs_is_with_what_it_was_forked_from,
      what_is_shared_is_in_the_total_once_however_old_the_figures_are,
      the_total_is_about_molds_that_stay,
      two_molds_are_over_the_total_by_design_but_not_over_the_kernels_limit,
      the_memory_of_one_that_has_ended_is_nobodys,
      a_reading_that_failed_leaves_unknown_what_is_unknown,
      it_is_read_while_it_loads_and_when_it_has_and_then_every_minute,
      it_is_read_again_when_workers_have_come_or_gone, near_the_total_it_is_read_at_each_tick,
      a_reading_that_never_comes_back_is_asked_for_again_much_later,
      during_a_deploy_there_are_two_and_the_newest_is_shown, one_mold_too_many_is_not_kept,
      the_release_in_force_is_wanted_until_the_herd_leaves,
      what_a_deploy_may_go_back_to_is_wanted_until_it_is_over,
      a_deploy_that_fails_wants_its_release_no_more,
      a_release_is_wanted_as_long_as_a_worker_boots_of_it,
      whoever_waits_for_a_mold_whose_release_is_gone_is_of_the_next_one_like_the_mold,
      a_worker_has_the_generation_of_the_mold_that_it_was_forked_from,
      while_a_person_restarts_puma_nobody_is_replaced_whatever_the_cause,
      who_ends_then_has_not_died_and_the_next_one_comes_at_once,
      who_is_killed_then_or_is_another_masters_has_died,
      a_master_that_ends_restarts_nobody_any_more,
      what_it_says_of_itself_is_kept_and_told_to_nobody)
