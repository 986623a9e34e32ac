/* What is kept of a herd and of its daemon; of its workers: state_rows_worker.c. See state_parts.h. */
#include "core/state_row.h"

static const char *const cause_words[] = {
	[CAUSE_NONE] = "none",   [CAUSE_SOFT] = "soft",     [CAUSE_HARD] = "hard",
	[CAUSE_TOTAL] = "total", [CAUSE_PERSON] = "person",
};

static const char *const phase_words[] = {
	[REPLACEMENT_NONE] = "none",
	[REPLACEMENT_BRINGING_UP] = "bringing up",
	[REPLACEMENT_LETTING_GO] = "letting go",
	[REPLACEMENT_STOPPING_FIRST] = "stopping first",
	[REPLACEMENT_REFILLING] = "refilling",
};

static const struct state_row replacement_rows[] = {
	WORD(struct replacement, phase, phase_words, REPLACEMENT_NONE),
	WORD(struct replacement, cause, cause_words, CAUSE_NONE),
	KEPT(struct replacement, why),
	KEPT(struct replacement, promotes),
	KEPT(struct replacement, old_id),
	KEPT(struct replacement, new_id),
	KEPT(struct replacement, old_pid),
	KEPT(struct replacement, since),
	KEPT(struct replacement, before_bytes),
};
const struct state_table state_replacement = TABLE(struct replacement, replacement_rows);

static const struct state_row hook_rows[] = {
	KEPT(struct hook, id),
	KEPT(struct hook, pid),
	KEPT(struct hook, since),
	KEPT(struct hook, until),
};
const struct state_table state_hook = TABLE(struct hook, hook_rows);

static const struct state_row slot_rows[] = {
	KEPT(struct slot, failures),
	KEPT(struct slot, retry_at),
	KEPT(struct slot, surge_failures),
	KEPT(struct slot, surge_retry_at),
	KEPT(struct slot, restarts),
	KEPT(struct slot, last_reason),
	KEPT(struct slot, asked),
	KEPT(struct slot, forced),
	OBJECT(struct slot, replacement, state_replacement),
	OBJECT(struct slot, hook, state_hook),
};
const struct state_table state_slot = TABLE(struct slot, slot_rows);

static const struct state_row restart_rows[] = {
	KEPT(struct restart, active),         KEPT(struct restart, id),
	KEPT(struct restart, force),          KEPT(struct restart, total),
	KEPT(struct restart, done),           KEPT(struct restart, failed),
	KEPT(struct restart, since),          KEPT(struct restart, last_id),
	KEPT(struct restart, release_before), KEPT(struct restart, by),
	KEPT(struct restart, again),          KEPT(struct restart, again_force),
	KEPT(struct restart, again_release),  KEPT(struct restart, again_by),
};
const struct state_table state_restart = TABLE(struct restart, restart_rows);

static const struct state_row every_rows[] = {
	KEPT(struct every, interval), KEPT(struct every, due),
	NOT_KEPT(struct every, dice), /* each daemon has its own */
};
const struct state_table state_every = TABLE(struct every, every_rows);

static const char *const mold_words[] = {
	[MOLD_GONE] = "gone",     [MOLD_LOADING] = "loading", [MOLD_READY] = "ready",
	[MOLD_ENDING] = "ending", [MOLD_BROKEN] = "broken",   [MOLD_ADOPTED] = "adopted",
};
_Static_assert(ARRAY_LEN(mold_words) == MOLD_STATES, "each has a word");

static const struct state_row parent_rows[] = {
	KEPT(struct parent, generation),
	KEPT(struct parent, release),
	KEPT(struct parent, pid),
	KEPT(struct parent, start_ticks),
	WORD(struct parent, state, mold_words, MOLD_GONE),
	KEPT(struct parent, since),
	KEPT(struct parent, retry_at),
	KEPT(struct parent, rss_bytes),
	KEPT(struct parent, pss_bytes),
	KEPT(struct parent, uss_bytes),
	KEPT(struct parent, read_at),
	NOT_KEPT(struct parent, asked_at), /* its answer went with who asked */
	NOT_KEPT(struct parent, moved),    /* about that reading, too */
	KEPT(struct parent, reason),
	KEPT(struct parent, restarts_since),
	NOT_KEPT(struct parent, says), /* it says it again */
};
const struct state_table state_parent = TABLE(struct parent, parent_rows);

static const struct state_row last_replacement_rows[] = {
	KEPT(struct last_replacement, at),
	KEPT(struct last_replacement, slot),
	WORD(struct last_replacement, cause, cause_words, CAUSE_NONE),
	KEPT(struct last_replacement, why),
};
const struct state_table state_last_replacement =
	TABLE(struct last_replacement, last_replacement_rows);

static const struct state_row counters_rows[] = {
	KEPT(struct herd_counters, boots),
	KEPT(struct herd_counters, boots_failed),
	KEPT(struct herd_counters, died),
	KEPT(struct herd_counters, replacements),
	KEPT(struct herd_counters, replacements_failed),
	KEPT(struct herd_counters, drained_clean),
	KEPT(struct herd_counters, half_closed),
	KEPT(struct herd_counters, killed),
	KEPT(struct herd_counters, connections_lost),
	KEPT(struct herd_counters, futile),
	KEPT(struct herd_counters, rehearsed),
	KEPT(struct herd_counters, readings),
	KEPT(struct herd_counters, readings_late),
	KEPT(struct herd_counters, hooks_failed),
	KEPT(struct herd_counters, adoptions),
};
const struct state_table state_counters = TABLE(struct herd_counters, counters_rows);

static const struct state_row room_rows[] = {
	KEPT(struct room, boot_peak_bytes),
};
const struct state_table state_room = TABLE(struct room, room_rows);

