#include "core/worker.h"

struct cell {
	uint8_t moves; /* 0: the event means nothing in this state */
	uint8_t next, action;
};

/* clang-format off */
#define TO(state, act) { 1, WORKER_##state, WORKER_##act }
static const struct cell life_table[WORKER_STATES][WORKER_EVENTS] = {
	[WORKER_GONE] = {
		[WORKER_LAUNCH]    = TO(BOOTING, START),
	},
	[WORKER_BOOTING] = {
		[WORKER_PROVED]    = TO(READY, NOTHING),
		[WORKER_RETIRE]    = TO(ABANDONED, TERM),
		[WORKER_TERMINATE] = TO(ABANDONED, TERM),
		[WORKER_HURRY]     = TO(KILLING, KILL),
		[WORKER_EXIT]      = TO(GONE, NOTHING),
		[WORKER_DEADLINE]  = TO(ABANDONED, TERM),
	},
	[WORKER_READY] = {
		[WORKER_RETIRE]    = TO(LEAVING, NOTHING),
		[WORKER_TERMINATE] = TO(DRAINING, TERM),
		[WORKER_REBOOT]    = TO(BOOTING, PROBE),
		[WORKER_HURRY]     = TO(DRAINING, TERM),
		[WORKER_EXIT]      = TO(GONE, NOTHING),
	},
	[WORKER_LEAVING] = {
		[WORKER_QUIET]     = TO(DRAINING, TERM),
		[WORKER_TERMINATE] = TO(DRAINING, TERM),
		[WORKER_REBOOT]    = TO(ABANDONED, TERM),
		[WORKER_HURRY]     = TO(DRAINING, TERM),
		[WORKER_EXIT]      = TO(GONE, NOTHING),
		[WORKER_DEADLINE]  = TO(DRAINING, TERM),
	},
	[WORKER_DRAINING] = {
		[WORKER_HURRY]     = TO(CLOSING_BUSY, CLOSE_BUSY),
		[WORKER_EXIT]      = TO(GONE, NOTHING),
		[WORKER_DEADLINE]  = TO(CLOSING_IDLE, CLOSE_IDLE),
		[WORKER_EXHAUSTED] = TO(KILLING, KILL),
	},
	[WORKER_CLOSING_IDLE] = {
		[WORKER_HURRY]     = TO(CLOSING_BUSY, CLOSE_BUSY),
		[WORKER_EXIT]      = TO(GONE, NOTHING),
		[WORKER_DEADLINE]  = TO(CLOSING_BUSY, CLOSE_BUSY),
		[WORKER_EXHAUSTED] = TO(KILLING, KILL),
	},
	[WORKER_CLOSING_BUSY] = {
		[WORKER_HURRY]     = TO(CLOSING_BUSY, CLOSE_BUSY),
		[WORKER_EXIT]      = TO(GONE, NOTHING),
		[WORKER_DEADLINE]  = TO(CLOSING_BUSY, CLOSE_BUSY),
		[WORKER_EXHAUSTED] = TO(KILLING, KILL),
	},
	[WORKER_ABANDONED] = {
		[WORKER_HURRY]     = TO(KILLING, KILL),
		[WORKER_EXIT]      = TO(GONE, NOTHING),
		[WORKER_DEADLINE]  = TO(KILLING, KILL),
	},
	[WORKER_KILLING] = {
		[WORKER_EXIT]      = TO(GONE, NOTHING),
		[WORKER_DEADLINE]  = TO(KILLING, KILL),
	},
};
#undef TO
/* clang-format on */

static msec_t later(msec_t now, msec_t wait) {
	return wait >= MSEC_NEVER - now ? MSEC_NEVER : now + wait;
}

static msec_t deadline_of(const struct worker_life *life, msec_t now,
			  const struct worker_patience *p) {
	switch (life->state) {
	case WORKER_BOOTING: return later(now, p->boot);
	case WORKER_LEAVING: return later(now, p->quiet);
	case WORKER_DRAINING: return msec_min(later(now, p->half_close), life->drain_end);
	case WORKER_CLOSING_IDLE:
	case WORKER_CLOSING_BUSY: return msec_min(now + WORKER_CLOSE_AGAIN, life->drain_end);
	case WORKER_ABANDONED: return now + WORKER_ABANDON_GRACE;
	case WORKER_KILLING: return now + WORKER_KILL_AGAIN;
	case WORKER_GONE:
	case WORKER_READY:
	case WORKER_STATES: break;
	}
	return MSEC_NEVER;
}

/* The only place where a state changes. */
static void enter(struct worker_life *life, enum worker_state next, msec_t now,
		  const struct worker_patience *p) {
	bool drains = next == WORKER_DRAINING && life->state != WORKER_DRAINING;
	if (life->state != next)
		life->since = now;
	life->state = next;
	if (drains)
		life->drain_end = later(now, p->drain);
	if (next == WORKER_BOOTING || next == WORKER_GONE)
		life->drain_end = MSEC_NEVER;
	life->deadline = deadline_of(life, now, p);
}

enum worker_action worker_step(struct worker_life *life, enum worker_event event, msec_t now,
			       const struct worker_patience *patience) {
	if (event == WORKER_DEADLINE && now >= life->drain_end &&
	    life_table[life->state][WORKER_EXHAUSTED].moves)
		event = WORKER_EXHAUSTED;
	const struct cell *cell = &life_table[life->state][event];
	if (!cell->moves)
		return WORKER_NOTHING;
	bool hurried = event == WORKER_HURRY;
	enter(life, cell->next, now, patience);
	if (hurried && life->drain_end != MSEC_NEVER && life->state != WORKER_KILLING) {
		life->drain_end = msec_min(life->drain_end, now + WORKER_HURRY_GRACE);
		life->deadline = msec_min(life->deadline, life->drain_end);
	}
	return cell->action;
}

bool worker_serves(enum worker_state state) {
	return state == WORKER_READY || state == WORKER_LEAVING;
}

bool worker_goes(enum worker_state state) {
	return state > WORKER_READY;
}

const char *worker_state_name(enum worker_state state) {
	switch (state) {
	case WORKER_GONE: return "gone";
	case WORKER_BOOTING: return "booting";
	case WORKER_READY: return "ready";
	case WORKER_LEAVING: return "leaving";
	case WORKER_DRAINING: return "draining";
	case WORKER_CLOSING_IDLE:
	case WORKER_CLOSING_BUSY: return "closing";
	case WORKER_ABANDONED: return "abandoned";
	case WORKER_KILLING: return "killing";
	case WORKER_STATES: break;
	}
	return "?";
}
