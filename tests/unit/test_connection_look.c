#include "daemon/connection_look.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "daemon/connection_close.h"
#include "loopback.h"
#include "suite.h"
#include "worker_of_sockets.h"

static struct connections looks[2];

static uint64_t inode_of(int fd) {
	struct stat st;
	ck_assert_int_eq(fstat(fd, &st), 0);
	return st.st_ino;
}

static struct connection_count look(const struct listener_name *name,
				    const struct worker_of_sockets *w, struct connections *out) {
	const struct listeners l = { name, 1 };
	ck_assert_int_eq(connections_look(&l, w->proc_dir, out), 0);
	return connections_judge(out);
}

static void say(int client, const char *byte) {
	ck_assert_int_eq(write(client, byte, 1), 1);
}

static void forget(void) {
	connections_finish(&looks[0]);
	connections_finish(&looks[1]);
}

static const struct way {
	const char *name;
	int listens, dials;
	bool any;
} ways[] = {
	{ "v4", AF_INET, AF_INET, false },
	{ "v6", AF_INET6, AF_INET6, false },
	{ "v4 by a v6 listener", AF_INET6, AF_INET, true },
	{ "v6 by a wildcard", AF_INET6, AF_INET6, true },
};

static void see_tcp(const struct way *way) {
	struct listener_name name = { .kind = LISTENER_TCP };
	int listener = listener_tcp(way->listens, way->any, &name.port);
	if (listener < 0)
		return; /* no IPv6 here */
	struct worker_of_sockets w = worker_start(listener);
	int clients[3];
	for (int i = 0; i < 3; i++)
		clients[i] = dial_tcp(way->dials, name.port);
	worker_tells(&w, "+++");
	ck_assert_uint_eq(look(&name, &w, &looks[0]).open, 3);
	ck_assert_uint_eq(look(&name, &w, &looks[0]).busy, 0);

	say(clients[0], "p"); /* being received */
	worker_tells(&w, "p");
	say(clients[1], "q"); /* asked and answered */
	worker_tells(&w, "q");
	ck_assert_int_eq(client_reads(clients[1]), 'a');
	ck_assert_uint_eq(look(&name, &w, &looks[0]).open, 3);
	ck_assert_uint_eq(look(&name, &w, &looks[0]).busy, 1);
	ck_assert(looks[0].list[0].counted);

	close(clients[2]);
	worker_tells(&w, ".");
	ck_assert_uint_eq(look(&name, &w, &looks[0]).open, 2);
	worker_end(&w);
	close(listener);
	forget();
}

START_TEST(a_tcp_worker_is_seen_asked_answering_and_parked)
{
	for (size_t i = 0; i < ARRAY_LEN(ways); i++)
		see_tcp(&ways[i]);
}
END_TEST

START_TEST(what_waits_to_be_accepted_belongs_to_no_worker)
{
	struct listener_name name = { .kind = LISTENER_TCP };
	int listener = listener_tcp(AF_INET, false, &name.port);
	int held = dial_tcp(AF_INET, name.port);
	int proc = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct listeners l = { &name, 1 };
	ck_assert_int_eq(connections_look(&l, proc, &looks[0]), 0);
	ck_assert_uint_eq(looks[0].len, 0);
	int accepted = accept(listener, NULL, NULL);
	ck_assert_int_eq(connections_look(&l, proc, &looks[0]), 0);
	ck_assert_uint_eq(looks[0].len, 1);
	ck_assert_int_eq(looks[0].list[0].fd, accepted);
	ck_assert_uint_eq(looks[0].list[0].inode, inode_of(accepted));
	close(held);
	close(accepted);
	close(listener);
	close(proc);
	forget();
}
END_TEST

static const char *const unix_paths[] = { "/tmp/test-connection-look", "@test-look" };

