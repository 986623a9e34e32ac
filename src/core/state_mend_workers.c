/*
 * The workers that were read: each has an id, a slot and a role of its own, and a life that goes
 * on. Left out is only who can't be a process; who has one and no place is let go, or it would
 * serve for ever, with old code, and nobody would know. See state_parts.h.
 */
#include <string.h>

#include "core/herd_parts.h"
#include "core/state_parts.h"

static void complain_of(struct state_reader *r, const struct worker *w, const char *what) {
	state_complain(r, "worker %u (pid %d) %s", w->id, w->pid, what);
}

/* Its end was never asked for, so it is asked now: herd_step() finds these deadlines passed. */
static void let_go(struct worker *w) {
	w->role = ROLE_LEAVER;
	if (w->life.state == WORKER_READY || w->life.state == WORKER_BOOTING) {
		w->life.state = w->life.state == WORKER_READY ? WORKER_LEAVING : WORKER_ABANDONED;
		w->life.deadline = 0;
	}
}

/* Who served has a process; who comes or goes may wait for its mold still. */
static bool may_lack_process(enum worker_state state) {
	return state == WORKER_BOOTING || state == WORKER_ABANDONED || state == WORKER_KILLING;
}

/* Why it can't be a worker; NULL: it can. `w` is not among the first `n`. */
static const char *flaw_of(const struct state *s, const struct worker *w, unsigned n) {
	if (w->pid < 0 || w->pid == 1 || (w->pid != 0 && w->pid == s->pid))
		return "is left out: that is no worker's pid";
	if (w->pid == 0 && !may_lack_process(w->life.state))
		return "is left out: it has no process";
	for (unsigned i = 0; i < n; i++) {
		if (w->pid != 0 && s->herd->workers[i].pid == w->pid)
			return "is left out: it is there twice";
		if (w->pid == 0 && s->herd->workers[i].id == w->id)
			return "is left out: another one has its id";
	}
	if (w->pid == 0 && (w->id == 0 || w->slot >= HERD_SLOTS_MAX))
		return "is left out: it has neither a process nor a place";
	return NULL;
}

/* An unknown word, or none: what it has been through tells as much as it has to. */
static void mend_life(struct state_reader *r, const struct config *config, struct worker *w) {
	struct worker_life *life = &w->life;
	if (life->state == WORKER_STATES) {
		life->state = w->term_at != 0    ? WORKER_DRAINING
			      : w->ready_at != 0 ? WORKER_READY
						 : WORKER_BOOTING;
		complain_of(r, w, "has no state that is known");
	}
	if (worker_serves(life->state) && w->ready_at == 0) {
		w->ready_at = msec_max(life->since, 1); /* 0 is never */
		complain_of(r, w, "serves, and was never ready");
	}
	if (life->state == WORKER_READY || life->state == WORKER_GONE) {
		life->deadline = MSEC_NEVER;
	} else if (life->deadline == MSEC_NEVER) {
		life->deadline = life->since;
		if (life->state == WORKER_BOOTING)
			life->deadline += config->app.boot_timeout;
		complain_of(r, w, "has no deadline");
	}
	if (worker_goes(life->state) && life->state != WORKER_LEAVING &&
	    !may_lack_process(life->state) && life->drain_end == MSEC_NEVER) {
		life->drain_end = life->since + config->restart.drain_timeout;
		complain_of(r, w, "drains without an end");
	}
}

/* The first who has it keeps it. */
static bool has_own_id(const struct herd *h, const struct worker *w, unsigned n) {
	for (unsigned i = 0; i < n; i++) {
		if (h->workers[i].id == w->id)
			return false;
	}
	return w->id != 0;
}

/* Only those who are somebody, one beside the other. */
static void sort_out(struct state_reader *r, const struct state *s) {
	struct herd *h = s->herd;
	unsigned n = 0;
	for (unsigned i = 0; i < HERD_WORKERS_MAX; i++) {
		struct worker *w = &h->workers[i];
		if (w->life.state == WORKER_GONE)
			continue;
		mend_life(r, h->config, w);
		const char *flaw = flaw_of(s, w, n);
		if (flaw != NULL) {
			complain_of(r, w, flaw);
			continue;
		}
		if (n != i)
			h->workers[n] = *w;
		n++;
	}
	memset(&h->workers[n], 0, (HERD_WORKERS_MAX - n) * sizeof h->workers[0]);
	h->cells = n;
}

/* Late answers and what is told of a worker go by its id: no two share one, now or later. */
static void give_ids(struct state_reader *r, struct herd *h) {
	for (unsigned i = 0; i < h->cells; i++) {
		if (h->workers[i].id > h->last_id) {
			state_complain(r, "the last worker was %u, not %u", h->workers[i].id,
				       h->last_id);
			h->last_id = h->workers[i].id;
		}
	}
	for (unsigned i = 0; i < h->cells; i++) {
		struct worker *w = &h->workers[i];
		if (has_own_id(h, w, i))
			continue;
		complain_of(r, w, "is let go: it has no id of its own");
		w->id = ++h->last_id;
		let_go(w);
	}
}

static void give_slots(struct state_reader *r, struct herd *h) {
	bool taken[HERD_SLOTS_MAX] = { false };
	FOR_EACH_WORKER(h, w) {
		if (w->slot >= HERD_SLOTS_MAX) {
			complain_of(r, w, "is let go: it has no slot that there is");
			w->slot = 0;
			let_go(w);
		} else if (w->role == ROLE_RESIDENT && taken[w->slot]) {
			complain_of(r, w, "is let go: its slot has another resident");
			let_go(w);
		} else if (w->role == ROLE_RESIDENT) {
			taken[w->slot] = true;
		} else if (w->role == ROLE_LEAVER && !worker_goes(w->life.state)) {
			complain_of(r, w, "is let go: it was to leave");
			let_go(w);
		}
	}
}

void state_mend_workers(struct state_reader *r, struct state *s) {
	sort_out(r, s);
	give_ids(r, s->herd);
	give_slots(r, s->herd);
}

/* After the replacements: nobody waits for one that none of them has brought up. */
void state_mend_successors(struct state_reader *r, struct herd *h) {
	FOR_EACH_WORKER(h, w) {
		const struct replacement *replacement = &h->slots[w->slot].replacement;
		if (w->role != ROLE_SUCCESSOR ||
		    (replacement->phase == REPLACEMENT_BRINGING_UP && replacement->new_id == w->id))
			continue;
		if (!herd_leaves(h))
			complain_of(r, w, "succeeds nobody");
		if (herd_resident(h, w->slot) == NULL)
			w->role = ROLE_RESIDENT;
		else
			let_go(w);
	}
}
