#include "core/mold.h"

#include "suite.h"

#define BOOT (60 * MSEC_SECOND)

static struct mold_life life;

static enum mold_action step(enum mold_event event, msec_t now) {
	return mold_step(&life, event, now, BOOT);
}

static void make_ready(msec_t now) {
	life = mold_life();
	ck_assert_int_eq(step(MOLD_WANT, now), MOLD_START);
	ck_assert_int_eq(step(MOLD_LOADED, now + 10), MOLD_NOTHING);
	ck_assert_int_eq(life.state, MOLD_READY);
}

START_TEST(it_is_made_when_a_worker_is_wanted_and_only_once)
{
	life = mold_life();
	ck_assert_int_eq(step(MOLD_DEADLINE, 1000), MOLD_NOTHING);
	ck_assert_int_eq(step(MOLD_WANT, 1000), MOLD_START);
	ck_assert_int_eq(step(MOLD_WANT, 1001), MOLD_NOTHING);
	ck_assert_int_eq(life.state, MOLD_LOADING);
	ck_assert_int_eq(step(MOLD_LOADED, 5000), MOLD_NOTHING);
	ck_assert_int_eq(step(MOLD_WANT, 5001), MOLD_NOTHING);
	ck_assert_int_eq(life.deadline, MSEC_NEVER);
}
END_TEST

START_TEST(one_that_hangs_while_loading_is_killed_and_made_again_with_back_off)
{
	life = mold_life();
	ck_assert_int_eq(step(MOLD_WANT, 0), MOLD_START);
	ck_assert_int_eq(step(MOLD_DEADLINE, BOOT - 1), MOLD_NOTHING);
	ck_assert_int_eq(step(MOLD_DEADLINE, BOOT), MOLD_KILL);
	ck_assert_int_eq(step(MOLD_EXIT, BOOT + 5), MOLD_NOTHING);
	ck_assert_int_eq(life.state, MOLD_BROKEN);
	msec_t again = life.deadline;
	ck_assert_int_gt(again, BOOT + 5);
	ck_assert_int_eq(step(MOLD_DEADLINE, again), MOLD_START);
}
END_TEST

START_TEST(one_that_can_not_be_killed_is_killed_again)
{
	life = mold_life();
	ck_assert_int_eq(step(MOLD_WANT, 0), MOLD_START);
	ck_assert_int_eq(step(MOLD_DEADLINE, BOOT), MOLD_KILL);
	ck_assert_int_eq(step(MOLD_DEADLINE, BOOT + MOLD_TERM_PATIENCE), MOLD_KILL);
}
END_TEST

START_TEST(early_ends_in_a_row_are_waited_for_longer_and_longer_and_a_long_life_forgets_them)
{
	msec_t now = 0, before = 0;
	life = mold_life();
	for (unsigned i = 1; i <= 5; i++) {
		ck_assert_int_eq(step(i == 1 ? MOLD_WANT : MOLD_DEADLINE, now), MOLD_START);
		ck_assert_int_eq(step(MOLD_EXIT, now + 100), MOLD_NOTHING);
		ck_assert_uint_eq(life.failures, i);
		ck_assert_int_gt(life.deadline - (now + 100), before);
		before = life.deadline - (now + 100);
		now = life.deadline;
	}
	ck_assert_int_eq(step(MOLD_DEADLINE, now), MOLD_START);
	ck_assert_int_eq(step(MOLD_LOADED, now + 100), MOLD_NOTHING);
	ck_assert_int_eq(step(MOLD_EXIT, now + MOLD_YOUNG), MOLD_NOTHING);
	ck_assert_uint_eq(life.failures, 0);
	ck_assert_int_gt(life.deadline,
			 now + MOLD_YOUNG); /* and yet never at once: it can't spin */
}
END_TEST

START_TEST(who_waits_for_a_worker_does_not_wait_for_the_back_off)
{
	make_ready(0);
	ck_assert_int_eq(step(MOLD_EXIT, 100), MOLD_NOTHING);
	ck_assert_int_eq(step(MOLD_WANT, 101), MOLD_START);
}
END_TEST

START_TEST(a_fork_that_is_not_answered_is_the_end_of_it)
{
	make_ready(0);
	ck_assert_int_eq(step(MOLD_ASKED, 1000), MOLD_NOTHING);
	ck_assert_int_eq(step(MOLD_ASKED, 2000), MOLD_NOTHING);
	ck_assert_int_eq(life.deadline, 1000 + MOLD_FORK_PATIENCE);
	ck_assert_int_eq(step(MOLD_ANSWERED, 3000), MOLD_NOTHING);
	ck_assert_int_eq(life.deadline, 3000 + MOLD_FORK_PATIENCE); /* for the second one */
	ck_assert_int_eq(step(MOLD_DEADLINE, life.deadline), MOLD_KILL);
	ck_assert(life.stuck);
	ck_assert_int_eq(step(MOLD_EXIT, 30000), MOLD_NOTHING);
	ck_assert_int_eq(step(MOLD_WANT, 30001), MOLD_START);
	ck_assert(!life.stuck);
	ck_assert_uint_eq(life.out, 0);
}
END_TEST

