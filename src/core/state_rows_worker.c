/* What is kept of a worker, and of its memory. See state_parts.h. */
#include "core/state_row.h"

static const char *const life_words[] = {
	[WORKER_GONE] = "gone",
	[WORKER_BOOTING] = "booting",
	[WORKER_READY] = "ready",
	[WORKER_LEAVING] = "leaving",
	[WORKER_DRAINING] = "draining",
	[WORKER_CLOSING_IDLE] = "closing idle",
	[WORKER_CLOSING_BUSY] = "closing busy",
	[WORKER_ABANDONED] = "abandoned",
	[WORKER_KILLING] = "killing",
};
_Static_assert(ARRAY_LEN(life_words) == WORKER_STATES, "each has a word");

static const struct state_row life_rows[] = {
	/* It has a process, and what that does must not be unknown: state_mend.c finds a state. */
	WORD(struct worker_life, state, life_words, WORKER_STATES),
	KEPT(struct worker_life, since),
	DEADLINE(struct worker_life, deadline),
	DEADLINE(struct worker_life, drain_end),
};
const struct state_table state_life = TABLE(struct worker_life, life_rows);

static const struct state_row memory_rows[] = {
	KEPT(struct memory, rss_bytes),
	KEPT(struct memory, pss_bytes),
	KEPT(struct memory, uss_bytes),
	KEPT(struct memory, swap_pss_bytes),
};
const struct state_table state_memory = TABLE(struct memory, memory_rows);

static const struct state_row strikes_rows[] = {
	BITS(struct strike_record, bits),
	KEPT_TO(struct strike_record, seen, 32),
};
const struct state_table state_strikes = TABLE(struct strike_record, strikes_rows);

static const struct state_row sample_rows[] = {
	KEPT(struct sample, at),        KEPT(struct sample, rss_bytes),
	KEPT(struct sample, pss_bytes), KEPT(struct sample, uss_bytes),
	KEPT(struct sample, dear),
};
const struct state_table state_sample = TABLE(struct sample, sample_rows);

/* One worker's memory is never the herd's total, nor a person. */
static const char *const verdict_words[] = {
	[CAUSE_NONE] = "none",
	[CAUSE_SOFT] = "soft",
	[CAUSE_HARD] = "hard",
};

static const struct state_row watch_rows[] = {
	KEPT(struct watch, rss_bytes),
	KEPT(struct watch, swap_bytes),
	KEPT(struct watch, cheap_at),
	KEPT(struct watch, peak_rss_bytes),
	OBJECT(struct watch, memory, state_memory),
	KEPT(struct watch, dear_at),
	NOT_KEPT(struct watch, gate),   /* open until it is learned anew, by one dear reading */
	NOT_KEPT(struct watch, growth), /* learned anew within three readings */
	OBJECT(struct watch, strikes, state_strikes),
	OWN(struct watch, history, history),
	KEPT(struct watch, forked),
	NOT_KEPT(struct watch, wants_dear), /* the next cheap reading says it again */
	NOT_KEPT(struct watch, urgent),     /* the same */
	WORD(struct watch, verdict, verdict_words, CAUSE_NONE),
	KEPT(struct watch, over),
};
const struct state_table state_watch = TABLE(struct watch, watch_rows);

static const char *const proof_words[] = {
	[PROOF_UNKNOWN] = "unknown",
	[PROOF_NO] = "no",
	[PROOF_MAPPED] = "mapped",
	[PROOF_PROVED] = "proved",
};
_Static_assert(ARRAY_LEN(proof_words) == PROOF_PROVED + 1, "each has a word");

static const struct state_row allocator_rows[] = {
	WORD(struct allocator, proof, proof_words, PROOF_UNKNOWN),
	KEPT(struct allocator, name),
	KEPT(struct allocator, version),
};
const struct state_table state_allocator = TABLE(struct allocator, allocator_rows);

static const char *const role_words[] = {
	[ROLE_RESIDENT] = "resident",
	[ROLE_SUCCESSOR] = "successor",
	[ROLE_LEAVER] = "leaver",
};

static const struct state_row worker_rows[] = {
	KEPT(struct worker, id),
	KEPT_BUT(struct worker, slot, -1), /* 0 is printed, and none is noticed */
	WORD(struct worker, role, role_words, ROLE_RESIDENT),
	OBJECT(struct worker, life, state_life),
	KEPT(struct worker, pid),
	KEPT(struct worker, start_ticks),
	KEPT(struct worker, release),
	KEPT(struct worker, launched),
	KEPT(struct worker, ready_at),
	KEPT(struct worker, answered),
	KEPT(struct worker, refused_told),
	NOT_KEPT(struct worker, stopped),    /* it may have been continued meanwhile: seen anew */
	NOT_KEPT(struct worker, stopped_at), /* the same */
	KEPT(struct worker, alive_at),
	KEPT(struct worker, hung_told),
	KEPT(struct worker, failing),
	KEPT(struct worker, refusal),
	KEPT(struct worker, told),
	KEPT(struct worker, generation),
	KEPT(struct worker, warm_at),
	KEPT(struct worker, promoted),
	KEPT(struct worker, stem),
	NOT_KEPT(struct worker, adopted), /* whoever takes it up says so */
	OBJECT(struct worker, watch, state_watch),
	KEPT(struct worker, crossed),
	KEPT(struct worker, reading_usec),
	OBJECT(struct worker, allocator, state_allocator),
	NOT_KEPT(struct worker, proof_asked), /* the answer went with who asked: as proof_known */
	KEPT(struct worker, proof_known),
	KEPT_BUT(struct worker, open, -1),
	KEPT_BUT(struct worker, busy, -1),
	KEPT(struct worker, silent),
	KEPT(struct worker, counted_at),
	NOT_KEPT(struct worker, counting), /* its answer went with who asked */
	KEPT(struct worker, half_closed),
	KEPT(struct worker, killed),
	KEPT(struct worker, term_at),
	KEPT(struct worker, ended_by),
	KEPT(struct worker, rehearsed),
	KEPT(struct worker, waits_told),
};
const struct state_table state_worker = TABLE(struct worker, worker_rows);
