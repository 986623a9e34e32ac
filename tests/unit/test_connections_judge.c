#include "core/connections_judge.h"

#include "suite.h"

#define TCP  .inode = 9, .fd = 5, .counted = true
#define UNIX .inode = 9, .fd = 5, .unix_socket = true

static const struct {
	const char *name;
	struct connection c;
	bool busy;
} states[] = {
	{ "silent since it came", { TCP, .recv_age_ms = 50, .sent_age_ms = 50 }, false },
	{ "first request, same tick", { TCP, .received = 80 }, true },
	{ "being answered",
	  { TCP, .recv_age_ms = 5, .sent_age_ms = 900, .received = 80, .written = 9 },
	  true },
	{ "answered",
	  { TCP, .recv_age_ms = 900, .sent_age_ms = 5, .received = 80, .written = 9 },
	  false },
	{ "answered in the same tick",
	  { TCP, .recv_age_ms = 8, .sent_age_ms = 8, .received = 80, .written = 9 },
	  false },
	{ "not read yet",
	  { TCP, .rqueue = 1, .received = 1, .written = 9, .recv_age_ms = 9 },
	  true },
	{ "not sent yet",
	  { TCP, .wqueue = 1, .received = 1, .written = 9, .recv_age_ms = 9 },
	  true },
	{ "unix, empty", { UNIX }, false },
	{ "unix, unread", { UNIX, .rqueue = 10 }, true },
	{ "unix, unsent", { UNIX, .wqueue = 10 }, true },
};

START_TEST(the_last_to_speak_tells_busy_from_idle)
{
	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		ck_assert_msg(connection_busy(&states[i].c) == states[i].busy, "%s",
			      states[i].name);
	struct connection two[] = { states[0].c, states[2].c };
	const struct connections list = { .list = two, .len = 2 };
	ck_assert_uint_eq(connections_judge(&list).open, 2);
	ck_assert_uint_eq(connections_judge(&list).busy, 1);
	ck_assert_uint_eq(connections_judge(&list).silent, 0);
}
END_TEST

START_TEST(what_lies_still_on_a_unix_socket_may_be_at_work)
{
	struct connection three[] = { { UNIX }, { UNIX, .rqueue = 10 }, { UNIX } };
	const struct connections list = { .list = three, .len = 3 };
	ck_assert_uint_eq(connections_judge(&list).busy, 1);
	ck_assert_uint_eq(connections_judge(&list).silent, 2);
}
END_TEST

/* What was received and written between two looks; ages at the second. */
static const struct {
	const char *name;
	struct connection before, now;
	enum connection_motion motion;
	bool idle, busy; /* closed by CLOSE_IDLE, by CLOSE_BUSY */
} pairs[] = {
	{ "parked",
	  { TCP, .received = 80, .written = 500 },
	  { TCP, .received = 80, .written = 500, .recv_age_ms = 2000, .sent_age_ms = 1990 },
	  MOTION_STILL,
	  true,
	  true },
	{ "parked, but not long",
	  { TCP, .received = 80, .written = 500 },
	  { TCP, .received = 80, .written = 500, .recv_age_ms = 910, .sent_age_ms = 900 },
	  MOTION_STILL,
	  false,
	  false },
	{ "never said a word",
	  { TCP },
	  { TCP, .recv_age_ms = 5000, .sent_age_ms = 5000 },
	  MOTION_STILL,
	  true,
	  true },
	{ "a long request",
	  { TCP, .received = 80, .written = 500 },
	  { TCP, .received = 80, .written = 500, .recv_age_ms = 2000, .sent_age_ms = 9000 },
	  MOTION_STILL,
	  false,
	  false },
	{ "a long first request, or half a head",
	  { TCP, .received = 80 },
	  { TCP, .received = 80, .recv_age_ms = 5000, .sent_age_ms = 5000 },
	  MOTION_STILL,
	  false,
	  false },
	{ "a body that arrives",
	  { TCP, .received = 800, .written = 500 },
	  { TCP, .received = 9000, .written = 500, .recv_age_ms = 3, .sent_age_ms = 1500 },
	  MOTION_ASKED,
	  false,
	  false },
	{ "a body that was told to continue",
	  { TCP, .received = 800, .written = 500 },
	  { TCP, .received = 9000, .written = 525, .recv_age_ms = 3, .sent_age_ms = 50 },
	  MOTION_ASKED,
	  false,
	  false },
	{ "a body that arrives slowly",
	  { TCP, .received = 800, .written = 500 },
	  { TCP, .received = 801, .written = 500, .recv_age_ms = 1200, .sent_age_ms = 3500 },
	  MOTION_ASKED,
	  false,
	  false },
	{ "cycles, is answered now",
	  { TCP, .received = 80, .written = 500 },
	  { TCP, .received = 240, .written = 1500, .recv_age_ms = 4, .sent_age_ms = 50 },
	  MOTION_CYCLED,
	  false,
	  true },
	{ "cycles, thinks now",
	  { TCP, .received = 80, .written = 500 },
	  { TCP, .received = 240, .written = 1500, .recv_age_ms = 50, .sent_age_ms = 4 },
	  MOTION_CYCLED,
	  false,
	  true },
	{ "cycles, unread",
	  { TCP, .received = 80, .written = 500 },
	  { TCP, .received = 240, .written = 1500, .rqueue = 80, .recv_age_ms = 4,
	    .sent_age_ms = 50 },
	  MOTION_CYCLED,
	  false,
	  true },
	{ "a long request was answered",
	  { TCP, .received = 80, .written = 0 },
	  { TCP, .received = 80, .written = 900, .recv_age_ms = 3000, .sent_age_ms = 100 },
	  MOTION_TOLD,
	  false,
	  false },
	{ "server-sent events",
	  { TCP, .received = 80, .written = 5000 },
	  { TCP, .received = 80, .written = 5100, .recv_age_ms = 90000, .sent_age_ms = 1500 },
	  MOTION_TOLD,
	  false,
	  false },
	{ "a download",
	  { TCP, .received = 80, .written = 5000 },
	  { TCP, .received = 80, .written = 90000, .wqueue = 4000, .recv_age_ms = 9000,
	    .sent_age_ms = 2 },
	  MOTION_TOLD,
	  false,
	  false },
	{ "its inode was another's",
	  { TCP, .received = 8000, .written = 5000 },
	  { TCP, .received = 80, .written = 0, .recv_age_ms = 2, .sent_age_ms = 2 },
	  MOTION_NEW,
	  false,
	  false },
	{ "unix, quiet", { UNIX }, { UNIX }, MOTION_STILL, true, true },
	{ "unix, just read", { UNIX, .rqueue = 9 }, { UNIX }, MOTION_STILL, false, true },
	{ "unix, unread", { UNIX }, { UNIX, .rqueue = 9 }, MOTION_STILL, false, false },
	{ "unix, unsent", { UNIX }, { UNIX, .wqueue = 9 }, MOTION_STILL, false, true },
};