START_TEST(one_that_has_closed_its_line_is_killed_if_it_does_not_end_by_itself)
{
	make_ready(0);
	ck_assert_int_eq(step(MOLD_ASKED, 900), MOLD_NOTHING);
	ck_assert_int_eq(step(MOLD_DEAF, 1000), MOLD_NOTHING);
	ck_assert_int_eq(step(MOLD_ANSWERED, 1001), MOLD_NOTHING);
	ck_assert_int_eq(life.deadline, 1000 + MOLD_TERM_PATIENCE);
	ck_assert_int_eq(step(MOLD_DEADLINE, life.deadline), MOLD_KILL);
	ck_assert(!life.stuck);
}
END_TEST

START_TEST(answered_forks_leave_no_deadline)
{
	make_ready(0);
	ck_assert_int_eq(step(MOLD_ASKED, 1000), MOLD_NOTHING);
	ck_assert_int_eq(step(MOLD_ANSWERED, 1020), MOLD_NOTHING);
	ck_assert_int_eq(life.deadline, MSEC_NEVER);
	ck_assert_int_eq(step(MOLD_ANSWERED, 1021), MOLD_NOTHING); /* one too many does no harm */
	ck_assert_uint_eq(life.out, 0);
}
END_TEST

START_TEST(one_that_is_let_go_does_not_come_back_by_itself)
{
	make_ready(0);
	ck_assert_int_eq(step(MOLD_LET_GO, 1000), MOLD_TERM);
	ck_assert_int_eq(step(MOLD_LET_GO, 1001), MOLD_NOTHING);
	ck_assert_int_eq(step(MOLD_DEADLINE, 1000 + MOLD_TERM_PATIENCE), MOLD_KILL);
	ck_assert_int_eq(step(MOLD_EXIT, 7000), MOLD_NOTHING);
	ck_assert_int_eq(life.state, MOLD_GONE);
	ck_assert_int_eq(life.deadline, MSEC_NEVER);
	make_ready(8000); /* but it may be wanted again */
	ck_assert_int_eq(step(MOLD_EXIT, 9000), MOLD_NOTHING);
	ck_assert_int_eq(step(MOLD_LET_GO, 9001), MOLD_NOTHING);
	ck_assert_int_eq(life.state, MOLD_GONE);
}
END_TEST

START_TEST(another_daemons_forks_nothing_is_let_go_and_is_not_made_again)
{
	static const enum mold_event nothing[] = { MOLD_WANT,     MOLD_LOADED, MOLD_ASKED,
						   MOLD_ANSWERED, MOLD_DEAF,   MOLD_DEADLINE };
	for (int by_itself = 0; by_itself < 2; by_itself++) {
		life = mold_life_adopted(1000);
		ck_assert(mold_lives(life.state));
		ck_assert_str_eq(mold_state_name(life.state), "adopted");
		for (size_t i = 0; i < sizeof nothing / sizeof nothing[0]; i++)
			ck_assert_int_eq(step(nothing[i], 2000), MOLD_NOTHING);
		ck_assert_int_eq(life.state, MOLD_ADOPTED);
		ck_assert_int_eq(life.deadline, MSEC_NEVER);
		if (!by_itself) {
			ck_assert_int_eq(step(MOLD_LET_GO, 3000), MOLD_TERM);
			ck_assert_int_eq(life.state, MOLD_ENDING);
			ck_assert_int_eq(step(MOLD_DEADLINE, life.deadline), MOLD_KILL);
		}
		ck_assert_int_eq(step(MOLD_EXIT, 9000), MOLD_NOTHING);
		ck_assert_int_eq(life.state, MOLD_GONE);
		ck_assert_int_eq(life.deadline, MSEC_NEVER);
	}
}
END_TEST

/* Whatever happens in whatever order: a state with a process has a way on, and none is lost. */
START_TEST(no_order_of_events_forgets_a_process)
{
	for (uint32_t seed = 1; seed < 3000; seed++) {
		uint32_t dice = seed;
		bool process = false;
		msec_t now = 0;
		life = mold_life();
		for (int i = 0; i < 60; i++) {
			dice = dice * 1664525 + 1013904223;
			enum mold_event event = (dice >> 16) % (MOLD_DEADLINE + 1);
			if ((event == MOLD_EXIT || event == MOLD_LOADED) && !process)
				continue;
			if (event == MOLD_DEADLINE && life.deadline != MSEC_NEVER)
				now = life.deadline;
			else
				now += 700;
			enum mold_action action = step(event, now);
			ck_assert(action != MOLD_START || !process);
			ck_assert(process || (action != MOLD_TERM && action != MOLD_KILL));
			process = action == MOLD_START || (process && event != MOLD_EXIT);
			ck_assert_int_eq(mold_lives(life.state), process);
			ck_assert(life.state == MOLD_READY || life.state == MOLD_GONE ||
				  life.deadline != MSEC_NEVER);
		}
	}
}
END_TEST

SUITE("mold", it_is_made_when_a_worker_is_wanted_and_only_once,
      one_that_hangs_while_loading_is_killed_and_made_again_with_back_off,
      one_that_can_not_be_killed_is_killed_again,
      early_ends_in_a_row_are_waited_for_longer_and_longer_and_a_long_life_forgets_them,
      who_waits_for_a_worker_does_not_wait_for_the_back_off,
      a_fork_that_is_not_answered_is_the_end_of_it,
      one_that_has_closed_its_line_is_killed_if_it_does_not_end_by_itself,
      answered_forks_leave_no_deadline,
      another_daemons_forks_nothing_is_let_go_and_is_not_made_again,
      one_that_is_let_go_does_not_come_back_by_itself, no_order_of_events_forgets_a_process)
