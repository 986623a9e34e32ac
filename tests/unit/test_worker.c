#include "core/worker.h"

#include "suite.h"

static const struct worker_patience patience = {
	.boot = 60000, .quiet = 5000, .drain = 30000, .half_close = 10000
};

/* Drive a life through a script, moving time to its deadline when asked. */
struct line {
	enum worker_event event;
	enum worker_action want;
	enum worker_state then;
};

static struct worker_life play(const struct line *script, size_t n, msec_t *now) {
	struct worker_life life = { .deadline = MSEC_NEVER, .drain_end = MSEC_NEVER };
	*now = 1000;
	for (size_t i = 0; i < n; i++) {
		if (script[i].event == WORKER_DEADLINE) {
			ck_assert_msg(life.deadline != MSEC_NEVER, "line %zu: nothing to wait for",
				      i);
			*now = life.deadline;
		}
		enum worker_action did = worker_step(&life, script[i].event, *now, &patience);
		ck_assert_msg(did == script[i].want, "line %zu: did %d", i, did);
		ck_assert_msg(life.state == script[i].then, "line %zu: now %s", i,
			      worker_state_name(life.state));
	}
	return life;
}
#define PLAY(now, ...)                             \
	play((const struct line[]){ __VA_ARGS__ }, \
	     ARRAY_LEN(((const struct line[]){ __VA_ARGS__ })), (now))

#define BORN                                                \
	{ WORKER_LAUNCH, WORKER_START, WORKER_BOOTING }, {  \
		WORKER_PROVED, WORKER_NOTHING, WORKER_READY \
	}

START_TEST(a_retired_worker_waits_for_a_quiet_moment_then_drains)
{
	msec_t now;
	PLAY(&now, BORN, { WORKER_RETIRE, WORKER_NOTHING, WORKER_LEAVING },
	     { WORKER_QUIET, WORKER_TERM, WORKER_DRAINING },
	     { WORKER_EXIT, WORKER_NOTHING, WORKER_GONE });
	ck_assert_int_eq(now, 1000);
}
END_TEST

START_TEST(a_quiet_moment_that_never_comes_is_not_waited_for_for_ever)
{
	msec_t now;
	PLAY(&now, BORN, { WORKER_RETIRE, WORKER_NOTHING, WORKER_LEAVING },
	     { WORKER_DEADLINE, WORKER_TERM, WORKER_DRAINING });
	ck_assert_int_eq(now, 1000 + patience.quiet);
}
END_TEST

START_TEST(a_worker_that_ignores_term_is_half_closed_then_killed_at_the_end_of_patience)
{
	msec_t now;
	struct worker_life life = PLAY(&now, BORN,
				       { WORKER_TERMINATE, WORKER_TERM, WORKER_DRAINING },
				       { WORKER_DEADLINE, WORKER_CLOSE_IDLE, WORKER_CLOSING_IDLE },
				       { WORKER_DEADLINE, WORKER_CLOSE_BUSY, WORKER_CLOSING_BUSY });
	ck_assert_int_eq(now, 1000 + patience.half_close + WORKER_CLOSE_AGAIN);
	enum worker_action did = WORKER_NOTHING;
	while (did != WORKER_KILL) {
		now = life.deadline;
		did = worker_step(&life, WORKER_DEADLINE, now, &patience);
		ck_assert_int_ne(did, WORKER_NOTHING);
	}
	ck_assert_int_eq(now, 1000 + patience.drain);
	ck_assert_int_eq(life.state, WORKER_KILLING);
	now = life.deadline;
	ck_assert_int_eq(worker_step(&life, WORKER_DEADLINE, now, &patience), WORKER_KILL);
}
END_TEST

START_TEST(a_worker_that_is_never_ready_is_asked_to_go_then_killed)
{
	msec_t now;
	PLAY(&now, { WORKER_LAUNCH, WORKER_START, WORKER_BOOTING },
	     { WORKER_DEADLINE, WORKER_TERM, WORKER_ABANDONED },
	     { WORKER_DEADLINE, WORKER_KILL, WORKER_KILLING },
	     { WORKER_EXIT, WORKER_NOTHING, WORKER_GONE });
	ck_assert_int_eq(now, 1000 + patience.boot + WORKER_ABANDON_GRACE);
}
END_TEST

