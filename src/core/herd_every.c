/*
 * restart.every: all workers are replaced by the clock, one after the other, each as at a person's
 * restart and none for a second time. Off unless asked for. See herd.h.
 */
#include "core/herd_parts.h"

/* splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). */
static uint64_t draw(uint64_t *dice) {
	uint64_t z = *dice += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* A round that is due at each step would be one for ever. */
#define AT_LEAST MSEC_SECOND

/* Whether what is in its way is over. */
#define LOOK_AGAIN MSEC_SECOND

/* Machines that were started together don't go on together. */
static void draw_next(struct step *s) {
	const struct config *c = s->h->config;
	struct every *e = &s->h->every;
	*e = (struct every){ .interval = c->restart.every, .dice = e->dice };
	if (e->interval == 0)
		return;
	e->due = s->now + msec_max(e->interval, AT_LEAST);
	if (c->restart.splay > 0)
		e->due += (msec_t)(draw(&e->dice) % ((uint64_t)c->restart.splay + 1));
}

/* Who came meanwhile, for its memory or with a deploy, is new enough. */
static bool is_old(const struct step *s, const struct worker *w) {
	return w->role == ROLE_RESIDENT && w->life.state == WORKER_READY &&
	       s->now - w->ready_at >= s->h->every.interval / 2;
}

/* The worker that the others are forked from isn't replaced alone: all of them are. */
static void begin_round(struct step *s) {
	struct herd *h = s->h;
	const struct worker *stem = NULL;
	unsigned slots[HERD_SLOTS_MAX], n = 0;
	struct herd_event event = { .kind = HERD_RESTART, .text = RESTART_EVERY };
	for (unsigned i = 0; i < h->n_slots; i++) {
		const struct worker *w = herd_resident(h, i);
		if (w == NULL || !is_old(s, w))
			continue;
		slots[n++] = i;
		if (w->stem)
			stem = w;
	}
	event.restart.slots = slots;
	event.restart.n = n < h->n_slots ? n : 0; /* 0: all */
	event.restart.clock = true;
	if (stem != NULL)
		give_order(s, ORDER_RENEW, stem->id, true);
	else if (n > 0)
		restart_ask(s, &event);
}

void every_settle(struct step *s) {
	struct herd *h = s->h;
	if (h->every.interval != h->config->restart.every)
		draw_next(s); /* at the start, and when it was changed */
	if (h->every.due == 0)
		return;
	if (s->now < h->every.due) {
		ask_again_at(s, h->every.due);
		return;
	}
	if (h->state != HERD_SERVING || h->restart.active) {
		ask_again_at(s, s->now + LOOK_AGAIN);
		return;
	}
	begin_round(s);
	draw_next(s);
	ask_again_at(s, h->every.due);
}