static void see_unix(const char *path) {
	struct listener_name name = { .kind = LISTENER_UNIX };
	char other[120];
	snprintf(name.path, sizeof name.path, "%s-%d", path, getpid());
	snprintf(other, sizeof other, "%s.probe", name.path);
	int listener = listener_unix(name.path), probe = listener_unix(other);
	name.inode = inode_of(listener);
	const struct listeners l = { &name, 1 };

	int client = dial_unix(name.path), second = dial_unix(name.path);
	ck_assert_int_eq(connections_queued_unix(&l), 2);
	struct worker_of_sockets w = worker_start(listener);
	worker_tells(&w, "++");
	ck_assert_int_eq(connections_queued_unix(&l), 0);
	struct worker_of_sockets probed = worker_start(probe);
	int prober = dial_unix(other);
	worker_tells(&probed, "+");

	ck_assert_uint_eq(look(&name, &w, &looks[0]).open, 2);
	ck_assert_uint_eq(look(&name, &w, &looks[0]).busy, 0);
	ck_assert(looks[0].list[0].unix_socket);
	ck_assert_uint_eq(look(&name, &probed, &looks[0]).open, 0);
	kill(w.pid, SIGSTOP);
	waitpid(w.pid, NULL, WUNTRACED);
	say(client, "q");
	ck_assert_uint_eq(look(&name, &w, &looks[0]).busy, 1);
	worker_end(&w);
	worker_end(&probed);
	unlink(name.path);
	unlink(other);
	close(client);
	close(second);
	close(prober);
	close(listener);
	close(probe);
	forget();
}

START_TEST(a_unix_worker_is_seen_and_a_socket_of_another_name_is_not)
{
	for (size_t i = 0; i < ARRAY_LEN(unix_paths); i++)
		see_unix(unix_paths[i]);
}
END_TEST

/* Looks until the clients have been silent long enough to be parked. */
static void look_until_parked(const struct listener_name *name, const struct worker_of_sockets *w,
			      size_t wanted) {
	for (int i = 0; i < 300; i++) {
		look(name, w, &looks[1]);
		size_t parked = 0;
		for (size_t j = 0; j < looks[1].len; j++)
			parked += connection_may_close(NULL, &looks[1].list[j], CLOSE_IDLE);
		if (parked == wanted)
			return;
		poll(NULL, 0, 10);
	}
	ck_abort_msg("the clients were never parked");
}

START_TEST(a_parked_client_is_half_closed_and_one_in_a_request_is_not)
{
	struct listener_name name = { .kind = LISTENER_TCP };
	int listener = listener_tcp(AF_INET, false, &name.port);
	struct worker_of_sockets w = worker_start(listener);
	int parked = dial_tcp(AF_INET, name.port), asking = dial_tcp(AF_INET, name.port);
	worker_tells(&w, "++");
	say(parked, "q");
	worker_tells(&w, "q");
	ck_assert_int_eq(client_reads(parked), 'a');
	say(asking, "p");
	worker_tells(&w, "p");

	look(&name, &w, &looks[0]);
	struct half_closed none = connections_half_close(w.pidfd, NULL, &looks[0], CLOSE_BUSY);
	ck_assert_uint_eq(none.closed, 0);
	ck_assert_uint_eq(none.left, 2);
	look_until_parked(&name, &w, 1);
	struct half_closed r = connections_half_close(w.pidfd, &looks[0], &looks[1], CLOSE_IDLE);
	ck_assert_int_eq(r.error, 0);
	ck_assert_uint_eq(r.closed, 1);
	ck_assert_uint_eq(r.left, 1);
	worker_tells(&w, ".");
	ck_assert_int_eq(client_reads(parked), '.');
	ck_assert_uint_eq(look(&name, &w, &looks[0]).open, 1);
	say(asking, "q"); /* its request was not touched */
	worker_tells(&w, "q");
	ck_assert_int_eq(client_reads(asking), 'a');
	worker_end(&w);
	close(parked);
	close(asking);
	close(listener);
	forget();
}
END_TEST

