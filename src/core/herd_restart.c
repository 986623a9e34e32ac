/* What a person asked for: slot after slot, until it is over. See herd.h. */
#include <stdio.h>

#include "core/herd_parts.h"

static void ask_slot(struct herd *h, unsigned slot, bool force) {
	if (slot >= h->n_slots || h->slots[slot].asked)
		return;
	h->slots[slot].asked = true;
	h->slots[slot].forced = force;
	h->slots[slot].surge_retry_at = h->slots[slot].retry_at = 0;
	h->restart.total++;
}

static void print_slots(const struct herd_event *event, char *text, size_t size) {
	struct text out = text_in(text, size);
	if (event->restart.n == 0)
		text_puts(&out, "all");
	for (unsigned i = 0; i < event->restart.n; i++)
		text_printf(&out, "%s%u", i > 0 ? "," : "", event->restart.slots[i]);
}

/* A person knows something that the guard does not. */
static void lift_guards(struct step *s) {
	struct herd *h = s->h;
	bool ended = false;
	for (size_t i = 0; i < ARRAY_LEN(h->futile); i++)
		ended = futility_clear(&h->futile[i]) == FUTILITY_ENDED || ended;
	if (ended)
		event_text(tell(s, EVENT_REPLACEMENT_USEFUL), "reason", "a person restarts");
}

static void begin(struct step *s, const struct herd_event *event) {
	struct herd *h = s->h;
	char slots[64];
	print_slots(event, slots, sizeof slots);
	h->restart = (struct restart){
		.active = true,
		.id = h->restart.id + 1,
		.force = event->restart.force,
		.since = s->now,
		.last_id = h->last_id,
		.release_before = h->release,
	};
	snprintf(h->restart.by, sizeof h->restart.by, "%s", event->text);
	if (event->restart.deploy)
		h->release = (unsigned)event->number;
	for (unsigned i = 0; event->restart.n == 0 && i < h->n_slots; i++)
		ask_slot(h, i, event->restart.force);
	for (unsigned i = 0; i < event->restart.n; i++)
		ask_slot(h, event->restart.slots[i], event->restart.force);
	struct event *e = tell(s, EVENT_RESTART_ASKED);
	event_text(e, "slots", "%s", slots);
	event_text(e, "by", "%s", h->restart.by);
	event_text(e, "force", "%s", event->restart.force ? "yes" : "no");
	if (!event->restart.clock)
		lift_guards(s);
}

/* While one is under way, another for all is done after it, once, and with the latest code. */
void restart_ask(struct step *s, const struct herd_event *event) {
	struct restart *r = &s->h->restart;
	if (herd_leaves(s->h))
		return;
	if (!r->active) {
		begin(s, event);
		return;
	}
	r->again = true;
	r->again_force = event->restart.force;
	if (event->restart.deploy)
		r->again_release = (unsigned)event->number;
	snprintf(r->again_by, sizeof r->again_by, "%s", event->text);
}

static void begin_again(struct step *s) {
	const struct restart *r = &s->h->restart;
	char by[sizeof r->again_by];
	struct herd_event event = { .kind = HERD_RESTART, .number = r->again_release, .text = by };
	event.restart.force = r->again_force;
	event.restart.deploy = r->again_release != 0;
	snprintf(by, sizeof by, "%s", r->again_by); /* begin() forgets all of the last one */
	begin(s, &event);
}

/* One that does not work out ends it: the others stay as they are. */
static void give_up_rest(struct herd *h) {
	for (unsigned i = 0; i < HERD_SLOTS_MAX; i++) {
		if (h->slots[i].replacement.cause != CAUSE_PERSON)
			h->slots[i].asked = h->slots[i].forced = false;
	}
}

void restart_slot_over(struct step *s, unsigned slot, bool done) {
	struct herd *h = s->h;
	if (!h->slots[slot].asked)
		return;
	h->slots[slot].asked = h->slots[slot].forced = false;
	if (done) {
		h->restart.done++;
	} else {
		h->restart.failed++;
		give_up_rest(h);
	}
}

/* Was it launched for the restart, or at least since it was asked for? */
static bool is_new(const struct herd *h, const struct worker *w) {
	return w->id > h->restart.last_id && w->release == h->release;
}

void restart_boot_failed(struct step *s, const struct worker *w) {
	if (is_new(s->h, w))
		restart_slot_over(s, w->slot, false);
}

/* Booted after it was asked for, for whatever reason: that one is new already. */
static void note_new_ones(struct step *s) {
	struct herd *h = s->h;
	FOR_EACH_WORKER(h, w) {
		if (w->role == ROLE_RESIDENT && w->life.state == WORKER_READY && is_new(h, w) &&
		    h->slots[w->slot].asked &&
		    h->slots[w->slot].replacement.phase == REPLACEMENT_NONE)
			restart_slot_over(s, w->slot, true);
	}
}

/* After a reload with fewer workers. */
static void forget_surplus(struct herd *h) {
	for (unsigned i = h->n_slots; i < HERD_SLOTS_MAX; i++) {
		if (h->slots[i].asked)
			h->restart.total--;
		h->slots[i].asked = h->slots[i].forced = false;
	}
}

static bool is_over(const struct herd *h) {
	for (unsigned i = 0; i < h->n_slots; i++) {
		if (h->slots[i].asked)
			return false;
	}
	return true;
}

/* Its mold is there still; unless that was another daemon's, which forks nobody. */
static void go_back(struct step *s) {
	struct herd *h = s->h;
	h->release = h->restart.release_before;
	if (h->config->app.preload)
		give_order(s, ORDER_MAKE_PARENT, 0, (int)h->release);
}

/* True: another one began, and the slots have to be settled once more. */
bool restart_settle(struct step *s) {
	struct restart *r = &s->h->restart;
	if (!r->active)
		return false;
	forget_surplus(s->h);
	note_new_ones(s);
	if (!is_over(s->h))
		return false;
	r->active = false;
	if (r->failed > 0 && r->done == 0) /* whoever was under way had its chance to prove it */
		go_back(s);
	struct event *e = tell(s, EVENT_RESTART_DONE);
	event_number(e, "slots", r->done);
	event_time(e, "took", s->now - r->since);
	event_number(e, "failed", r->failed);
	/* Also after a failure: what was touched meanwhile may be its repair. */
	if (r->again)
		begin_again(s);
	return r->active;
}
