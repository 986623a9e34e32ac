#include "daemon/orphans.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/address.h"
#include "core/state.h"
#include "daemon/identity.h"
#include "daemon/keep.h"
#include "os/boot_id.h"
#include "os/clock.h"
#include "os/lock.h"
#include "os/notify_send.h"
#include "os/state_file.h"
#include "os/unit_processes.h"
#include "util/fd.h"

#define ORPHANS_MAX  1024
#define LOOK_EVERY   100 /* ms */
#define EXTEND_EVERY (10 * MSEC_SECOND)
#define HURRY_GRACE  (2 * MSEC_SECOND)
#define OTHERS_GRACE (5 * MSEC_SECOND) /* what an app has started, or a worker nobody knew */
#define KILL_GRACE   (5 * MSEC_SECOND)

struct orphan {
	pid_t pid;
	int pidfd;        /* -1: it is gone */
	const char *what; /* worker, mold, process */
	int slot;         /* of a worker; else -1 */
};

struct ending {
	int dir;
	struct state state;
	struct herd herd;
	struct config config;
	struct strings texts;
	struct orphan list[ORPHANS_MAX];
	size_t len;
	msec_t began, extended;
};

static volatile sig_atomic_t hurried;

static void on_signal(int number UNUSED) {
	hurried = 1;
}

static void say(const struct ending *e, const struct orphan *o, const char *how) {
	char slot[32] = "";
	if (o->slot >= 0)
		snprintf(slot, sizeof slot, "slot %d, ", o->slot);
	printf("%s (%spid %d): %s after %.1f s\n", o->what, slot, (int)o->pid, how,
	       (double)(clock_now() - e->began) / MSEC_SECOND);
	fflush(stdout);
}

static void add(struct ending *e, struct orphan orphan) {
	if (orphan.pidfd < 0)
		return;
	if (e->len == ORPHANS_MAX || identity_has_ended(orphan.pidfd))
		close(orphan.pidfd);
	else
		e->list[e->len++] = orphan;
}

static void find_herd(struct ending *e) {
	for (unsigned i = 0; i < e->herd.cells; i++) {
		const struct worker *w = &e->herd.workers[i];
		if (w->life.state != WORKER_GONE && w->pid > 1)
			add(e, (struct orphan){ .pid = w->pid,
						.pidfd = identity_open(w->pid, w->start_ticks),
						.what = "worker",
						.slot = (int)w->slot });
	}
	for (size_t i = 0; i < HERD_PARENTS_MAX; i++) {
		const struct parent *p = &e->herd.parents[i];
		if (p->generation != 0 && p->pid > 1)
			add(e, (struct orphan){ .pid = p->pid,
						.pidfd = identity_open(p->pid, p->start_ticks),
						.what = "mold",
						.slot = -1 });
	}
}

static void find_others(struct ending *e) {
	pid_t pids[ORPHANS_MAX];
	size_t n = unit_processes(pids, ORPHANS_MAX);
	e->len = 0;
	for (size_t i = 0; i < n; i++) {
		int pidfd = (int)syscall(SYS_pidfd_open, pids[i], 0);
		add(e, (struct orphan){
			       .pid = pids[i], .pidfd = pidfd, .what = "process", .slot = -1 });
	}
}

static void send(const struct ending *e, int number) {
	for (size_t i = 0; i < e->len; i++) {
		if (e->list[i].pidfd < 0)
			continue;
		syscall(SYS_pidfd_send_signal, e->list[i].pidfd, number, NULL, 0);
		if (number == SIGTERM) /* one that is stopped could not even read it */
			syscall(SYS_pidfd_send_signal, e->list[i].pidfd, SIGCONT, NULL, 0);
	}
}

/* A systemd that waits for us gives us the time. */
static void extend(struct ending *e) {
	const char *address = getenv("NOTIFY_SOCKET");
	if (address == NULL || (e->extended != 0 && clock_now() - e->extended < EXTEND_EVERY))
		return;
	AUTOCLOSE int fd = notify_send_open();
	if (fd >= 0)
		(void)!notify_send(fd, address, "EXTEND_TIMEOUT_USEC=30000000", -1);
	e->extended = clock_now();
}

static size_t look(struct ending *e, const char *how) {
	size_t left = 0;
	for (size_t i = 0; i < e->len; i++) {
		struct orphan *o = &e->list[i];
		struct pollfd end = { .fd = o->pidfd, .events = POLLIN };
		if (o->pidfd >= 0 && poll(&end, 1, 0) == 1) {
			say(e, o, how);
			fd_close(&o->pidfd);
		}
		left += o->pidfd >= 0;
	}
	return left;
}

/* Until all are gone, or for so long; less when somebody is in a hurry. How many are left. */
static size_t wait_for(struct ending *e, msec_t patience, const char *how) {
	msec_t until = clock_now() + patience;
	size_t left;
	while ((left = look(e, how)) > 0 && clock_now() < until) {
		extend(e);
		if (hurried)
			until = msec_min(until, clock_now() + HURRY_GRACE);
		hurried = 0;
		poll(NULL, 0, LOOK_EVERY);
	}
	return left;
}

