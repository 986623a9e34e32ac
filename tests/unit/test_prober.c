#include "daemon/prober.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/listen.h"
#include "suite.h"

static const char request[] = "GET /up HTTP/1.1\r\nHost: localhost\r\n\r\n";
static const struct status_ranges any = { .len = 0 };
static const struct probe_rules rules = { request, sizeof request - 1, &any };

/* One worker's socket, and what was heard of it. */
struct scene {
	struct ev_loop *loop;
	struct prober prober;
	char directory[64], path[96];
	int listener;
	unsigned yes, no;
	unsigned status;
	char location[64];
};

static void on_answer(struct prober *p, const struct prober_answer *answer) {
	struct scene *t = container_of(p, struct scene, prober);
	t->yes += answer->ready;
	t->no += !answer->ready;
	t->status = answer->status;
	snprintf(t->location, sizeof t->location, "%s", answer->location);
	ev_break(t->loop, EVBREAK_ALL);
}

static void open_scene(struct scene *t) {
	struct error err;
	*t = (struct scene){ .loop = ev_loop_new(EVFLAG_AUTO),
			     .directory = "/tmp/pumakeeper-prober-XXXXXX" };
	ck_assert_ptr_nonnull(mkdtemp(t->directory));
	snprintf(t->path, sizeof t->path, "%s/probe", t->directory);
	t->listener = listen_unix(t->path, 0600, &err);
	ck_assert_int_ge(t->listener, 0);
	prober_init(&t->prober, t->loop, t->path, on_answer);
}

static void close_scene(struct scene *t) {
	prober_stop(&t->prober);
	listen_unlink(t->listener);
	close(t->listener);
	rmdir(t->directory);
	ev_loop_destroy(t->loop);
}

/* What the worker does: takes a connection, reads the request, and says this. */
static void answer(struct scene *t, const char *text) {
	char bytes[512] = "";
	int fd = accept(t->listener, NULL, NULL);
	ck_assert_int_ge(fd, 0);
	ssize_t n = read(fd, bytes, sizeof bytes - 1);
	ck_assert_int_eq(n, (ssize_t)rules.request_len);
	ck_assert_str_eq(bytes, request);
	ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
	close(fd);
}

/* The request is sent from the loop; a turn is enough for it. */
static void send_request(struct scene *t) {
	ev_run(t->loop, EVRUN_NOWAIT);
}

START_TEST(the_request_waits_until_the_worker_serves)
{
	struct scene t;
	open_scene(&t);
	prober_start(&t.prober, &rules, MSEC_HOUR);
	send_request(&t);
	ck_assert_uint_eq(t.yes + t.no, 0);
	answer(&t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	ev_run(t.loop, 0);
	ck_assert_uint_eq(t.yes, 1);
	ck_assert(!ev_is_active(&t.prober.io) && !ev_is_active(&t.prober.again));
	close_scene(&t);
}
END_TEST

START_TEST(a_refusal_is_told_and_asked_again)
{
	struct scene t;
	open_scene(&t);
	prober_start(&t.prober, &rules, MSEC_HOUR);
	send_request(&t);
	answer(&t, "HTTP/1.1 503 No\r\nLocation: /wait\r\n\r\n");
	ev_run(t.loop, 0);
	ck_assert_uint_eq(t.no, 1);
	ck_assert_uint_eq(t.status, 503);
	ck_assert_str_eq(t.location, "/wait");
	ck_assert(ev_is_active(&t.prober.again));
	ev_feed_event(t.loop, &t.prober.again, EV_TIMER); /* as if the pause were over */
	ev_run(t.loop, EVRUN_NOWAIT);
	send_request(&t);
	answer(&t, "HTTP/1.1 204 Yes\r\n\r\n");
	ev_run(t.loop, 0);
	ck_assert_uint_eq(t.yes, 1);
	close_scene(&t);
}
END_TEST

START_TEST(a_worker_that_hangs_up_is_asked_again_without_a_word)
{
	struct scene t;
	open_scene(&t);
	prober_start(&t.prober, &rules, MSEC_HOUR);
	send_request(&t);
	answer(&t, "");
	while (!ev_is_active(&t.prober.again))
		ev_run(t.loop, EVRUN_ONCE);
	ck_assert_uint_eq(t.yes + t.no, 0);
	close_scene(&t);
}
END_TEST

START_TEST(nobody_there_is_asked_again)
{
	struct scene t;
	open_scene(&t);
	t.prober.path = "/nowhere/at/all";
	prober_start(&t.prober, &rules, MSEC_HOUR);
	ck_assert(ev_is_active(&t.prober.again));
	close_scene(&t);
}
END_TEST

/* Its timer is fed, as if so much time had passed; nothing waits. */
static void look(struct scene *t) {
	ev_feed_event(t->loop, &t->prober.look, EV_TIMER);
	ev_run(t->loop, EVRUN_NOWAIT);
}

START_TEST(a_question_that_is_read_and_not_answered_in_time_is_a_no_and_asked_again)
{
	struct scene t;
	char bytes[512];
	open_scene(&t);
	prober_start(&t.prober, &rules, MSEC_HOUR);
	send_request(&t);
	for (int i = 0; i < 9; i++)
		look(&t); /* it boots: nobody has read it */
	ck_assert_uint_eq(t.yes + t.no, 0);
	int fd = accept(t.listener, NULL, NULL);
	ck_assert_int_gt(read(fd, bytes, sizeof bytes), 0);
	for (int i = 0; i < 4; i++)
		look(&t);
	ck_assert_uint_eq(t.no, 0);
	look(&t);
	ck_assert_uint_eq(t.no, 1);
	ck_assert_uint_eq(t.status, 0);
	ck_assert(ev_is_active(&t.prober.again) && !ev_is_active(&t.prober.look));
	close(fd);
	close_scene(&t);
}
END_TEST

START_TEST(without_a_timeout_an_answer_may_take_for_ever)
{
	struct scene t;
	open_scene(&t);
	prober_start(&t.prober, &rules, 0);
	send_request(&t);
	ck_assert(!ev_is_active(&t.prober.look));
	close_scene(&t);
}
END_TEST

SUITE("prober", the_request_waits_until_the_worker_serves, a_refusal_is_told_and_asked_again,
      a_worker_that_hangs_up_is_asked_again_without_a_word, nobody_there_is_asked_again,
      a_question_that_is_read_and_not_answered_in_time_is_a_no_and_asked_again,
      without_a_timeout_an_answer_may_take_for_ever)
