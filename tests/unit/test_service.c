#include "daemon/service.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/notify_socket.h"
#include "suite.h"

/* We are the service manager: a socket, and what was heard on it, message by message. */
struct scene {
	char directory[40], path[64];
	int manager;
	struct ev_loop *loop;
	struct service *service;
	struct config config;
	struct herd *herd;
	char heard[8192]; /* every message, each ended by a newline */
	int fd;           /* that came along with the last one; -1: none */
};

static const struct limits two = { .workers = 2, .total_bytes = 1024 << 20 };

static void open_scene(struct scene *t, const char *watchdog_usec) {
	*t = (struct scene){ .directory = "/tmp/pumakeeper-service-XXXXXX", .fd = -1 };
	ck_assert_ptr_nonnull(mkdtemp(t->directory));
	snprintf(t->path, sizeof t->path, "%s/manager", t->directory);
	t->manager = notify_socket_open(t->path);
	ck_assert_int_ge(t->manager, 0);
	setenv("NOTIFY_SOCKET", t->path, 1);
	if (watchdog_usec != NULL) {
		char pid[16];
		snprintf(pid, sizeof pid, "%d", (int)getpid());
		setenv("WATCHDOG_USEC", watchdog_usec, 1);
		setenv("WATCHDOG_PID", pid, 1);
	}
	t->loop = ev_loop_new(EVFLAG_AUTO);
	t->service = service_create(t->loop);
	ck_assert_ptr_nonnull(t->service);
	ck_assert_int_eq(config_defaults(&t->config), 0);
	t->herd = calloc(1, sizeof *t->herd);
	herd_init(t->herd, &t->config, &two);
}

static void close_scene(struct scene *t) {
	service_destroy(t->service);
	ev_loop_destroy(t->loop);
	config_finish(&t->config);
	free(t->herd);
	if (t->fd >= 0)
		close(t->fd);
	close(t->manager);
	unlink(t->path);
	rmdir(t->directory);
}

/* The next message, or false: there is none. */
static bool hear(struct scene *t) {
	char text[1024];
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec io = { text, sizeof text - 1 };
	struct msghdr m = { .msg_iov = &io,
			    .msg_iovlen = 1,
			    .msg_control = control.bytes,
			    .msg_controllen = sizeof control.bytes };
	ssize_t n = recvmsg(t->manager, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return false;
	text[n] = '\0';
	size_t len = strlen(t->heard);
	snprintf(t->heard + len, sizeof t->heard - len, "%s\n", text);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c != NULL; c = CMSG_NXTHDR(&m, c)) {
		if (c->cmsg_type == SCM_RIGHTS)
			memcpy(&t->fd, CMSG_DATA(c), sizeof t->fd);
	}
	return true;
}

/* All that was said until now, since the last time that it was asked for. */
static const char *heard(struct scene *t) {
	t->heard[0] = '\0';
	while (hear(t))
		;
	return t->heard;
}

static const char *heard_in_a_turn(struct scene *t) {
	ev_run(t->loop, EVRUN_NOWAIT);
	return heard(t);
}

static void serve(struct scene *t, unsigned workers) {
	t->herd->ever_ready = true;
	t->herd->cells = workers;
	for (unsigned i = 0; i < workers; i++)
		t->herd->workers[i] = (struct worker){ .id = i + 1,
						       .slot = i,
						       .life = { .state = WORKER_READY } };
	service_settle(t->service, t->herd);
}

START_TEST(without_a_service_manager_nothing_is_done)
{
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	unsetenv("NOTIFY_SOCKET");
	ck_assert_ptr_null(service_create(loop));
	service_settle(NULL, NULL);
	service_begin_reload(NULL);
	service_end_reload(NULL);
	service_say(NULL, "nothing");
	ck_assert_int_eq(service_keep(NULL, "state", 0), 0);
	ck_assert_int_eq(service_drop(NULL, "state"), 0);
	ck_assert_int_eq(service_restore_environment(NULL), 0);
	service_destroy(NULL);
	ev_loop_destroy(loop);
}
END_TEST

