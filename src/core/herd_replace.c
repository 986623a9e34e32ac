/* How far a replacement is, and how it ends. See herd.h for the picture. */
#include "core/herd_parts.h"

void replacement_let_go(struct step *s, struct worker *old, bool quietly) {
	old->role = ROLE_LEAVER;
	drive(s, old, quietly ? WORKER_RETIRE : WORKER_TERMINATE);
}

/* The new one serves: the old one may go. */
static void succeed(struct step *s, struct worker *old, struct worker *successor) {
	struct slot *slot = &s->h->slots[successor->slot];
	struct replacement *r = &slot->replacement;
	successor->role = ROLE_RESIDENT;
	r->phase = REPLACEMENT_LETTING_GO;
	slot->surge_failures = 0;
	slot->failures = 0;
	if (old != NULL && r->promotes) {
		old->promoted = true;
		replacement_let_go(s, old, true);
		return;
	}
	if (old != NULL) /* the sick have no cause of memory's, and no quiet moment either */
		replacement_let_go(s, old,
				   r->cause != CAUSE_NONE && cause_waits_for_quiet(r->cause));
}

void replacement_go_on(struct step *s, unsigned slot_index) {
	struct slot *slot = &s->h->slots[slot_index];
	struct replacement *r = &slot->replacement;
	if (r->phase == REPLACEMENT_NONE || slot->hook.id != 0)
		return; /* a hook's end comes, by itself or by its deadline */
	struct worker *old = herd_worker(s->h, r->old_id);
	struct worker *successor = herd_worker(s->h, r->new_id);
	if (r->phase == REPLACEMENT_BRINGING_UP && successor != NULL &&
	    successor->life.state == WORKER_READY)
		succeed(s, old, successor);
	else if (r->phase == REPLACEMENT_STOPPING_FIRST && old != NULL &&
		 old->role == ROLE_RESIDENT)
		replacement_let_go(s, old, false);
}

/* Whether that helps is asked from now on, however long its old one stays for a hook. */
void replacement_proved(struct step *s, struct worker *successor) {
	const struct replacement *r = &s->h->slots[successor->slot].replacement;
	if (r->cause != CAUSE_NONE && r->cause != CAUSE_PERSON)
		futility_replaced(&s->h->futile[r->cause], successor->id, s->now);
	replacement_go_on(s, successor->slot);
}

void replacements_settle(struct step *s) {
	for (unsigned i = 0; i < s->h->n_slots; i++)
		replacement_go_on(s, i);
}

static void end(struct step *s, unsigned slot_index) {
	struct slot *slot = &s->h->slots[slot_index];
	if (slot->replacement.cause == CAUSE_PERSON)
		restart_slot_over(s, slot_index, true);
	if (slot->replacement.cause == CAUSE_TOTAL)
		total_anew(s);
	slot->replacement = (struct replacement){ 0 };
	s->h->last_replaced = s->now;
}

static void done(struct step *s, unsigned slot_index) {
	struct herd *h = s->h;
	struct slot *slot = &h->slots[slot_index];
	const struct replacement *r = &slot->replacement;
	const struct worker *fresh = herd_worker(h, r->new_id);
	/* Before its first dear reading RSS would stand for it, with all that it shares. */
	bool is_known = fresh != NULL && (h->only_rss || fresh->watch.dear_at != 0);
	uint64_t after = is_known ? watch_figure(&fresh->watch, FIGURE_USS) : 0;
	h->counters.replacements++;
	slot->restarts++;
	struct event *e = tell(s, EVENT_REPLACEMENT_DONE);
	event_number(e, "slot", slot_index);
	event_number(e, "pid", r->old_pid);
	if (fresh != NULL)
		event_number(e, "new_pid", fresh->pid);
	event_text(e, "cause", "%s", r->why);
	event_time(e, "took", s->now - r->since);
	if (after > 0) {
		event_bytes(e, "gave_back", r->before_bytes > after ? r->before_bytes - after : 0);
		event_bytes(e, "before", r->before_bytes);
		event_bytes(e, "after", after);
	}
	h->last_replacement =
		(struct last_replacement){ .at = s->now, .slot = slot_index, .cause = r->cause };
	snprintf(h->last_replacement.why, sizeof h->last_replacement.why, "%s", r->why);
	end(s, slot_index);
}

/* The old one stays, whatever asked for it to go. */
void replacement_failed(struct step *s, struct worker *successor, const char *reason) {
	struct herd *h = s->h;
	struct slot *slot = &h->slots[successor->slot];
	struct replacement r = slot->replacement;
	msec_t wait_for = backoff_delay(++slot->surge_failures, successor->slot);
	h->counters.replacements_failed++;
	struct event *e = tell_of(s, EVENT_REPLACEMENT_FAILED, successor);
	event_text(e, "cause", "%s", r.why);
	event_text(e, "reason", "%s", reason);
	slot->replacement = (struct replacement){ 0 };
	h->last_replaced = s->now;
	restart_boot_failed(s, successor); /* also if another cause was faster */
	if (r.cause == CAUSE_PERSON)
		return;
	slot->surge_retry_at = s->now + wait_for;
	event_time(e, "retry", wait_for);
}

/* `old` is a copy: its cell is free already. */
void replacement_old_gone(struct step *s, struct worker *old) {
	struct slot *slot = &s->h->slots[old->slot];
	struct replacement *r = &slot->replacement;
	if (r->old_id != old->id)
		return;
	struct worker *successor = herd_worker(s->h, r->new_id);
	switch (r->phase) {
	case REPLACEMENT_LETTING_GO: done(s, old->slot); break;
	case REPLACEMENT_STOPPING_FIRST: r->phase = REPLACEMENT_REFILLING; break;
	case REPLACEMENT_BRINGING_UP:
		/* It died before it was let go: its successor is now simply the one that boots. */
		if (successor != NULL)
			successor->role = ROLE_RESIDENT;
		if (successor != NULL && worker_serves(successor->life.state)) {
			done(s, old->slot); /* nothing but a hook was waited for */
			break;
		}
		*r = (struct replacement){ 0 }; /* if a person asked: not done before it serves */
		s->h->last_replaced = s->now;
		break;
	case REPLACEMENT_REFILLING:
	case REPLACEMENT_NONE: break;
	}
}

void replacement_refilled(struct step *s, struct worker *resident) {
	struct replacement *r = &s->h->slots[resident->slot].replacement;
	if (r->phase != REPLACEMENT_REFILLING)
		return;
	r->new_id = resident->id;
	if (r->cause != CAUSE_NONE && r->cause != CAUSE_PERSON)
		futility_replaced(&s->h->futile[r->cause], resident->id, s->now);
	done(s, resident->slot);
}

/* The old one is gone already: from now on it is a slot that doesn't come up, as any other. */
void replacement_unfilled(struct step *s, unsigned slot_index) {
	struct replacement *r = &s->h->slots[slot_index].replacement;
	if (r->phase != REPLACEMENT_REFILLING)
		return;
	s->h->counters.replacements_failed++;
	s->h->last_replaced = s->now;
	*r = (struct replacement){ 0 };
}
