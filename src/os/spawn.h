/*
 * Start one program: a clean child with exactly the descriptors it was given.
 * What it is and why it runs is decided elsewhere.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "util/base.h"

#define SPAWN_FDS_MAX 64

struct spawn {
	char *const *argv;     /* argv[0] is searched in the PATH of `envp`, not in ours */
	char *const *envp;     /* a `LISTEN_PID=` entry is filled in, see below */
	const char *directory; /* NULL: where we are. Relative words are resolved in it */
	const int
		*fds; /* become 3, 4, … in the child, in this order; the same one may come twice */
	size_t n_fds;      /* at most SPAWN_FDS_MAX */
	bool dies_with_us; /* SIGKILL when the thread that started it ends: for a look, not a worker */
	int output;        /* becomes stdout and stderr; -1: ours are inherited */
};

struct spawned {
	pid_t pid;
	int pidfd; /* CLOEXEC, the caller's */
};

/* How far it got. */
enum spawn_step {
	SPAWN_FORK,        /* no process, no pidfd: it is us who ran out of something */
	SPAWN_DESCRIPTORS, /* the child could not put its descriptors in order */
	SPAWN_CHDIR,
	SPAWN_EXEC,
	SPAWN_INTERPRETER, /* -ENOENT although the file is there: its #! line names what isn't */
};

/* For `directory X: No such file`: fork, descriptors, directory, exec, interpreter. */
const char *spawn_step_name(enum spawn_step step);

/*
 * 0 once the child's exec has succeeded, or -errno with `failed` set and nothing left
 * behind. Waits for the exec, not for the program.
 *
 * The child leads a session and process group of its own (a terminal's Ctrl-C is for us),
 * has every signal at its default and none blocked, /dev/null as stdin, no capability to
 * inherit (ambient and inheritable sets are emptied), and no descriptor beyond 0–2 and the
 * given ones. Its umask, nice, affinity, oom_score_adj and limits are ours.
 *
 * LISTEN_PID (sd_listen_fds(3)) must be the child's own pid, which nobody knows before the
 * fork: an entry `LISTEN_PID=` with at least 10 more bytes is overwritten in the child.
 */
NODISCARD int spawn_start(const struct spawn *spawn, struct spawned *child,
			  enum spawn_step *failed);