START_TEST(its_variables_are_gone_until_they_are_put_back)
{
	static const char *const names[] = { "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID" };
	struct scene t;
	char pid[16];
	open_scene(&t, "3600000000");
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		ck_assert_msg(getenv(names[i]) == NULL, "%s", names[i]);
	snprintf(pid, sizeof pid, "%d", (int)getpid());
	ck_assert_int_eq(service_restore_environment(t.service), 0);
	ck_assert_str_eq(getenv("NOTIFY_SOCKET"), t.path);
	ck_assert_str_eq(getenv("WATCHDOG_USEC"), "3600000000");
	ck_assert_str_eq(getenv("WATCHDOG_PID"), pid);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		unsetenv(names[i]);
	close_scene(&t);
}
END_TEST

START_TEST(ready_is_said_once_and_not_before_somebody_serves)
{
	struct scene t;
	open_scene(&t, NULL);
	service_settle(t.service, t.herd);
	ck_assert_str_eq(heard(&t), "STATUS=0 of 2 workers serve\n");
	serve(&t, 1);
	ck_assert_str_eq(heard(&t), "READY=1\nSTATUS=1 of 2 workers serves\n");
	service_settle(t.service, t.herd);
	ck_assert_str_eq(heard(&t), "");
	close_scene(&t);
}
END_TEST

START_TEST(patience_is_asked_for_while_it_boots_and_stops_and_not_in_between)
{
	struct scene t;
	open_scene(&t, NULL);
	ck_assert_str_eq(heard_in_a_turn(&t), "EXTEND_TIMEOUT_USEC=30000000\n");
	serve(&t, 2);
	ck_assert_ptr_null(strstr(heard_in_a_turn(&t), "EXTEND"));
	t.herd->state = HERD_LEAVING;
	service_settle(t.service, t.herd);
	ck_assert_str_eq(heard_in_a_turn(&t), "EXTEND_TIMEOUT_USEC=30000000\n"
					      "STOPPING=1\nSTATUS=stopping: 2 workers drain\n");
	close_scene(&t);
}
END_TEST

START_TEST(who_only_waits_to_stop_is_stopping)
{
	struct scene t;
	open_scene(&t, NULL);
	serve(&t, 2);
	heard_in_a_turn(&t);
	t.herd->state = HERD_WAITING_TO_STOP;
	service_settle(t.service, t.herd);
	ck_assert_ptr_nonnull(strstr(heard(&t), "STOPPING=1\nSTATUS=stopping in "));
	close_scene(&t);
}
END_TEST

START_TEST(a_status_that_changes_often_is_said_once_a_second)
{
	struct scene t;
	open_scene(&t, NULL);
	serve(&t, 1);
	heard_in_a_turn(&t);
	for (int i = 0; i < 10; i++)
		serve(&t, 1 + (unsigned)i % 2);
	ck_assert_str_eq(heard(&t), "");
	while (heard(&t)[0] == '\0')
		ev_run(t.loop, EVRUN_ONCE);
	ck_assert_str_eq(t.heard, "STATUS=2 of 2 workers serve\n");
	close_scene(&t);
}
END_TEST

START_TEST(a_turning_loop_pings_twice_a_period)
{
	struct scene t;
	open_scene(&t, "100000");
	ev_tstamp began = ev_time();
	int pings = 0;
	while (pings < 5) {
		ev_run(t.loop, EVRUN_ONCE);
		pings += strstr(heard(&t), "WATCHDOG=1\n") != NULL;
	}
	ck_assert_double_ge(ev_time() - began, 0.15); /* the first at once, then each 50 ms */
	close_scene(&t);
}
END_TEST

START_TEST(a_watchdog_that_is_not_for_us_is_not_fed)
{
	struct scene t;
	setenv("WATCHDOG_USEC", "10", 1);
	setenv("WATCHDOG_PID", "1", 1);
	open_scene(&t, NULL);
	ck_assert_ptr_null(strstr(heard_in_a_turn(&t), "WATCHDOG"));
	close_scene(&t);
}
END_TEST

START_TEST(a_reload_begins_with_reloading_and_ends_with_ready)
{
	struct scene t;
	unsigned long long usec = 0;
	open_scene(&t, NULL);
	serve(&t, 2);
	heard_in_a_turn(&t);
	service_begin_reload(t.service);
	ck_assert_int_eq(sscanf(heard(&t), "RELOADING=1\nMONOTONIC_USEC=%llu\n", &usec), 1);
	ck_assert_uint_gt(usec, 0);
	service_settle(t.service, t.herd); /* the new limits are an event: it doesn't end it */
	ck_assert_str_eq(heard(&t), "");
	service_end_reload(t.service);
	ck_assert_str_eq(heard(&t), "READY=1\nSTATUS=2 of 2 workers serve\n");
	close_scene(&t);
}
END_TEST

