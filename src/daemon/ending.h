/*
 * Ending processes that aren't our children, and telling a person of each: TERM, patience, KILL.
 * Not on a loop: it waits. SIGINT and SIGTERM cut the patience short.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "util/base.h"
#include "util/msec.h"

#define ENDING_MAX 1024

struct ending {
	struct ending_process {
		pid_t pid;
		int pidfd;        /* -1: it is gone */
		const char *what; /* worker, mold, process */
		int slot;         /* of a worker; else -1 */
	} list[ENDING_MAX];
	size_t len;
	msec_t began, extended;
};

/* From now on Ctrl-C is for the patience. */
void ending_obey(void);

/* `pidfd` becomes the ending's; negative, or of one that has ended: nobody is added. */
void ending_add(struct ending *e, pid_t pid, int pidfd, const char *what, int slot);

/*
 * Ends them all, and forgets them. Prints a line for each on stdout. A service manager that waits
 * for us ($NOTIFY_SOCKET) is asked for the time. How many can't be ended.
 */
size_t ending_run(struct ending *e, msec_t patience);
