/*
 * Workers that were launched just when the former daemon died, between what it had written down and
 * the launch: known by the probe socket that was made for them alone. See adopt.h.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/proc_unix.h"
#include "daemon/identity.h"
#include "daemon/supervisor_parts.h"
#include "os/sock_diag.h"
#include "os/socket_holders.h"
#include "util/fd.h"

struct search {
	uint64_t inodes[HERD_WORKERS_MAX];
	struct worker *workers[HERD_WORKERS_MAX];
	size_t len;
};

static void add(struct search *search, const struct supervisor *s, struct worker *w,
		const struct sock_dump *table) {
	char path[108];
	snprintf(path, sizeof path, "%s/probe-%u", s->dir.path, w->id);
	uint64_t inode = proc_unix_listener((const char *)table->bytes, table->len, path);
	if (inode == 0)
		return; /* nobody has it: it was not launched */
	search->inodes[search->len] = inode;
	search->workers[search->len++] = w;
}

/* Of several that have it, one has got it from another: the eldest is the worker. */
static void on_holder(void *context, pid_t pid, size_t which) {
	struct search *search = context;
	uint64_t ticks;
	if (identity_of(pid, &ticks) != 0)
		return;
	struct worker *w = search->workers[which];
	if (w->pid != 0 && w->start_ticks <= ticks)
		return;
	w->pid = (int)pid;
	w->start_ticks = ticks;
}

void adopt_find_unknown(struct supervisor *s) {
	AUTOCLOSE int proc = open("/proc/self", O_PATH | O_CLOEXEC);
	struct search *search = calloc(1, sizeof *search);
	struct sock_dump table = { 0 };
	bool can = search != NULL && proc >= 0 && sock_dump_read_proc(proc, "unix", &table) == 0;
	for (unsigned i = 0; can && i < s->herd->cells; i++) {
		struct worker *w = &s->herd->workers[i];
		if (w->life.state != WORKER_GONE && w->pid == 0)
			add(search, s, w, &table);
	}
	if (can && search->len > 0)
		socket_holders(search->inodes, search->len, on_holder, search);
	sock_dump_finish(&table);
	free(search);
}