START_TEST(a_reload_before_anybody_serves_makes_nothing_ready)
{
	struct scene t;
	open_scene(&t, NULL);
	service_settle(t.service, t.herd);
	heard_in_a_turn(&t);
	service_begin_reload(t.service);
	service_end_reload(t.service);
	ck_assert_str_eq(heard(&t), "");
	close_scene(&t);
}
END_TEST

START_TEST(what_is_kept_goes_along_with_its_name)
{
	struct scene t;
	struct stat sent, got;
	open_scene(&t, NULL);
	int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(service_keep(t.service, "listen-0", file), 0);
	ck_assert_str_eq(heard(&t), "FDSTORE=1\nFDPOLL=0\nFDNAME=listen-0\n");
	ck_assert_int_eq(fstat(file, &sent), 0);
	ck_assert_int_eq(fstat(t.fd, &got), 0);
	ck_assert_uint_eq(sent.st_ino, got.st_ino);
	ck_assert_int_eq(service_drop(t.service, "listen-0"), 0);
	ck_assert_str_eq(heard(&t), "FDSTOREREMOVE=1\nFDNAME=listen-0\n");
	close(file);
	close_scene(&t);
}
END_TEST

/* systemd would keep it as `stored`, or not at all, and say nothing. */
START_TEST(a_name_that_systemd_would_not_take_is_refused)
{
	static const char *const wrong[] = { "", "tcp://0.0.0.0:80", "two\nlines", "j\xc3\xa4ger" };
	char longer[300];
	struct scene t;
	open_scene(&t, NULL);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		ck_assert_int_eq(service_keep(t.service, wrong[i], 0), -EINVAL);
	memset(longer, 'x', sizeof longer);
	longer[256] = '\0';
	ck_assert_int_eq(service_drop(t.service, longer), -EINVAL);
	longer[255] = '\0';
	ck_assert_int_eq(service_drop(t.service, longer), 0);
	close_scene(&t);
}
END_TEST

/* Until its queue is full: how many fit is the machine's. */
static void fill(struct scene *t, int file) {
	int error = 0;
	for (int n = 0; error == 0 && n < 1000000; n++)
		error = service_keep(t->service, "x", file);
	ck_assert_int_eq(error, -EAGAIN);
}

START_TEST(what_could_not_be_said_is_said_when_the_manager_reads_again)
{
	struct scene t;
	open_scene(&t, NULL);
	int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	fill(&t, file);
	serve(&t, 1); /* and comes back */
	char text[64];
	pid_t pid;
	while (notify_socket_receive(t.manager, text, sizeof text, &pid) >= 0)
		ck_assert_ptr_null(strstr(text, "READY"));
	while (strstr(heard(&t), "READY=1\nSTATUS=1 of 2 workers serves\n") == NULL)
		ev_run(t.loop, EVRUN_ONCE);
	close(file);
	close_scene(&t);
}
END_TEST

START_TEST(what_keeps_it_from_beginning_is_a_line_of_text)
{
	struct scene t;
	open_scene(&t, NULL);
	service_say(t.service, "app.listen:\n\xff: in use");
	ck_assert_str_eq(heard(&t), "STATUS=app.listen:??: in use\n");
	close_scene(&t);
}
END_TEST

SUITE("service", without_a_service_manager_nothing_is_done,
      its_variables_are_gone_until_they_are_put_back,
      ready_is_said_once_and_not_before_somebody_serves,
      patience_is_asked_for_while_it_boots_and_stops_and_not_in_between,
      who_only_waits_to_stop_is_stopping, a_status_that_changes_often_is_said_once_a_second,
      a_turning_loop_pings_twice_a_period, a_watchdog_that_is_not_for_us_is_not_fed,
      a_reload_begins_with_reloading_and_ends_with_ready,
      a_reload_before_anybody_serves_makes_nothing_ready, what_is_kept_goes_along_with_its_name,
      a_name_that_systemd_would_not_take_is_refused,
      what_could_not_be_said_is_said_when_the_manager_reads_again,
      what_keeps_it_from_beginning_is_a_line_of_text)
