/* Starts one worker: its command, its environment, its sockets. */
#pragma once

#include <sys/types.h>

#include "daemon/listeners.h"
#include "daemon/plan.h"
#include "util/base.h"
#include "util/text.h"

struct launcher {
	const struct plan *plan;
	const struct listener_set *listeners;
	const char *runtime_dir; /* probe sockets live there */
	const char *notify_path; /* READY=1 is listened for there; NULL: nowhere */
	int output;              /* the workers' stdout and stderr; -1: the daemon's own */
};

struct launched {
	pid_t pid;
	int pidfd;            /* CLOEXEC, the caller's */
	char probe_path[108]; /* "": it has none (app.probe.path is none) */
	bool stem;            /* of a cluster with fork_worker: it forks the others */
};

/*
 * The socket that a worker is probed through; -1 where app.probe.path is none. The caller's, and
 * so is the file at `path`. 0, or -errno with the reason in `why`.
 */
NODISCARD int launcher_open_probe(const struct launcher *l, unsigned id, char path[108], int *probe,
				  struct text *why);

/*
 * A mold (ruby/mold.rb), on its `channel`; until its app is loaded it prints to `boot`. As
 * launcher_start().
 */
NODISCARD int launcher_start_mold(const struct launcher *l, unsigned generation,
				  const char *directory, int channel, int boot,
				  struct launched *launched, struct text *why, bool *missing);

/* A Puma in cluster mode with so many workers. As launcher_start(). */
NODISCARD int launcher_start_master(const struct launcher *l, unsigned workers,
				    const char *directory, struct launched *launched,
				    struct text *why, bool *missing);

/*
 * `directory` is the release to start from. 0, or -errno with the reason, for a person, in `why`
 * and nothing left behind; `missing` says that it was the directory that isn't there.
 */
NODISCARD int launcher_start(const struct launcher *l, unsigned id, const char *directory,
			     struct launched *launched, struct text *why, bool *missing);