START_TEST(a_new_image_has_to_prove_itself_again)
{
	msec_t now;
	struct worker_life life = PLAY(&now, BORN, { WORKER_REBOOT, WORKER_PROBE, WORKER_BOOTING },
				       { WORKER_REBOOT, WORKER_NOTHING, WORKER_BOOTING },
				       { WORKER_PROVED, WORKER_NOTHING, WORKER_READY });
	ck_assert_int_eq(life.deadline, MSEC_NEVER);
}
END_TEST

START_TEST(a_hurried_drain_ends_within_its_grace)
{
	msec_t now;
	struct worker_life life = PLAY(&now, BORN,
				       { WORKER_TERMINATE, WORKER_TERM, WORKER_DRAINING },
				       { WORKER_HURRY, WORKER_CLOSE_BUSY, WORKER_CLOSING_BUSY });
	ck_assert_int_eq(life.drain_end, now + WORKER_HURRY_GRACE);
	while (life.state != WORKER_KILLING) {
		now = life.deadline;
		(void)!worker_step(&life, WORKER_DEADLINE, now, &patience);
	}
	ck_assert_int_eq(now, 1000 + WORKER_HURRY_GRACE);
}
END_TEST

START_TEST(what_was_asked_to_go_never_comes_back)
{
	msec_t now;
	PLAY(&now, BORN, { WORKER_TERMINATE, WORKER_TERM, WORKER_DRAINING },
	     { WORKER_PROVED, WORKER_NOTHING, WORKER_DRAINING },
	     { WORKER_REBOOT, WORKER_NOTHING, WORKER_DRAINING },
	     { WORKER_RETIRE, WORKER_NOTHING, WORKER_DRAINING });
}
END_TEST

/* Whatever happens, a worker is never without a way forward. */
START_TEST(no_walk_gets_stuck)
{
	unsigned seed = 1;
	for (int walk = 0; walk < 500; walk++) {
		struct worker_life life = { .deadline = MSEC_NEVER, .drain_end = MSEC_NEVER };
		msec_t now = 0;
		for (int step = 0; step < 200; step++) {
			now += rand_r(&seed) % 20000;
			enum worker_event event =
				(enum worker_event)((unsigned)rand_r(&seed) % WORKER_EVENTS);
			if (event == WORKER_EXHAUSTED)
				continue; /* the machine's own */
			(void)!worker_step(&life, event, now, &patience);
			bool restful = life.state == WORKER_GONE || life.state == WORKER_READY;
			ck_assert_msg(restful == (life.deadline == MSEC_NEVER), "%s",
				      worker_state_name(life.state));
			ck_assert(life.state < WORKER_STATES);
		}
		/* With nothing but time, it ends: ready, or killed again and again. */
		for (int step = 0; step < 100 && life.deadline != MSEC_NEVER; step++)
			(void)!worker_step(&life, WORKER_DEADLINE, life.deadline, &patience);
		ck_assert(life.state == WORKER_GONE || life.state == WORKER_READY ||
			  life.state == WORKER_KILLING);
	}
}
END_TEST

START_TEST(every_state_has_its_own_word)
{
	for (unsigned s = 0; s < WORKER_STATES; s++)
		ck_assert_str_ne(worker_state_name((enum worker_state)s), "?");
	ck_assert(worker_serves(WORKER_LEAVING) && !worker_serves(WORKER_DRAINING));
	ck_assert(worker_goes(WORKER_LEAVING) && !worker_goes(WORKER_BOOTING));
}
END_TEST

SUITE("worker", a_retired_worker_waits_for_a_quiet_moment_then_drains,
      a_quiet_moment_that_never_comes_is_not_waited_for_for_ever,
      a_worker_that_ignores_term_is_half_closed_then_killed_at_the_end_of_patience,
      a_worker_that_is_never_ready_is_asked_to_go_then_killed,
      a_new_image_has_to_prove_itself_again, a_hurried_drain_ends_within_its_grace,
      what_was_asked_to_go_never_comes_back, no_walk_gets_stuck, every_state_has_its_own_word)
