/*
 * What a daemon can be asked to do, once: the daemon's parser of requests, the options of
 * `pumakeeper`, its help, its completions and who may ask are views of these rows.
 *
 * Pure. A new verb is a row here and a case in the supervisor.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/peer.h"
#include "util/base.h"

enum verb {
	VERB_STATUS,
	VERB_EVENTS,
	VERB_RESTART,
	VERB_RELOAD,
	VERB_EXPLAIN,
	VERB_REOPEN,
	VERB_STOP,
	VERB_UPGRADE,
	VERB_DETACH,
	VERB_COUNT,
};

#define VERB_OPTIONS 4

/* Those that stay with the command: how an answer is shown. */
struct display {
	bool json;
	bool orphans;   /* `stop`: without a daemon */
	bool unit;      /* … and whatever else is left in our cgroup */
	uint64_t watch; /* seconds between two readings; 0: once */
};

struct verb_option {
	const char *name; /* `--name`, and the member of a request */
	char letter;
	const char *argument; /* NULL: a bool; else a uint64_t, for people `N` or `[SECONDS]` */
	uint64_t fallback;    /* of an argument in brackets */
	bool sent;            /* a member of the request; else a field of struct display */
	size_t offset;        /* in struct request (core/protocol.h), or in struct display */
	const char *help;
};

struct verb_row {
	const char *name;
	enum verb_slots { SLOTS_NONE, SLOTS_ONE, SLOTS_SOME } slots; /* SOME: or --all */
	enum peer_rank who;                                          /* at least */
	const char *help;                                            /* half a line */
	const char *details;                                         /* whole sentences */
	struct verb_option options[VERB_OPTIONS];                    /* a NULL name ends them */
};

extern const struct verb_row verb_rows[VERB_COUNT];

/* VERB_COUNT when there is none of that name. */
enum verb verb_find(const char *name);

/* The verb that a person most likely meant; VERB_COUNT when nothing is near. */
enum verb verb_nearest(const char *name);

/* NULL when the verb has no such option. */
const struct verb_option *verb_option_find(enum verb verb, const char *name);
