/*
 * What is kept of the herd for the next daemon, written down whenever it changes: before the orders
 * of a step are performed, so that no process is started that nobody would know of.
 */
#pragma once

#include <stdbool.h>

#include "core/state.h"
#include "util/base.h"
#include "util/buffer.h"

struct supervisor;

struct keep {
	int fd; /* os/state_file.h; -1: nothing is kept */
	struct state state;
	struct buffer text;
	msec_t written;
	bool failed; /* the last time; told once */
	bool slow;   /* so is that */
};

#define KEEP_NAME "state" /* of the file in the runtime directory, and in systemd's fd store */

/* The file is there already, opened: it may hold what another daemon has left. */
void keep_begin(struct supervisor *s, int fd);

/* The plan in force is another one. */
void keep_new_plan(struct supervisor *s);

/* The file was removed: `fd` (taken over) is a new one, written at once. */
void keep_again(struct supervisor *s, int fd);

/* After each step of the herd: is there anything new that the next daemon has to know? */
void keep_step(struct supervisor *s, const struct herd_event *event, const struct orders *orders);

/*
 * Once more, for whoever follows. `detached`: it is left on purpose. 0; or -errno: what is kept is
 * of before, and whoever went on with that would lose those who were launched since.
 */
NODISCARD int keep_for_successor(struct supervisor *s, bool detached);

/* Nobody is left, and nobody is to follow: the file goes. */
void keep_end(struct supervisor *s);
void keep_close(struct keep *keep);
