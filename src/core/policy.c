#include "core/policy.h"

/* What lets the only ready worker go when there is no room for two. */
enum gap { NEVER_GAPS, GAPS_IF_ALLOWED, GAPS_BY_FORCE };

/* clang-format off */
static const struct row {
	const char *name;
	bool takes_its_time;          /* strikes, min_age, cooldown, a quiet moment */
	enum permission while_booting;
	enum permission no_room;      /* and at least two are ready */
	enum gap alone;               /* no room either, and it is the only worker */
} rows[] = {
	[CAUSE_NONE]   = { "none",    true,  MUST_WAIT, MUST_WAIT,      NEVER_GAPS },
	[CAUSE_SOFT]   = { "soft",    true,  MUST_WAIT, MUST_WAIT,      NEVER_GAPS },
	[CAUSE_HARD]   = { "hard",    false, MAY_GO,    MAY_STOP_FIRST, GAPS_IF_ALLOWED },
	[CAUSE_TOTAL]  = { "total",   false, MAY_GO,    MAY_STOP_FIRST, GAPS_IF_ALLOWED },
	[CAUSE_PERSON] = { "restart", false, MUST_WAIT, IS_REFUSED,     GAPS_BY_FORCE },
};
/* clang-format on */

#define NO_ROOM "no room for one more worker"

const char *cause_name(enum cause cause) {
	return rows[cause].name;
}

bool cause_waits_for_quiet(enum cause cause) {
	return rows[cause].takes_its_time;
}

static struct answer wait_for(const char *reason, msec_t retry_in) {
	return (struct answer){ MUST_WAIT, reason, retry_in };
}

static struct answer say(enum permission permission, const char *reason) {
	return (struct answer){ permission, reason, MSEC_NEVER };
}

static struct answer ask_time(const struct policy *policy, const struct situation *s) {
	if (s->struck < policy->strikes.needed)
		return wait_for("not over its limit often enough yet", MSEC_NEVER);
	if (s->age < policy->min_age)
		return wait_for("younger than restart.min_age", policy->min_age - s->age);
	if (s->since_last < policy->cooldown)
		return wait_for("cooling down after the last replacement",
				policy->cooldown - s->since_last);
	return say(MAY_GO, "");
}

/* There is no room, and nobody else would serve meanwhile. */
static struct answer ask_gap(const struct row *row, const struct policy *policy,
			     const struct situation *s) {
	/* The others are down or booting: what is missing comes back, or is the larger worry. */
	if (s->wanted > 1 && row->alone == GAPS_IF_ALLOWED)
		return wait_for(NO_ROOM ", and no other worker is ready", MSEC_NEVER);
	if (row->alone == GAPS_IF_ALLOWED && policy->allow_gap)
		return say(MAY_STOP_FIRST, NO_ROOM ", and restart.allow_gap is set");
	if (row->alone == GAPS_IF_ALLOWED)
		return wait_for(NO_ROOM " beside the only one; restart.allow_gap is not set",
				MSEC_NEVER);
	if (row->alone == GAPS_BY_FORCE)
		return say(IS_REFUSED, NO_ROOM ", and no other one is ready; --force stops first");
	return wait_for(NO_ROOM, MSEC_NEVER);
}

static struct answer ask_room(const struct row *row, const struct policy *policy,
			      const struct situation *s) {
	if (s->force && row->alone == GAPS_BY_FORCE)
		return say(MAY_STOP_FIRST, NO_ROOM ", and it was forced");
	if (s->ready < 2)
		return ask_gap(row, policy, s);
	switch (row->no_room) {
	case MAY_STOP_FIRST: return say(MAY_STOP_FIRST, NO_ROOM);
	case IS_REFUSED: return say(IS_REFUSED, NO_ROOM "; --force stops the old one first");
	case MUST_WAIT:
	case MAY_GO: break;
	}
	return wait_for(NO_ROOM, MSEC_NEVER);
}

struct answer policy_ask(enum cause cause, const struct policy *policy, const struct situation *s) {
	const struct row *row = &rows[cause];
	unsigned max_surge = policy->max_surge > 0 ? policy->max_surge : 1;

	if (cause == CAUSE_NONE)
		return wait_for("nothing asks for it", MSEC_NEVER);
	if (row->takes_its_time) {
		struct answer time = ask_time(policy, s);
		if (time.permission != MAY_GO)
			return time;
	}
	if (s->puma_restarts)
		return wait_for("a person restarts Puma by its own means", MSEC_NEVER);
	if (s->herd_booting && row->while_booting == MUST_WAIT)
		return wait_for("the herd is booting or reloading", MSEC_NEVER);
	/* Before the room: a replacement under way takes it, and gives it back. */
	if (s->in_flight >= max_surge)
		return wait_for("restart.max_surge replacements are under way", MSEC_NEVER);
	if (!s->room)
		return ask_room(row, policy, s);
	return say(MAY_GO, "");
}

#define STRIKES_KEPT 32

static unsigned window_of(const struct strikes *strikes) {
	if (strikes->window == 0)
		return 1;
	return strikes->window < STRIKES_KEPT ? strikes->window : STRIKES_KEPT;
}

void strike_note(struct strike_record *record, bool over) {
	record->bits = record->bits << 1 | (over ? 1u : 0u);
	if (record->seen < STRIKES_KEPT)
		record->seen++;
}

unsigned strike_count(const struct strike_record *record, const struct strikes *strikes) {
	uint32_t mask = UINT32_MAX >> (STRIKES_KEPT - window_of(strikes));
	return (unsigned)__builtin_popcount(record->bits & mask);
}

bool strike_met(const struct strike_record *record, const struct strikes *strikes) {
	unsigned needed = strikes->needed > 0 ? strikes->needed : 1;
	return strike_count(record, strikes) >= needed;
}

void strike_clear(struct strike_record *record) {
	*record = (struct strike_record){ 0 };
}