/* As EPERM, where the kernel forbids it. */
START_TEST(what_can_not_be_borrowed_stays_open_and_the_first_refusal_says_why)
{
	struct listener_name name = { .kind = LISTENER_TCP };
	int listener = listener_tcp(AF_INET, false, &name.port);
	struct worker_of_sockets w = worker_start(listener);
	int parked = dial_tcp(AF_INET, name.port);
	worker_tells(&w, "+");
	say(parked, "q");
	worker_tells(&w, "q");
	ck_assert_int_eq(client_reads(parked), 'a');
	look_until_parked(&name, &w, 1);

	struct rlimit before, none_free;
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	int first_free = dup(parked);
	none_free = before;
	none_free.rlim_cur = (rlim_t)first_free;
	close(first_free);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none_free), 0);
	struct half_closed r = connections_half_close(w.pidfd, NULL, &looks[1], CLOSE_IDLE);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	ck_assert_int_eq(r.error, EMFILE);
	ck_assert_uint_eq(r.closed, 0);
	ck_assert_uint_eq(r.left, 1);
	worker_end(&w);
	close(parked);
	close(listener);
	forget();
}
END_TEST

START_TEST(a_client_that_cycles_is_half_closed_only_when_busy_ones_are_meant)
{
	struct listener_name name = { .kind = LISTENER_TCP };
	int listener = listener_tcp(AF_INET, false, &name.port);
	struct worker_of_sockets w = worker_start(listener);
	int client = dial_tcp(AF_INET, name.port);
	worker_tells(&w, "+");
	for (int i = 0; i < 2; i++) {
		say(client, "q");
		worker_tells(&w, "q");
		ck_assert_int_eq(client_reads(client), 'a');
		look(&name, &w, &looks[i]);
	}
	struct half_closed r = connections_half_close(w.pidfd, &looks[0], &looks[1], CLOSE_IDLE);
	ck_assert_uint_eq(r.closed, 0);
	r = connections_half_close(w.pidfd, &looks[0], &looks[1], CLOSE_BUSY);
	ck_assert_uint_eq(r.closed, 1);
	worker_tells(&w, ".");
	worker_end(&w);
	close(client);
	close(listener);
	forget();
}
END_TEST

START_TEST(a_unix_client_is_half_closed)
{
	struct listener_name name = { .kind = LISTENER_UNIX };
	snprintf(name.path, sizeof name.path, "@test-close-%d", getpid());
	int listener = listener_unix(name.path);
	struct worker_of_sockets w = worker_start(listener);
	int client = dial_unix(name.path);
	worker_tells(&w, "+");
	look(&name, &w, &looks[0]);
	look(&name, &w, &looks[1]);
	struct half_closed r = connections_half_close(w.pidfd, &looks[0], &looks[1], CLOSE_IDLE);
	ck_assert_uint_eq(r.closed, 1);
	worker_tells(&w, ".");
	ck_assert_int_eq(client_reads(client), '.');
	worker_end(&w);
	close(client);
	close(listener);
	forget();
}
END_TEST

START_TEST(a_worker_that_is_gone_is_an_error_and_not_an_empty_look)
{
	struct listener_name name = { .kind = LISTENER_TCP };
	int listener = listener_tcp(AF_INET, false, &name.port);
	struct worker_of_sockets w = worker_start(listener);
	int client = dial_tcp(AF_INET, name.port);
	worker_tells(&w, "+");
	look(&name, &w, &looks[0]);
	kill(w.pid, SIGKILL);
	waitpid(w.pid, NULL, 0);
	const struct listeners l = { &name, 1 };
	ck_assert_int_lt(connections_look(&l, w.proc_dir, &looks[1]), 0);
	struct half_closed r = connections_half_close(w.pidfd, NULL, &looks[0], CLOSE_BUSY);
	ck_assert_uint_eq(r.closed, 0);
	worker_end(&w);
	close(client);
	close(listener);
	forget();
}
END_TEST

SUITE("connection_look", a_tcp_worker_is_seen_asked_answering_and_parked,
      what_waits_to_be_accepted_belongs_to_no_worker,
      a_unix_worker_is_seen_and_a_socket_of_another_name_is_not,
      a_parked_client_is_half_closed_and_one_in_a_request_is_not,
      what_can_not_be_borrowed_stays_open_and_the_first_refusal_says_why,
      a_client_that_cycles_is_half_closed_only_when_busy_ones_are_meant,
      a_unix_client_is_half_closed, a_worker_that_is_gone_is_an_error_and_not_an_empty_look)