START_TEST(two_looks_tell_what_may_be_closed)
{
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		const struct connection *was = &pairs[i].before, *now = &pairs[i].now;
		ck_assert_msg(connection_motion(was, now) == pairs[i].motion, "%s", pairs[i].name);
		ck_assert_msg(connection_may_close(was, now, CLOSE_IDLE) == pairs[i].idle, "%s",
			      pairs[i].name);
		ck_assert_msg(connection_may_close(was, now, CLOSE_BUSY) == pairs[i].busy, "%s",
			      pairs[i].name);
	}
}
END_TEST

START_TEST(a_first_look_allows_what_was_parked_and_nothing_else)
{
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		const struct connection *now = &pairs[i].now;
		/* Nobody can tell a stream between two pieces; its end is not its reader's. */
		bool parked = now->counted && (pairs[i].idle || now->recv_age_ms == 90000);
		ck_assert_msg(connection_may_close(NULL, now, CLOSE_IDLE) == parked, "%s",
			      pairs[i].name);
		if (now->counted)
			ck_assert_msg(connection_may_close(NULL, now, CLOSE_BUSY) == parked, "%s",
				      pairs[i].name);
	}
}
END_TEST

/* Received and written at each step. */
static const struct {
	const char *name;
	uint64_t steps[5][2];
	bool arriving, cycled;
} watches[] = {
	{ "nothing",
	  { { 80, 500 }, { 80, 500 }, { 80, 500 }, { 80, 500 }, { 80, 500 } },
	  false,
	  false },
	{ "cycles within the steps",
	  { { 80, 500 }, { 160, 900 }, { 240, 1300 }, { 320, 1700 }, { 400, 2100 } },
	  false,
	  true },
	{ "cycles across the steps",
	  { { 80, 500 }, { 160, 500 }, { 160, 900 }, { 240, 900 }, { 240, 1300 } },
	  false,
	  true },
	{ "asks at the end",
	  { { 80, 500 }, { 80, 500 }, { 80, 500 }, { 80, 500 }, { 160, 500 } },
	  false,
	  false },
	{ "a body in pieces",
	  { { 80, 500 }, { 1540, 500 }, { 3000, 500 }, { 3000, 500 }, { 3000, 500 } },
	  true,
	  false },
	{ "a body behind 100 Continue",
	  { { 80, 500 }, { 1540, 525 }, { 3000, 525 }, { 3000, 525 }, { 3000, 525 } },
	  true,
	  false },
	{ "a body, answered",
	  { { 80, 500 }, { 1540, 500 }, { 3000, 500 }, { 3000, 900 }, { 3000, 900 } },
	  false,
	  true },
	{ "much at the end",
	  { { 80, 500 }, { 80, 500 }, { 80, 500 }, { 80, 500 }, { 60000, 500 } },
	  true,
	  false },
	{ "much before the end",
	  { { 80, 500 }, { 80, 500 }, { 80, 500 }, { 60000, 500 }, { 60000, 500 } },
	  false,
	  false },
	{ "an answer is sent",
	  { { 80, 500 }, { 80, 900 }, { 80, 1300 }, { 80, 1700 }, { 80, 2100 } },
	  false,
	  false },
};

START_TEST(a_watch_sees_a_body_arrive)
{
	for (size_t i = 0; i < ARRAY_LEN(watches); i++) {
		const uint64_t(*steps)[2] = watches[i].steps;
		struct connection_watch w = connection_watch(steps[0][0], steps[0][1]);
		for (size_t j = 1; j < 5; j++)
			connection_watch_step(&w, steps[j][0], steps[j][1]);
		ck_assert_msg(connection_arriving(&w) == watches[i].arriving, "%s",
			      watches[i].name);
		ck_assert_msg(w.cycled == watches[i].cycled, "%s", watches[i].name);
	}
}
END_TEST

SUITE("connections_judge", the_last_to_speak_tells_busy_from_idle,
      what_lies_still_on_a_unix_socket_may_be_at_work, two_looks_tell_what_may_be_closed,
      a_first_look_allows_what_was_parked_and_nothing_else, a_watch_sees_a_body_arrive)
