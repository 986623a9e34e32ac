/*
 * The daemon's own replacement: the installed program is started dry, and only if it understands
 * configuration and state this process goes on as that program. It is adoption (adopt.h) without a
 * death: pid, children, lock, control socket and listeners stay.
 */
#pragma once

#include <ev.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "daemon/plan.h"
#include "util/base.h"
#include "util/error.h"
#include "util/text.h"

struct supervisor;

struct upgrade {
	char *const *argv;   /* this program's own, borrowed; NULL: there is none to go on as */
	char path[PATH_MAX]; /* where it was found when it was started: a link stays one */
	pid_t trial;         /* 0: none is under way */
	int pidfd, output;
	ev_io ended;
	ev_timer late;
	bool held; /* signals are: the next turn of the loop is the last one */
};

void upgrade_init(struct supervisor *s, char *const *argv);

/* Begins with it. False: it can't be, `why` tells a person. What comes of it is an event. */
bool upgrade_ask(struct supervisor *s, const char *by, struct text *why);

/*
 * What the dry start does, in the new program: is the state in that descriptor one that it
 * understands? Nobody is touched. 0, or -1 with `err`.
 */
NODISCARD int upgrade_try(const struct plan *plan, int state_fd, struct error *err);

/* A trial that is under way is ended. */
void upgrade_finish(struct supervisor *s);
