#include "daemon/orphans.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/address.h"
#include "core/state.h"
#include "daemon/adopt.h"
#include "daemon/ending.h"
#include "daemon/identity.h"
#include "daemon/keep.h"
#include "os/act_as.h"
#include "os/boot_id.h"
#include "os/lock.h"
#include "os/state_file.h"
#include "os/unit_processes.h"
#include "util/fd.h"

#define OTHERS_GRACE (5 * MSEC_SECOND) /* what an app has started */

struct orphans {
	int dir;         /* -1: there is none */
	bool other_boot; /* the state is of one, as far as we see */
	bool unseen;     /* whether one of them still runs */
	struct state state;
	struct herd herd;
	struct config config;
	struct strings texts;
	struct ending ending;
};

/* In a container the daemon may have seen another boot id than we do; so do its workers, then. */
static void find(struct orphans *o, pid_t pid, uint64_t ticks, const char *what, int slot) {
	char boot_id[BOOT_ID_SIZE];
	AUTOCLOSE int pidfd = pid > 1 ? identity_open(pid, ticks) : -ESRCH;
	if (pidfd < 0 && pidfd != -ESRCH) {
		fprintf(stderr, "pumakeeper: %s (pid %d): %s\n", what, (int)pid, strerror(-pidfd));
		o->unseen = true;
	}
	if (pidfd >= 0 && (!o->other_boot || (boot_id_read_of(pid, boot_id) == 0 &&
					      state_is_same_boot(boot_id, o->state.boot_id))))
		ending_add(&o->ending, pid, fd_take(&pidfd), what, slot);
}

/* Whoever forks others is told first. */
static void find_herd(struct orphans *o, const char *directory) {
	if (!o->other_boot)
		adopt_find_unknown(&o->herd, &o->state, directory);
	for (size_t i = 0; i < HERD_PARENTS_MAX; i++) {
		const struct parent *p = &o->herd.parents[i];
		if (p->generation != 0)
			find(o, p->pid, p->start_ticks, "mold", -1);
	}
	for (unsigned i = 0; i < o->herd.cells; i++) {
		const struct worker *w = &o->herd.workers[i];
		if (w->life.state != WORKER_GONE)
			find(o, w->pid, w->start_ticks, "worker", (int)w->slot);
	}
}

static void find_others(struct ending *e) {
	pid_t pids[ENDING_MAX];
	AUTOCLOSE int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	size_t n = unit_processes(root, pids, ENDING_MAX);
	for (size_t i = 0; i < n; i++)
		ending_add(e, pids[i], (int)syscall(SYS_pidfd_open, pids[i], 0), "process", -1);
}

static void remove_probes(int dir_fd) {
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (strncmp(entry->d_name, "probe-", 6) == 0)
			unlinkat(dir_fd, entry->d_name, 0);
	}
	if (dir != NULL)
		closedir(dir);
}

static void remove_files(const struct orphans *o) {
	static const char *const names[] = { "control", "notify", "events", "state.former" };
	for (size_t i = 0; i < o->state.n_listeners; i++) {
		const struct state_listener *l = &o->state.listeners[i];
		if (strncmp(l->url, "unix://", 7) == 0 && address_is_our_name(l->name))
			unlink(l->url + 7);
	}
	remove_probes(o->dir);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		unlinkat(o->dir, names[i], 0);
	unlinkat(o->dir, KEEP_NAME, 0); /* last: until then it can be done again */
}

