/* Another daemon's herd becomes this one's, half-done replacements included. See herd.h. */
#include <signal.h>

#include "core/herd_parts.h"

/*
 * The other one wrote its state after each step and before the orders of that step were performed:
 * any of its last orders may be lost. So everybody is ordered once more what its state stands for;
 * every such order does no harm when it comes twice.
 */

#define ENDED_UNSEEN "it ended while no pumakeeperd watched"

/* A worker that has booted meanwhile answers in ms; one that boots gets what was left. */
#define BOOT_LEFT (5 * MSEC_SECOND)

/* Enough for a round of half-closing: nobody is killed who was not looked at before. */
#define DRAIN_LEFT WORKER_HURRY_GRACE

static msec_t after(msec_t now, msec_t wait) {
	return wait >= MSEC_NEVER - now ? MSEC_NEVER : now + wait;
}

/* What is left of a patience: at least `least`, and never more than `all` of it. */
static msec_t left_of(msec_t deadline, msec_t now, msec_t least, msec_t all) {
	return msec_min(msec_max(deadline, now + least), after(now, all));
}

static bool is_one_of(const struct herd_event *event, unsigned id) {
	for (size_t i = 0; i < event->adopt.n; i++) {
		if (event->adopt.gone[i] == id)
			return true;
	}
	return false;
}

static void tell_adopted(struct step *s, const struct herd_event *event) {
	unsigned living = 0, gone = 0;
	FOR_EACH_WORKER(s->h, w) {
		bool ended = w->pid != 0 && is_one_of(event, w->id);
		gone += ended;
		living += w->pid != 0 && !ended;
	}
	struct event *e = tell(s, EVENT_HERD_ADOPTED);
	event_number(e, "workers", living);
	event_number(e, "gone", gone);
	event_number(e, "replacements", herd_in_flight(s->h));
}

/* Nobody remembers how: a child of the other one is not ours. */
static void bury_gone(struct step *s, const struct herd_event *event) {
	FOR_EACH_WORKER(s->h, w) {
		if (w->pid != 0 && is_one_of(event, w->id))
			worker_exited(s, w, ENDED_UNSEEN);
	}
}

static void launch_again(struct step *s, struct worker *w) {
	w->release = s->h->release; /* as everybody who is launched now */
	w->life = (struct worker_life){ .deadline = MSEC_NEVER, .drain_end = MSEC_NEVER };
	drive(s, w, WORKER_LAUNCH);
}

/* No process of it is known: it is launched, unless it isn't wanted any more. */
static void resume_unborn(struct step *s, struct worker *w) {
	struct herd *h = s->h;
	if (w->slot >= h->n_slots)
		w->role = ROLE_LEAVER;
	bool wanted = w->role != ROLE_LEAVER && !herd_leaves(h);
	if (w->life.state == WORKER_BOOTING && wanted)
		launch_again(s, w);
	else
		worker_exited(s, w, "it was never launched");
}

static void resume_boot(struct step *s, struct worker *w, msec_t patience) {
	w->answered = false;
	w->proof_asked = w->proof_known;
	w->life.deadline = left_of(w->life.deadline, s->now, BOOT_LEFT, patience);
	give_order(s, ORDER_PROBE, w->id, 0);
}

static void resume_ready(struct step *s, struct worker *w) {
	w->alive_at = s->now; /* nobody listened meanwhile */
	w->hung_told = w->waits_told = false;
	if (w->proof_known)
		return;
	w->proof_asked = true;
	give_order(s, ORDER_PROVE, w->id, 0);
}

/* It may be stopped, which nobody has seen yet, and could not even read the TERM. */
static void term_again(struct step *s, const struct worker *w) {
	give_order(s, ORDER_SIGNAL, w->id, SIGTERM);
	give_order(s, ORDER_SIGNAL, w->id, SIGCONT);
}

/* Something came of a step after the one that ordered it: those orders were performed. */
static bool had_its_term(const struct worker *w) {
	return w->life.state != WORKER_DRAINING || w->counted_at > w->term_at;
}

