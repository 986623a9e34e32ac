#include "daemon/control.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/control_socket.h"
#include "os/listen.h"
#include "suite.h"
#include "util/fd.h"

#define STATUS "{\"v\":1,\"verb\":\"status\"}\n"
#define RELOAD "{\"v\":1,\"verb\":\"reload\"}\n"
#define DONE   "{\"v\":1,\"ok\":true,\"done\":true}"
#define ANSWER DONE "\n"
#define TURNS  10000 /* of the loop, before a test gives up on what it waits for */

/* A daemon that answers `status` at once and nothing else before the test does. */
static struct daemon {
	struct ev_loop *loop;
	struct control *control;
	int listener;
	char directory[64], path[100];
	unsigned requests, gone, refused;
	uint64_t client; /* the last that asked */
	struct request request;
	uid_t refused_uid;
	char reason[300];
} d;

static void on_request(void *context, uint64_t client, const struct request *request) {
	struct daemon *daemon = context;
	daemon->requests++;
	daemon->client = client;
	daemon->request = *request;
	if (request->verb == VERB_STATUS)
		control_answer(daemon->control, client, DONE);
}

static void on_gone(void *context, uint64_t client) {
	struct daemon *daemon = context;
	daemon->gone++;
	ck_assert_uint_eq(client, daemon->client);
	ck_assert(!control_send(daemon->control, client, "{}"));
}

static void on_refused(void *context, uid_t uid, const char *reason) {
	struct daemon *daemon = context;
	daemon->refused++;
	daemon->refused_uid = uid;
	snprintf(daemon->reason, sizeof daemon->reason, "%s", reason);
}

static const struct control_handler handler = { on_request, on_gone, on_refused };

