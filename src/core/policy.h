/*
 * Who may replace a worker, and when: the policy table, a row for each cause.
 *
 * Pure. It asks neither whether a replacement helps (core/futility.h) nor how large a boot is
 * (core/room.h): it says who obeys what.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/config.h"
#include "util/base.h"
#include "util/msec.h"

/* Why a worker shall go; of two causes the later one is the stronger. */
enum cause {
	CAUSE_NONE,
	CAUSE_SOFT,   /* memory.soft, often enough */
	CAUSE_HARD,   /* memory.hard, once */
	CAUSE_TOTAL,  /* memory.total, the herd's */
	CAUSE_PERSON, /* `pumakeeper restart`, or tmp/restart.txt */
};

/* "none", "soft", "hard", "total", "restart" */
const char *cause_name(enum cause cause);

/* Does it prefer a moment without busy connections (for restart.quiet_wait)? */
bool cause_waits_for_quiet(enum cause cause);

/* What the configuration says about replacing. */
struct policy {
	msec_t min_age, cooldown;
	unsigned max_surge; /* 0 counts as 1 */
	bool allow_gap;     /* the only worker may go before its successor is there */
	struct strikes strikes;
};

/* The herd, and the worker that shall go, at this moment. */
struct situation {
	unsigned wanted, ready;
	unsigned in_flight; /* replacements under way */
	bool herd_booting;  /* boots or reloads; a replacement's own boot is not meant */
	bool room;          /* for one more booting worker */
	unsigned struck;    /* strike_count() of this worker */
	msec_t age;         /* of this worker */
	msec_t since_last;  /* since the last replacement ended; MSEC_NEVER: none yet */
	bool force;         /* a person insists */
	bool puma_restarts; /* a cluster's master replaces its workers itself */
};

enum permission {
	MAY_GO,         /* bring up the new one, then drain the old one */
	MAY_STOP_FIRST, /* no room for both: drain the old one, then bring up the new one */
	MUST_WAIT,      /* ask again: on the next event, or after `retry_in` */
	IS_REFUSED,     /* a person is told the reason; it isn't asked again by itself */
};

struct answer {
	enum permission permission;
	const char *reason; /* static text for a person; why it may not, or why not as usual */
	msec_t retry_in;    /* MUST_WAIT: when time alone changes it; else MSEC_NEVER */
};

struct answer policy_ask(enum cause cause, const struct policy *policy, const struct situation *s);

/* The last 32 samples of a worker: over its limit or not. Zeroed: none was seen. */
struct strike_record {
	uint32_t bits; /* the latest is bit 0 */
	unsigned seen; /* up to 32 */
};

void strike_note(struct strike_record *record, bool over);
unsigned strike_count(const struct strike_record *record, const struct strikes *strikes);
bool strike_met(const struct strike_record *record, const struct strikes *strikes);
void strike_clear(struct strike_record *record);
