/*
 * What was read becomes a herd that herd_step() can go on with: whatever names somebody who isn't
 * there, or waits for what never comes, is undone and said. See state_parts.h.
 */
#include <string.h>

#include "core/herd_parts.h"
#include "core/state_parts.h"

static bool is_in(const struct worker *w, unsigned slot, enum worker_role role) {
	return w != NULL && w->slot == slot && w->role == role;
}

/* Will what it waits for happen? The picture is in herd.h. */
static bool goes_on(struct herd *h, unsigned slot) {
	const struct replacement *r = &h->slots[slot].replacement;
	const struct worker *old = herd_worker(h, r->old_id), *fresh = herd_worker(h, r->new_id);
	const struct worker *resident = herd_resident(h, slot);
	switch (r->phase) {
	case REPLACEMENT_BRINGING_UP:
		return is_in(old, slot, ROLE_RESIDENT) && is_in(fresh, slot, ROLE_SUCCESSOR);
	case REPLACEMENT_LETTING_GO: return is_in(old, slot, ROLE_LEAVER);
	case REPLACEMENT_STOPPING_FIRST: /* or it waits for its hook */
		return is_in(old, slot, ROLE_LEAVER) ||
		       (r->new_id == 0 && is_in(old, slot, ROLE_RESIDENT));
	case REPLACEMENT_REFILLING: return resident == NULL || !worker_serves(resident->life.state);
	case REPLACEMENT_NONE: break;
	}
	return false;
}

static void mend_replacements(struct state_reader *r, struct herd *h) {
	for (unsigned i = 0; i < HERD_SLOTS_MAX; i++) {
		struct replacement *replacement = &h->slots[i].replacement;
		bool was_one = replacement->phase != REPLACEMENT_NONE;
		if (was_one && goes_on(h, i) && replacement->why != NULL)
			continue;
		/* In a herd that leaves nobody cares for them any more, also before it died. */
		if (was_one && !herd_leaves(h))
			state_complain(r, "the replacement in slot %u is given up", i);
		*replacement = (struct replacement){ 0 };
	}
}

static const char *flaw_of(const struct herd *h, size_t n) {
	const struct parent *p = &h->parents[n];
	bool lives = p->state != MOLD_GONE && p->state != MOLD_BROKEN;
	if (p->generation == 0)
		return "it has no generation";
	if (p->pid < 0 || p->pid == 1 || (lives && p->pid == 0))
		return "it has no process";
	for (size_t i = 0; i < n; i++) {
		const struct parent *other = &h->parents[i];
		if (other->generation == p->generation ||
		    (other->generation != 0 && other->release == p->release))
			return "another one is it already";
	}
	return NULL;
}

static void mend_parents(struct state_reader *r, struct state *s) {
	static const struct parent none;
	for (size_t i = 0; i < HERD_PARENTS_MAX; i++) {
		struct parent *p = &s->herd->parents[i];
		if (p->generation == 0 && p->pid == 0 && p->state == MOLD_GONE) {
			*p = none;
			continue;
		}
		const char *flaw = flaw_of(s->herd, i);
		if (flaw != NULL) {
			state_complain(r, "mold %u (pid %d) is left out: %s", p->generation, p->pid,
				       flaw);
			*p = none;
		} else if (p->generation > s->mold_generation) {
			state_complain(r, "the last mold was %u, not %u", p->generation,
				       s->mold_generation);
			s->mold_generation = p->generation;
		}
	}
}

/* Only a restart asks. */
static void mend_restart(struct state_reader *r, struct herd *h) {
	for (unsigned i = 0; i < HERD_SLOTS_MAX; i++) {
		struct slot *slot = &h->slots[i];
		if (!slot->asked || h->restart.active)
			continue;
		state_complain(r, "slot %u is to be restarted by nobody", i);
		slot->asked = slot->forced = false;
	}
	if (h->restart.last_id > h->last_id)
		h->restart.last_id = h->last_id;
}

/* A number that somebody has already must not become another path's. */
static void mend_releases(struct state_reader *r, struct state *s) {
	struct herd *h = s->herd;
	unsigned last = h->release;
	FOR_EACH_WORKER(h, w) {
		last = w->release > last ? w->release : last;
	}
	for (size_t i = 0; i < HERD_PARENTS_MAX; i++)
		last = h->parents[i].release > last ? h->parents[i].release : last;
	if (h->restart.active && h->restart.again_release > last)
		last = h->restart.again_release;
	if (last <= s->releases.last)
		return;
	state_complain(r, "the last release was %u, not %u", last, s->releases.last);
	memset(&s->releases, 0, sizeof s->releases);
	s->releases.last = last;
}

static void mend_futility(struct state_reader *r, struct herd *h) {
	for (size_t i = 0; i < ARRAY_LEN(h->futile); i++) {
		if (!h->futile[i].futile || h->futile[i].reason != NULL)
			continue;
		state_complain(r, "a futile limit has no reason");
		h->futile[i].reason = "as it was before";
	}
}

/* Those without an address are no sockets; the others are moved together. */
static void mend_listeners(struct state *s) {
	s->n_listeners = 0;
	for (size_t i = 0; i < STATE_LISTENERS_MAX; i++) {
		struct state_listener listener = s->listeners[i];
		s->listeners[i] = (struct state_listener){ 0 };
		if (listener.url[0] != '\0')
			s->listeners[s->n_listeners++] = listener;
	}
}

void state_mend(struct state_reader *r, struct state *s) {
	mend_listeners(s);
	state_mend_workers(r, s);
	mend_replacements(r, s->herd);
	state_mend_successors(r, s->herd);
	mend_parents(r, s);
	mend_restart(r, s->herd);
	mend_releases(r, s);
	mend_futility(r, s->herd);
}