static void start_with(struct control_rules rules) {
	gid_t gid;
	struct error err;
	memset(&d, 0, sizeof d);
	strcpy(d.directory, "/tmp/test-daemon-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(d.directory));
	snprintf(d.path, sizeof d.path, "%s/control", d.directory);
	d.listener = control_socket_listen(d.path, NULL, &gid, &err);
	ck_assert_msg(d.listener >= 0, "%s", err.text);
	d.loop = ev_loop_new(EVFLAG_AUTO);
	d.control = control_create(d.loop, d.listener, &rules, &handler, &d);
	ck_assert_ptr_nonnull(d.control);
}

static void start(void) {
	start_with((struct control_rules){ .peers.owner = geteuid() });
}

static void stop(void) {
	control_destroy(d.control);
	listen_unlink(d.listener);
	close(d.listener);
	ev_loop_destroy(d.loop);
	ck_assert_int_eq(rmdir(d.directory), 0);
}

static void turn(void) {
	ev_run(d.loop, EVRUN_NOWAIT);
}

/* Turns the loop, waiting for events, until it is so. */
#define UNTIL(condition)                                            \
	do {                                                        \
		int turns = 0;                                      \
		while (!(condition)) {                              \
			ck_assert_msg(turns++ < TURNS, #condition); \
			ev_run(d.loop, EVRUN_ONCE);                 \
		}                                                   \
	} while (0)

static int dial(void) {
	int fd = control_socket_connect(d.path);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static void say(int fd, const char *bytes) {
	ck_assert_int_eq(control_socket_write(fd, bytes, strlen(bytes)), (int)strlen(bytes));
}

/* All that comes until the daemon closes; the loop turns meanwhile. */
static const char *hear(int fd) {
	static char answer[70000];
	size_t len = 0;
	for (int i = 0; i < TURNS; i++) {
		ssize_t n = control_socket_read(fd, answer + len, sizeof answer - 1 - len);
		if (n == 0 || n == -ECONNRESET) /* what we said was not read to its end */
			break;
		if (n > 0)
			len += (size_t)n;
		else
			turn();
	}
	answer[len] = '\0';
	return answer;
}

START_TEST(a_request_is_answered_and_the_connection_ends)
{
	start();
	AUTOCLOSE int fd = dial();
	say(fd, STATUS);
	ck_assert_str_eq(hear(fd), ANSWER);
	ck_assert_uint_eq(d.requests, 1);
	ck_assert_uint_eq(d.gone, 0);
	ck_assert_uint_eq(control_count(d.control), 0);
	stop();
}
END_TEST

START_TEST(an_answer_may_come_later_and_in_pieces)
{
	start();
	AUTOCLOSE int fd = dial();
	say(fd, "{\"v\":1,\"verb\":\"restart\",");
	turn();
	turn();
	ck_assert_uint_eq(d.requests, 0);
	say(fd, "\"all\":true,\"wait\":true}\n");
	UNTIL(d.requests == 1);
	ck_assert(d.request.wait);
	ck_assert_uint_eq(control_uid(d.control, d.client), geteuid());
	ck_assert_uint_eq(control_uid(d.control, d.client + 1), (uid_t)-1);
	ck_assert(control_send(d.control, d.client, "{\"progress\":1}"));
	turn();
	ck_assert(control_send(d.control, d.client, DONE));
	control_done(d.control, d.client);
	ck_assert(!control_send(d.control, d.client, "{}"));
	ck_assert_str_eq(hear(fd), "{\"progress\":1}\n" ANSWER);
	stop();
}
END_TEST

START_TEST(a_client_that_only_ended_its_side_gets_its_answer)
{
	start();
	AUTOCLOSE int fd = dial();
	say(fd, RELOAD);
	shutdown(fd, SHUT_WR);
	UNTIL(d.requests == 1);
	for (int i = 0; i < 10; i++)
		turn();
	ck_assert_uint_eq(d.gone, 0);
	control_answer(d.control, d.client, DONE);
	ck_assert_str_eq(hear(fd), ANSWER);
	stop();
}
END_TEST

START_TEST(a_client_that_leaves_while_it_waits_is_told_once)
{
	start();
	int fd = dial();
	say(fd, RELOAD);
	UNTIL(d.requests == 1);
	close(fd);
	UNTIL(d.gone == 1);
	ck_assert_uint_eq(control_count(d.control), 0);
	control_done(d.control, d.client); /* too late, and harmless */
	stop();
}
END_TEST

START_TEST(whoever_goes_on_talking_is_not_listened_to)
{
	start();
	AUTOCLOSE int fd = dial();
	say(fd, RELOAD RELOAD RELOAD);
	say(fd, RELOAD);
	UNTIL(d.requests == 1);
	for (int i = 0; i < 10; i++)
		turn();
	ck_assert_uint_eq(d.requests, 1);
	control_answer(d.control, d.client, DONE);
	ck_assert_str_eq(hear(fd), ANSWER);
	stop();
}
END_TEST

START_TEST(garbage_is_refused_with_a_reason)
{
	const struct {
		const char *said, *reason;
	} cases[] = {
		{ "GET / HTTP/1.1\r\n\r\n", "not a line of JSON" },
		{ "\n", "not a line of JSON" },
		{ "{\"v\":1,\"verb\":\"statsu\"}\n", "did you mean `status`" },
		{ "{\"v\":7,\"verb\":\"status\"}\n", "version" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		start();
		AUTOCLOSE int fd = dial();
		say(fd, cases[i].said);
		const char *answer = hear(fd);
		ck_assert_msg(strstr(answer, cases[i].reason) != NULL, "%s", answer);
		ck_assert_ptr_nonnull(strstr(answer, "\"ok\":false"));
		ck_assert_uint_eq(d.requests, 0);
		ck_assert_uint_eq(d.refused, 1);
		ck_assert_uint_eq(d.refused_uid, geteuid());
		stop();
	}
}
END_TEST

START_TEST(half_a_request_is_never_acted_on)
{
	start();
	AUTOCLOSE int fd = dial();
	say(fd, "{\"v\":1,\"verb\":\"stop\"}"); /* whole, but for its newline */
	shutdown(fd, SHUT_WR);
	ck_assert_ptr_nonnull(strstr(hear(fd), "cut off"));
	ck_assert_uint_eq(d.requests, 0);

	int other = dial();
	say(other, "{\"v\":1,");
	close(other);
	UNTIL(d.refused == 2);
	UNTIL(control_count(d.control) == 0);

	close(dial()); /* only wanted to know whether somebody is there */
	for (int i = 0; i < 10; i++)
		turn();
	ck_assert_uint_eq(control_count(d.control), 0);
	ck_assert_uint_eq(d.refused, 2);
	stop();
}
END_TEST

START_TEST(a_request_without_end_is_refused)
{
	start_with((struct control_rules){ .peers.owner = geteuid(), .max_request = 10000 });
	AUTOCLOSE int fd = dial();
	char block[5001];
	memset(block, ' ', sizeof block - 1);
	block[sizeof block - 1] = '\0';
	say(fd, block);
	say(fd, block);
	ck_assert_ptr_nonnull(strstr(hear(fd), "longer than 10000 bytes"));
	ck_assert_uint_eq(control_count(d.control), 0);
	stop();
}
END_TEST

START_TEST(the_longest_request_is_still_read)
{
	start();
	AUTOCLOSE int fd = dial();
	static char line[PROTOCOL_REQUEST_MAX + 1];
	memset(line, ' ', PROTOCOL_REQUEST_MAX);
	memcpy(line, STATUS, strlen(STATUS) - 1);
	line[PROTOCOL_REQUEST_MAX - 1] = '\n';
	say(fd, line);
	ck_assert_str_eq(hear(fd), ANSWER);
	stop();
}
END_TEST

START_TEST(whoever_never_asks_is_sent_away)
{
	start_with((struct control_rules){ .peers.owner = geteuid(), .request_within = 30 });
	AUTOCLOSE int fd = dial();
	say(fd, "{");
	UNTIL(d.refused == 1);
	ck_assert_ptr_nonnull(strstr(hear(fd), "no whole request"));
	ck_assert_uint_eq(control_count(d.control), 0);
	stop();
}
END_TEST

START_TEST(whoever_waits_for_us_is_not_hurried)
{
	start_with((struct control_rules){ .peers.owner = geteuid(), .request_within = 20 });
	AUTOCLOSE int waits = dial(), never_asks = dial();
	say(waits, RELOAD);
	UNTIL(d.refused == 1); /* so that time has passed */
	ck_assert_ptr_nonnull(strstr(hear(never_asks), "no whole request"));
	ck_assert_uint_eq(d.gone, 0);
	control_answer(d.control, d.client, DONE);
	ck_assert_str_eq(hear(waits), ANSWER);
	stop();
}
END_TEST

/* More than a socket takes, less than we keep. */
static const char *big_line(size_t size) {
	static char line[1 << 20];
	memset(line, 'x', size);
	line[size] = '\0';
	return line;
}

START_TEST(a_client_that_never_reads_is_dropped_in_time)
{
	start_with((struct control_rules){ .peers.owner = geteuid(), .read_within = 30 });
	AUTOCLOSE int fd = dial();
	say(fd, RELOAD);
	UNTIL(d.requests == 1);
	ck_assert(control_send(d.control, d.client, big_line(1000000)));
	UNTIL(d.gone == 1);
	ck_assert_uint_eq(control_count(d.control), 0);
	ck_assert_str_eq(d.reason, "a client that does not read its answer");
	stop();
}
END_TEST

START_TEST(a_client_that_never_reads_cannot_fill_our_memory)
{
	start_with((struct control_rules){ .peers.owner = geteuid(), .max_unread = 300000 });
	AUTOCLOSE int fd = dial();
	say(fd, RELOAD);
	UNTIL(d.requests == 1);
	const char *line = big_line(1000);
	int sent = 0;
	while (control_send(d.control, d.client, line) && sent < 10000) {
		sent++;
		turn();
	}
	ck_assert_int_lt(sent, 1500);
	ck_assert_uint_eq(control_count(d.control), 0);
	ck_assert_uint_eq(d.gone, 0); /* control_send() said so already */
	stop();
}
END_TEST

START_TEST(a_slow_reader_gets_all_of_it)
{
	start();
	AUTOCLOSE int fd = dial();
	say(fd, RELOAD);
	UNTIL(d.requests == 1);
	control_answer(d.control, d.client, big_line(1000000));
	size_t got = 0;
	for (ssize_t n = 1; n != 0;) {
		char piece[20000];
		turn();
		n = control_socket_read(fd, piece, sizeof piece);
		got += n > 0 ? (size_t)n : 0;
	}
	ck_assert_uint_eq(got, 1000001);
	stop();
}
END_TEST

/* A plain user's limit is 1024 until asked for more. */
static void allow_many_descriptors(void) {
	struct rlimit limit;
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

START_TEST(a_thousand_clients_do_not_keep_out_those_who_came_first)
{
	allow_many_descriptors();
	start();
	AUTOCLOSE int first = dial();
	UNTIL(control_count(d.control) == 1);
	int fds[1000];
	unsigned turned_away = 0;
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = dial();
		turn();
	}
	UNTIL(control_count(d.control) == 64);
	for (size_t i = 63; i < ARRAY_LEN(fds); i++)
		turned_away += strstr(hear(fds[i]), "too many clients") != NULL;
	ck_assert_uint_eq(turned_away, ARRAY_LEN(fds) - 63);
	ck_assert_uint_eq(control_count(d.control), 64);
	ck_assert_uint_lt(d.refused, 20); /* a flood is not told one by one */
	say(first, STATUS);
	ck_assert_str_eq(hear(first), ANSWER);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
	UNTIL(control_count(d.control) == 0);
	stop();
}
END_TEST

static struct rlimit descriptors;

static unsigned loop_turns;
static void count_turn(struct ev_loop *loop UNUSED, ev_check *w UNUSED, int revents UNUSED) {
	loop_turns++;
}

static void break_loop(struct ev_loop *loop, ev_timer *w UNUSED, int revents UNUSED) {
	ev_break(loop, EVBREAK_ONE);
}

START_TEST(nobody_keeps_the_loop_busy_while_they_wait)
{
	start();
	AUTOCLOSE int half_closed = dial(), talks = dial();
	say(half_closed, RELOAD);
	shutdown(half_closed, SHUT_WR);
	say(talks, RELOAD);
	UNTIL(d.requests == 2);
	say(talks, RELOAD);
	for (int i = 0; i < 10; i++)
		turn();
	ev_check check;
	ev_timer timer;
	ev_check_init(&check, count_turn);
	ev_timer_init(&timer, break_loop, 0.03, 0.0);
	ev_check_start(d.loop, &check);
	ev_timer_start(d.loop, &timer);
	loop_turns = 0;
	ev_run(d.loop, 0);
	ck_assert_uint_lt(loop_turns, 4);
	ev_check_stop(d.loop, &check);
	stop();
}
END_TEST

START_TEST(out_of_descriptors_we_neither_spin_nor_forget_who_waits)
{
	start();
	AUTOCLOSE int fd = dial();
	say(fd, STATUS);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &descriptors), 0);
	struct rlimit none = { 0, descriptors.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	ev_check check;
	ev_check_init(&check, count_turn);
	ev_check_start(d.loop, &check);
	loop_turns = 0;
	UNTIL(d.refused == 1);
	ck_assert_str_eq(d.reason, strerror(EMFILE));
	setrlimit(RLIMIT_NOFILE, &descriptors);
	UNTIL(d.requests == 1); /* waits for the second to pass, in one or two turns */
	ck_assert_uint_lt(loop_turns, 6);
	ev_check_stop(d.loop, &check);
	ck_assert_str_eq(hear(fd), ANSWER);
	stop();
}
END_TEST

/* In another process, as another user: exits 0 when the answer has `expected` in it. */
static pid_t ask_as(uid_t uid, gid_t gid, gid_t other, const char *said, const char *expected) {
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	char answer[4096] = "";
	if (setgroups(1, &other) != 0 || setgid(gid) != 0 || setuid(uid) != 0)
		_exit(3);
	int fd = control_socket_connect(d.path);
	if (fd < 0)
		_exit(4);
	fcntl(fd, F_SETFL, 0);
	/* Who may not talk at all may have been told so, and left, before this. */
	ssize_t n = send(fd, said, strlen(said), MSG_NOSIGNAL);
	(void)n;
	size_t len = 0;
	while ((n = read(fd, answer + len, sizeof answer - 1 - len)) > 0)
		len += (size_t)n;
	_exit(strstr(answer, expected) != NULL ? 0 : 5);
}

static int exit_of(pid_t pid) {
	int status;
	while (waitpid(pid, &status, WNOHANG) == 0)
		turn();
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

START_TEST(who_may_is_decided_by_uid_and_every_group)
{
	const struct {
		uid_t uid;
		gid_t gid, other;
		const char *said, *expected;
	} cases[] = {
		{ 1234, 1234, 1234, STATUS, "you may not talk to this daemon" },
		{ 1234, 1234, 50, STATUS, "\"ok\":true" }, /* known by SO_PEERGROUPS only */
		{ 1234, 50, 1234, STATUS, "\"ok\":true" },
		{ 1234, 1234, 50, "{\"v\":1,\"verb\":\"stop\"}\n", "only root and" },
		{ 4321, 1234, 1234, STATUS, "\"ok\":true" }, /* the daemon's own */
		{ 0, 0, 0, STATUS, "\"ok\":true" },
	};
	if (geteuid() != 0)
		return; /* can't become somebody else */
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		start_with((struct control_rules){
			.peers = { .owner = 4321, .has_group = true, .group = 50 } });
		/* The file's mode would already keep strangers out. */
		ck_assert_int_eq(chmod(d.path, 0666), 0);
		ck_assert_int_eq(chmod(d.directory, 0755), 0);
		pid_t pid = ask_as(cases[i].uid, cases[i].gid, cases[i].other, cases[i].said,
				   cases[i].expected);
		ck_assert_msg(exit_of(pid) == 0, "case %zu", i);
		if (strstr(cases[i].expected, "true") == NULL)
			ck_assert_uint_eq(d.refused_uid, cases[i].uid);
		stop();
	}
}
END_TEST

START_TEST(a_reload_changes_who_may)
{
	if (geteuid() != 0)
		return;
	start_with((struct control_rules){ .peers.owner = 4321 });
	ck_assert_int_eq(chmod(d.path, 0666), 0);
	ck_assert_int_eq(chmod(d.directory, 0755), 0);
	ck_assert_int_eq(exit_of(ask_as(1234, 50, 50, STATUS, "you may not")), 0);
	control_set_rules(d.control, &(struct control_rules){
					     .peers = { 4321, .has_group = true, .group = 50 } });
	ck_assert_int_eq(exit_of(ask_as(1234, 50, 50, STATUS, "\"ok\":true")), 0);
	stop();
}
END_TEST

START_TEST(the_last_words_are_still_written_when_the_daemon_ends)
{
	start();
	AUTOCLOSE int fd = dial(), quiet = dial();
	say(fd, RELOAD);
	UNTIL(d.requests == 1);
	control_answer(d.control, d.client, DONE);
	stop();
	char answer[100] = "";
	ck_assert_int_eq(control_socket_read(fd, answer, sizeof answer - 1), (int)strlen(ANSWER));
	ck_assert_str_eq(answer, ANSWER);
	ck_assert_int_eq(control_socket_read(quiet, answer, sizeof answer), 0);
}
END_TEST

SUITE("control", a_request_is_answered_and_the_connection_ends,
      an_answer_may_come_later_and_in_pieces, a_client_that_only_ended_its_side_gets_its_answer,
      a_client_that_leaves_while_it_waits_is_told_once, whoever_goes_on_talking_is_not_listened_to,
      garbage_is_refused_with_a_reason, half_a_request_is_never_acted_on,
      a_request_without_end_is_refused, the_longest_request_is_still_read,
      whoever_never_asks_is_sent_away, whoever_waits_for_us_is_not_hurried,
      a_client_that_never_reads_is_dropped_in_time,
      a_client_that_never_reads_cannot_fill_our_memory, a_slow_reader_gets_all_of_it,
      a_thousand_clients_do_not_keep_out_those_who_came_first,
      nobody_keeps_the_loop_busy_while_they_wait,
      out_of_descriptors_we_neither_spin_nor_forget_who_waits,
      who_may_is_decided_by_uid_and_every_group, a_reload_changes_who_may,
      the_last_words_are_still_written_when_the_daemon_ends)