static size_t end_all(struct ending *e, msec_t patience) {
	e->began = clock_now();
	if (e->len == 0)
		return 0;
	send(e, SIGTERM);
	if (wait_for(e, patience, "ended") == 0)
		return 0;
	send(e, SIGKILL);
	return wait_for(e, KILL_GRACE, "killed");
}

static void remove_files(const struct ending *e) {
	static const char *const names[] = { "control", "notify", "events", "state.former" };
	for (size_t i = 0; i < e->state.n_listeners; i++) {
		const struct state_listener *l = &e->state.listeners[i];
		if (strncmp(l->url, "unix://", 7) == 0 && address_is_our_name(l->name))
			unlink(l->url + 7);
	}
	int fd = openat(e->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (strncmp(entry->d_name, "probe-", 6) == 0)
			unlinkat(e->dir, entry->d_name, 0);
	}
	if (dir != NULL)
		closedir(dir);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		unlinkat(e->dir, names[i], 0);
	unlinkat(e->dir, KEEP_NAME, 0); /* last: until then it can be done again */
}

/* 1: there is a herd; 0: there is none, or none of this boot; -1: nobody knows. */
static int read_state(struct ending *e, const char *directory) {
	char boot_id[BOOT_ID_SIZE], buffer[300], *bytes = NULL;
	struct text said = TEXT_IN(buffer);
	const struct limits limits = { .workers = HERD_SLOTS_MAX };
	size_t len = 0;
	AUTOCLOSE int fd = openat(e->dir, KEEP_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int error = fd >= 0 ? state_file_read(fd, &bytes, &len) : -errno;
	if (error == -ENOENT || error == -ENODATA)
		return 0;
	if (error == 0)
		error = boot_id_read(boot_id);
	if (error != 0) {
		fprintf(stderr, "pumakeeper: %s/%s: %s\n", directory, KEEP_NAME, strerror(-error));
		free(bytes);
		return -1;
	}
	herd_init(&e->herd, &e->config, &limits);
	e->state.herd = &e->herd;
	enum state_verdict verdict = state_read(bytes, len, boot_id, &e->state, &e->texts, &said);
	free(bytes);
	if (buffer[0] != '\0')
		fprintf(stderr, "pumakeeper: %s/%s: %s\n", directory, KEEP_NAME, buffer);
	if (verdict == STATE_BROKEN)
		return -1;
	return verdict != STATE_OTHER_BOOT;
}

static bool take_lock(struct ending *e, const char *directory, int *lock) {
	pid_t holder = 0;
	*lock = lock_take(e->dir, "lock", &holder);
	if (*lock == -EWOULDBLOCK)
		fprintf(stderr,
			"pumakeeper: %s: its pumakeeperd (pid %d) lives: `pumakeeper stop` drains its "
			"workers and ends it; if it does not answer, end it first (kill -9 %d)\n",
			directory, (int)holder, (int)holder);
	else if (*lock < 0)
		fprintf(stderr, "pumakeeper: %s/lock: %s\n", directory, strerror(-*lock));
	return *lock >= 0;
}

static bool end_herd(struct ending *e, const struct orphans_wish *wish) {
	int found = e->dir >= 0 ? read_state(e, wish->directory) : 0;
	if (found > 0)
		find_herd(e);
	size_t all = e->len, left = end_all(e, e->state.drain_timeout);
	if (wish->unit) {
		find_others(e);
		all += e->len;
		left = end_all(e, OTHERS_GRACE);
	}
	if (left > 0)
		fprintf(stderr, "pumakeeper: %zu of them can't be ended\n", left);
	bool over = left == 0 && (found >= 0 || wish->unit);
	if (over && e->dir >= 0)
		remove_files(e);
	if (over && all == 0)
		printf("nobody is left%s%s\n", e->dir >= 0 ? " of " : "",
		       e->dir >= 0 ? wish->directory : "");
	return over;
}

bool orphans_end(const struct orphans_wish *wish) {
	const struct sigaction action = { .sa_handler = on_signal };
	struct ending *e = calloc(1, sizeof *e);
	AUTOCLOSE int lock = -1;
	if (e == NULL || config_defaults(&e->config) != 0) {
		fprintf(stderr, "pumakeeper: %s\n", strerror(ENOMEM));
		free(e);
		return false;
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	bool over = false;
	e->dir = open(wish->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool is_gone = e->dir < 0 && errno == ENOENT;
	if (e->dir < 0 && !is_gone) {
		fprintf(stderr, "pumakeeper: %s: %s\n", wish->directory, strerror(errno));
	} else if (is_gone || take_lock(e, wish->directory, &lock)) {
		over = end_herd(e, wish);
	}
	fd_close(&e->dir);
	strings_finish(&e->texts);
	config_finish(&e->config);
	free(e);
	return over;
}
