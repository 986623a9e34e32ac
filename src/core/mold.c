#include "core/mold.h"

#include "core/backoff.h"

struct mold_life mold_life(void) {
	return (struct mold_life){ .state = MOLD_GONE, .deadline = MSEC_NEVER };
}

struct mold_life mold_life_adopted(msec_t now) {
	return (struct mold_life){
		.state = MOLD_ADOPTED, .since = now, .started = now, .deadline = MSEC_NEVER
	};
}

struct mold_life mold_life_taken_over(bool loaded, msec_t now, msec_t boot) {
	return (struct mold_life){ .state = loaded ? MOLD_READY : MOLD_LOADING,
				   .since = now,
				   .started = now,
				   .deadline = loaded ? MSEC_NEVER : now + boot,
				   .adopted = true };
}

static enum mold_action enter(struct mold_life *life, enum mold_state state, msec_t now,
			      msec_t deadline, enum mold_action action) {
	life->state = state;
	life->since = now;
	life->deadline = deadline;
	return action;
}

static enum mold_action start(struct mold_life *life, msec_t now, msec_t boot) {
	life->started = now;
	life->out = 0;
	life->deaf = life->stuck = life->adopted = false;
	return enter(life, MOLD_LOADING, now, now + boot, MOLD_START);
}

static enum mold_action end(struct mold_life *life, msec_t now, enum mold_action action) {
	return enter(life, MOLD_ENDING, now, now + MOLD_TERM_PATIENCE, action);
}

/* By itself, or because it took too long: whoever needs a worker needs another one. */
static enum mold_action broke(struct mold_life *life, msec_t now) {
	bool young = now - life->started < MOLD_YOUNG;
	life->failures = young ? life->failures + 1 : 0;
	life->out = 0;
	msec_t wait = backoff_delay(life->failures > 0 ? life->failures : 1, 0);
	return enter(life, MOLD_BROKEN, now, now + wait, MOLD_NOTHING);
}

static enum mold_action answered(struct mold_life *life, msec_t now) {
	if (life->out > 0)
		life->out--;
	if (life->deaf)
		return MOLD_NOTHING;
	life->deadline = life->out > 0 ? now + MOLD_FORK_PATIENCE : MSEC_NEVER;
	return MOLD_NOTHING;
}

static enum mold_action asked(struct mold_life *life, msec_t now) {
	if (life->out++ == 0 && !life->deaf)
		life->deadline = now + MOLD_FORK_PATIENCE;
	return MOLD_NOTHING;
}

/* Mostly its exit is about to be seen, with the status that tells more than our SIGKILL. */
static enum mold_action deaf(struct mold_life *life, msec_t now) {
	life->deaf = true;
	life->deadline = msec_min(life->deadline, now + MOLD_TERM_PATIENCE);
	return MOLD_NOTHING;
}

static enum mold_action step_loading(struct mold_life *life, enum mold_event event, msec_t now) {
	switch (event) {
	case MOLD_LOADED: return enter(life, MOLD_READY, now, MSEC_NEVER, MOLD_NOTHING);
	case MOLD_LET_GO: return end(life, now, MOLD_TERM);
	case MOLD_EXIT: return broke(life, now);
	case MOLD_DEAF: return deaf(life, now);
	case MOLD_DEADLINE: life->deadline = now + MOLD_TERM_PATIENCE; return MOLD_KILL;
	case MOLD_WANT:
	case MOLD_ASKED:
	case MOLD_ANSWERED: break;
	}
	return MOLD_NOTHING;
}

static enum mold_action step_ready(struct mold_life *life, enum mold_event event, msec_t now) {
	switch (event) {
	case MOLD_ASKED: return asked(life, now);
	case MOLD_ANSWERED: return answered(life, now);
	case MOLD_LET_GO: return end(life, now, MOLD_TERM);
	case MOLD_EXIT: return broke(life, now);
	case MOLD_DEAF: return deaf(life, now);
	case MOLD_DEADLINE:
		life->stuck = !life->deaf;
		life->deadline = now + MOLD_TERM_PATIENCE;
		return MOLD_KILL;
	case MOLD_WANT:
	case MOLD_LOADED: break;
	}
	return MOLD_NOTHING;
}

static enum mold_action step_ending(struct mold_life *life, enum mold_event event, msec_t now) {
	if (event == MOLD_EXIT) {
		*life = mold_life();
		return enter(life, MOLD_GONE, now, MSEC_NEVER, MOLD_NOTHING);
	}
	return event == MOLD_DEADLINE ? end(life, now, MOLD_KILL) : MOLD_NOTHING;
}

static enum mold_action step_adopted(struct mold_life *life, enum mold_event event, msec_t now) {
	if (event == MOLD_EXIT)
		return enter(life, MOLD_GONE, now, MSEC_NEVER, MOLD_NOTHING);
	return event == MOLD_LET_GO ? end(life, now, MOLD_TERM) : MOLD_NOTHING;
}

enum mold_action mold_step(struct mold_life *life, enum mold_event event, msec_t now, msec_t boot) {
	if (event == MOLD_DEADLINE && now < life->deadline)
		return MOLD_NOTHING;
	switch (life->state) {
	case MOLD_GONE: return event == MOLD_WANT ? start(life, now, boot) : MOLD_NOTHING;
	case MOLD_LOADING: return step_loading(life, event, now);
	case MOLD_READY: return step_ready(life, event, now);
	case MOLD_ENDING: return step_ending(life, event, now);
	case MOLD_BROKEN:
		if (event == MOLD_WANT || event == MOLD_DEADLINE)
			return start(life, now, boot);
		if (event == MOLD_LET_GO)
			return enter(life, MOLD_GONE, now, MSEC_NEVER, MOLD_NOTHING);
		break;
	case MOLD_ADOPTED: return step_adopted(life, event, now);
	case MOLD_STATES: break;
	}
	return MOLD_NOTHING;
}

bool mold_lives(enum mold_state state) {
	return state == MOLD_LOADING || state == MOLD_READY || state == MOLD_ENDING ||
	       state == MOLD_ADOPTED;
}

const char *mold_state_name(enum mold_state state) {
	switch (state) {
	case MOLD_GONE: return "gone";
	case MOLD_LOADING: return "loading";
	case MOLD_READY: return "ready";
	case MOLD_ENDING: return "ending";
	case MOLD_BROKEN: return "backoff";
	case MOLD_ADOPTED: return "adopted";
	case MOLD_STATES: break;
	}
	return "?";
}