static const struct state_row guarded_rows[] = {
	KEPT(struct futility_worker, id),       KEPT(struct futility_worker, ready_at),
	KEPT(struct futility_worker, replaced), KEPT(struct futility_worker, crossed),
	KEPT(struct futility_worker, leaked),
};
const struct state_table state_guarded = TABLE(struct futility_worker, guarded_rows);

static const struct state_row futility_rows[] = {
	NOT_KEPT(struct futility, min_useful_life), /* the configuration's */
	KEPT(struct futility, futile),
	KEPT(struct futility, reason),
	KEPT(struct futility, limit_bytes),
	KEPT(struct futility, plateau_bytes),
	KEPT(struct futility, interval),
	KEPT(struct futility, next_try_at),
	KEPT(struct futility, recrossed),
	KEPT(struct futility, leaked),
	OWN(struct futility, workers, guarded),
};
const struct state_table state_futility = TABLE(struct futility, futility_rows);

static const char *const herd_words[] = {
	[HERD_STARTING] = "starting",
	[HERD_SERVING] = "serving",
	[HERD_WAITING_TO_STOP] = "waiting to stop",
	[HERD_LEAVING] = "leaving",
	[HERD_LEFT] = "left",
};

static bool is_gone(const void *worker) {
	return ((const struct worker *)worker)->life.state == WORKER_GONE;
}

#define GUARD(cause, word)                                                           \
	{                                                                            \
		.name = (word), MEMBER(struct herd, futile[cause]), .as = AS_OBJECT, \
		.table = &state_futility                                             \
	}

static const struct state_row herd_rows[] = {
	NOT_KEPT(struct herd, config), /* the next daemon's, with what follows from it */
	NOT_KEPT(struct herd, limits), /* the same */
	WORD(struct herd, state, herd_words, HERD_STARTING),
	KEPT(struct herd, started),
	LIST(struct herd, slots, state_slot),
	NOT_KEPT(struct herd, n_slots), /* the configuration's */
	{ NAMED(struct herd, workers), .as = AS_LIST, .table = &state_worker, .is_free = is_gone },
	NOT_KEPT(struct herd, cells), /* counted when it is read */
	LIST(struct herd, parents, state_parent),
	KEPT(struct herd, last_id),
	KEPT_BUT(struct herd, release, 1),
	OBJECT(struct herd, restart, state_restart),
	OBJECT(struct herd, every, state_every),
	KEPT(struct herd, refork_tried),
	KEPT(struct herd, refork_of),
	OBJECT(struct herd, counters, state_counters),
	NOT_KEPT(struct herd, next_tick),         /* the first one comes at once */
	NOT_KEPT(struct herd, reading),           /* its answer went with who asked */
	NOT_KEPT(struct herd, reading_since),     /* the same */
	NOT_KEPT(struct herd, overdue_told),      /* the same */
	NOT_KEPT(struct herd, statm_slack_bytes), /* the kernel's; set by the daemon */
	NOT_KEPT(struct herd, only_rss),          /* what the next daemon may read, it finds out */
	NOT_KEPT(struct herd, budget),            /* begins with a full bucket, as always */
	OBJECT(struct herd, room, state_room),
	NOT_KEPT(struct herd, futile[CAUSE_NONE]), /* there is none */
	GUARD(CAUSE_SOFT, "futile_soft"),
	GUARD(CAUSE_HARD, "futile_hard"),
	GUARD(CAUSE_TOTAL, "futile_total"),
	KEPT(struct herd, total_over),
	KEPT(struct herd, total_since),
	NOT_KEPT(struct herd, read_at),       /* chosen anew by each step */
	NOT_KEPT(struct herd, next_liveness), /* at once */
	KEPT(struct herd, last_replaced),
	OBJECT(struct herd, last_replacement, state_last_replacement),
	KEPT(struct herd, last_hook),
	NOT_KEPT(struct herd, sample_hook),         /* it ends with its daemon, as they all do */
	NOT_KEPT(struct herd, sample_hook_failing), /* told again */
	KEPT(struct herd, ever_ready),
	KEPT(struct herd, failed_boots),
	KEPT(struct herd, degraded_told),
	KEPT(struct herd, gave_up),
	KEPT(struct herd, leave_signal),
	KEPT(struct herd, hurried),
	KEPT(struct herd, stop_at),
	KEPT(struct herd, last_one_at),
	KEPT(struct herd, exit_code),
	NOT_KEPT(struct herd, queue),      /* looked at again */
	NOT_KEPT(struct herd, queue_next), /* at once */
	NOT_KEPT(struct herd, ask_again),  /* found anew by each step */
};
const struct state_table state_herd = TABLE(struct herd, herd_rows);

static const struct state_row listener_rows[] = {
	KEPT(struct state_listener, url),
	KEPT(struct state_listener, inode),
	KEPT(struct state_listener, name),
};
const struct state_table state_listener = TABLE(struct state_listener, listener_rows);

static const struct state_row state_rows[] = {
	{ .name = "version", .as = AS_NOTHING }, /* no member: state.c looks at it before */
	KEPT(struct state, boot_id),
	KEPT(struct state, program),
	KEPT(struct state, pid),
	KEPT(struct state, cluster),
	KEPT(struct state, detached),
	KEPT(struct state, stopping),
	KEPT(struct state, launch),
	KEPT(struct state, drain_timeout),
	{ NAMED(struct state, restart_txt), .as = AS_INT64 },
	KEPT(struct state, mold_generation),
	OWN(struct state, releases, releases),
	LIST(struct state, listeners, state_listener),
	NOT_KEPT(struct state, n_listeners), /* counted when it is read */
	{ NAMED(struct state, herd), .as = AS_BEHIND, .table = &state_herd },
};
const struct state_table state_table = TABLE(struct state, state_rows);