/* 1: there is a herd; 0: there is none; -1: nobody knows. */
static int read_state(struct orphans *o, const char *directory) {
	char boot_id[BOOT_ID_SIZE], buffer[300], *bytes = NULL;
	struct text said = TEXT_IN(buffer);
	const struct limits limits = { .workers = HERD_SLOTS_MAX };
	size_t len = 0;
	AUTOCLOSE int fd =
		openat(o->dir, KEEP_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
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
	herd_init(&o->herd, &o->config, &limits);
	o->state.herd = &o->herd;
	enum state_verdict verdict = state_read(bytes, len, NULL, &o->state, &o->texts, &said);
	free(bytes);
	if (buffer[0] != '\0')
		fprintf(stderr, "pumakeeper: %s/%s: %s\n", directory, KEEP_NAME, buffer);
	if (verdict == STATE_BROKEN)
		return -1;
	o->other_boot = !state_is_same_boot(boot_id, o->state.boot_id);
	return 1;
}

static int take_lock(const struct orphans *o, const char *directory) {
	pid_t holder = 0;
	int lock = lock_take(o->dir, "lock", &holder);
	if (lock == -EWOULDBLOCK)
		fprintf(stderr,
			"pumakeeper: %s: its pumakeeperd (pid %d) lives: `pumakeeper stop` drains its "
			"workers and ends it; if it does not answer, end it first (kill -9 %d)\n",
			directory, (int)holder, (int)holder);
	else if (lock < 0)
		fprintf(stderr, "pumakeeper: %s/lock: %s\n", directory, strerror(-lock));
	return lock;
}

struct outcome {
	size_t all, left;
	bool unknown; /* there may be others that nobody has told us of */
};

/*
 * With the rights of the directory's owner: an app's user could write whatever they like into what
 * is read here, and root, whom the unit and a person in need are, would end and remove it.
 */
static void end_herd(struct orphans *o, const char *directory, struct outcome *outcome) {
	struct stat owner;
	outcome->unknown = true;
	int error = fstat(o->dir, &owner) == 0 ? act_as(owner.st_uid, owner.st_gid) : -errno;
	if (error != 0) {
		fprintf(stderr, "pumakeeper: %s: %s\n", directory, strerror(-error));
		return;
	}
	AUTOCLOSE int lock = take_lock(o, directory);
	if (lock < 0)
		return;
	int found = read_state(o, directory);
	if (found > 0)
		find_herd(o, directory);
	outcome->all = o->ending.len;
	outcome->left = ending_run(&o->ending, o->state.drain_timeout);
	outcome->unknown = found < 0 || o->unseen;
	if (o->other_boot && outcome->all == 0)
		o->state.n_listeners = 0; /* whose they are by now nobody knows */
	if (outcome->left == 0 && !outcome->unknown)
		remove_files(o);
}

/* Where nobody knows who they are they may be workers, who have requests to answer. */
static void end_others(struct orphans *o, struct outcome *outcome) {
	find_others(&o->ending);
	outcome->all += o->ending.len;
	bool any = outcome->unknown || o->other_boot;
	outcome->left +=
		ending_run(&o->ending, any ? o->config.restart.drain_timeout : OTHERS_GRACE);
	outcome->unknown = false;
}

static bool end_everybody(struct orphans *o, const struct orphans_wish *wish) {
	struct outcome outcome = { 0 };
	o->dir = open(wish->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (o->dir < 0 && errno != ENOENT) {
		fprintf(stderr, "pumakeeper: %s: %s\n", wish->directory, strerror(errno));
		return false;
	}
	if (o->dir >= 0)
		end_herd(o, wish->directory, &outcome);
	if (act_as_ourselves() != 0)
		return false;
	if (wish->unit)
		end_others(o, &outcome);
	if (outcome.left > 0)
		fprintf(stderr, "pumakeeper: %zu of them can't be ended\n", outcome.left);
	else if (outcome.all == 0 && !outcome.unknown)
		printf("nobody is left%s%s\n", o->dir >= 0 ? " of " : "",
		       o->dir >= 0 ? wish->directory : "");
	return outcome.left == 0 && !outcome.unknown;
}

bool orphans_end(const struct orphans_wish *wish) {
	struct orphans *o = calloc(1, sizeof *o);
	if (o == NULL || config_defaults(&o->config) != 0) {
		fprintf(stderr, "pumakeeper: %s\n", strerror(ENOMEM));
		free(o);
		return false;
	}
	ending_obey();
	bool over = end_everybody(o, wish);
	fd_close(&o->dir);
	strings_finish(&o->texts);
	config_finish(&o->config);
	free(o);
	return over;
}
