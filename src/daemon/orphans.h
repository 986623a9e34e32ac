/*
 * Ending a herd whose daemon is no more, from what it has written down. Not on a loop: it waits, and
 * tells a person what becomes of whom.
 */
#pragma once

#include <stdbool.h>

#include "util/base.h"

struct orphans_wish {
	const char *directory; /* …/NAME, where the state is; "": there is none */
	bool unit;             /* whatever else is in our own cgroup is ended, too */
};

/*
 * TERM to every worker, restart.drain_timeout for all of them, then SIGKILL; molds have nothing to
 * drain. Sockets, state and events go. SIGINT and SIGTERM cut the drains short. Prints on stdout
 * what it does, on stderr what is wrong. True: nothing is left.
 */
bool orphans_end(const struct orphans_wish *wish);
