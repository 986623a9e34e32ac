/*
 * Taking over what a former daemon has left: its herd, as it has written it down (core/state.h),
 * as far as the kernel shows that it is still there.
 *
 *     adopt_find()   before anything is opened: who lives, and the listening sockets they hold
 *     adopt_begin()  once everything is there: members for them, and the herd is told
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "core/state.h"
#include "util/base.h"
#include "util/strings.h"

struct supervisor;
struct inherited;

struct former_process {
	unsigned id;      /* of a worker; the generation of a mold */
	unsigned release; /* of a mold */
	bool has_loaded;  /* a mold */
	bool restarts;    /* a cluster's master, its workers */
	pid_t pid;
	int pidfd;
};

/* What it has left. */
struct former {
	bool stored_other; /* systemd keeps a state that isn't the one in our directory */
	bool found;        /* there is a herd to go on with; s->herd is it */
	struct state state;
	struct strings texts; /* what the herd points to */
	char said[400];       /* what is not as it should be, for a person; "": nothing */
	char unlent[400]; /* listening sockets that could not be taken back, and why; "": none */
	struct former_process workers[HERD_WORKERS_MAX];
	size_t n_workers;
	unsigned gone[HERD_WORKERS_MAX];
	size_t n_gone;
	struct former_process molds[HERD_PARENTS_MAX];
	size_t n_molds;
};

/*
 * Reads it into s->herd, which is initialised, from the runtime directory or from `in`, to which
 * the listening sockets are added that could be taken back from those who live. The file is open
 * for keep_begin() afterwards. 0, or -1 with `err` when not even that can be.
 */
NODISCARD int adopt_find(struct supervisor *s, struct inherited *in, struct error *err);

/*
 * In adopt_unknown.c: the pid of whoever was launched and not written down any more, into `herd`,
 * which is what `state` was read into. `directory`: the former daemon's.
 */
void adopt_find_unknown(struct herd *herd, const struct state *state, const char *directory);

/*
 * The same of a cluster's master: its pid, and when it was started; 0: there is none that anybody
 * waits for.
 */
pid_t adopt_find_unknown_master(struct herd *herd, const struct state *state,
				uint64_t *start_ticks);

/* What of it is not understood. */
void adopt_tell(struct supervisor *s);

/* Removes the probe sockets of those who are gone. */
void adopt_sweep(struct supervisor *s);

/* Leaves state and sockets with systemd, if that is there. */
void adopt_store(struct supervisor *s);

/* Instead of HERD_START. Only if there is something: s->former.found. */
void adopt_begin(struct supervisor *s);

/* Whatever is held of it; what was taken over isn't. */
void adopt_finish(struct former *former);