/*
 * Who may hear of its TERM only now, and serves until then, has the whole drain before it; else
 * a long absence would end in a SIGKILL among requests. For the others the time goes on.
 */
static void resume_drain(struct step *s, struct worker *w, const struct worker_patience *p) {
	struct worker_life *life = &w->life;
	bool anew = !had_its_term(w);
	life->drain_end = anew ? after(s->now, p->drain)
			       : left_of(life->drain_end, s->now, DRAIN_LEFT, p->drain);
	msec_t next = WORKER_CLOSE_AGAIN; /* the round that is due may be lost */
	if (life->state == WORKER_DRAINING)
		next = p->half_close;
	life->deadline = anew ? after(s->now, next) : left_of(life->deadline, s->now, 0, next);
	life->deadline = msec_min(life->deadline, life->drain_end);
	term_again(s, w);
	if (life->state == WORKER_CLOSING_IDLE)
		give_order(s, ORDER_CLOSE_IDLE, w->id, 0);
	if (life->state == WORKER_CLOSING_BUSY)
		give_order(s, ORDER_CLOSE_BUSY, w->id, 0);
}

static void resume_goer(struct step *s, struct worker *w) {
	struct worker_patience patience = patience_of(s->h->config);
	switch (w->life.state) {
	case WORKER_LEAVING:
		w->life.deadline = left_of(w->life.deadline, s->now, 0, patience.quiet);
		break;
	case WORKER_DRAINING:
	case WORKER_CLOSING_IDLE:
	case WORKER_CLOSING_BUSY: resume_drain(s, w, &patience); break;
	case WORKER_ABANDONED:
		w->life.deadline = s->now + WORKER_ABANDON_GRACE;
		term_again(s, w);
		break;
	case WORKER_KILLING:
		w->life.deadline = s->now + WORKER_KILL_AGAIN;
		give_order(s, ORDER_SIGNAL, w->id, SIGKILL);
		break;
	case WORKER_GONE:
	case WORKER_BOOTING:
	case WORKER_READY:
	case WORKER_STATES: break;
	}
}

static void resume(struct step *s, struct worker *w) {
	w->adopted = true;
	w->promoted = w->counting = false;
	if (w->life.state == WORKER_BOOTING)
		resume_boot(s, w, s->h->config->app.boot_timeout);
	else if (w->life.state == WORKER_READY)
		resume_ready(s, w);
	else
		resume_goer(s, w);
	w->stopped = false; /* whoever looks at it now tells it anew */
}

/* Those that live are told next, each with HERD_PARENT; and without its line none becomes one. */
static void forget_molds(struct herd *h) {
	for (size_t i = 0; i < HERD_PARENTS_MAX; i++)
		h->parents[i] = (struct parent){ 0 };
	for (unsigned i = 0; i < HERD_SLOTS_MAX; i++)
		h->slots[i].replacement.promotes = false;
}

/* A restart's way back, and those who boot for it, follow; who serves does if its code is the same. */
static void renew_release(struct herd *h, unsigned release, bool same_code) {
	if (h->restart.release_before == h->release)
		h->restart.release_before = release;
	FOR_EACH_WORKER(h, w) {
		if ((same_code || w->life.state == WORKER_BOOTING) && w->release == h->release)
			w->release = release;
	}
	h->release = release;
}

void adopt_herd(struct step *s, const struct herd_event *event) {
	struct herd *h = s->h;
	herd_follow(h, h->config, &h->limits);
	h->started = s->now;
	h->counters.adoptions++;
	tell_adopted(s, event);
	forget_molds(h);
	if (event->adopt.release != 0)
		renew_release(h, event->adopt.release, event->adopt.same_code);
	leave_resume(s);
	memory_resume(s);
	hooks_resume(s);
	bury_gone(s, event);
	FOR_EACH_WORKER(h, w) {
		if (w->pid == 0)
			resume_unborn(s, w);
		else
			resume(s, w);
	}
}
