/*
 * What has been told, kept in a file for the next daemon: `pumakeeper events` goes on where this
 * one ends, however it ends. A line of JSON for each event; twice as many as the journal remembers
 * at most.
 */
#pragma once

#include <stdbool.h>

#include "core/event.h"
#include "daemon/journal.h"
#include "util/base.h"

#define PAST_NAME "events"

struct past {
	int dir, fd; /* -1: nothing is kept */
	unsigned lines;
};

#define PAST_NONE ((struct past){ .dir = -1, .fd = -1 })

/*
 * The file `events` in the directory `dir` (borrowed); what it holds goes to the journal. Whatever
 * fails (a full disk), the daemon goes on without its past.
 */
void past_open(struct past *past, int dir, struct journal *journal);

/* One was told: it is added. `journal` has it, and those before. */
void past_keep(struct past *past, const struct journal *journal, const struct event *event);

/* Its file was removed: all of the journal into a new one, in `dir`. False: it is not there. */
bool past_again(struct past *past, int dir, const struct journal *journal);

/* The daemon leaves and nobody is to follow: the file goes. */
void past_end(struct past *past);
void past_close(struct past *past);
