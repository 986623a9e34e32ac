/*
 * A look before the first launch: the user's own command runs once with ruby/inspect.rb, which
 * makes Puma tell its resolved configuration instead of serving. Blocks: for before the loop.
 * Only for a command that is Puma: any other server would really start.
 */
#pragma once

#include <sys/types.h>

#include "os/spawn.h"
#include "util/base.h"
#include "util/msec.h"

#define PREFLIGHT_FD     3 /* PUMAKEEPER_INSPECT_FD for the program's environment */
#define PREFLIGHT_TOLD   ((size_t)64 * 1024)
#define PREFLIGHT_ENOUGH ((size_t)16 * 1024) /* a NoMethodError has whole objects in it */

struct preflight {
	pid_t pid;  /* that was started; what is told names the one that would serve */
	int status; /* of waitpid(2), for -ENODATA */
	char *told; /* the line, without its newline; the caller's to free, NULL on any error */
	char output[PREFLIGHT_ENOUGH]; /* the end of what it printed, for a person */
};

/*
 * Of `program` the fds and the output are ours. 0; -ENODATA when it ended and told nothing (not
 * Puma, or its configuration raised: see `output`), -ETIMEDOUT when `patience` ended,
 * -EMSGSIZE, or what spawn_start() returned, then with `failed` set. Its whole process group is
 * killed and the program reaped before this returns; or before SIGINT, SIGTERM or SIGHUP, which
 * waits for that, ends us. One that is blocked already when this is called is left alone: an image
 * that a daemon goes on as (hand_over.h) will handle it.
 */
NODISCARD int preflight_run(const struct spawn *program, msec_t patience, struct preflight *result,
			    enum spawn_step *failed);
