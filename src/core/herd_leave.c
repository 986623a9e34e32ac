/*
 * Stopping: everybody drains, bounded; the last one goes when nobody waits to be accepted. See
 * herd.h.
 */
#include <stdio.h>

#include "core/herd_parts.h"

/* The queue is looked at this often, and no longer than that is waited for it to be empty. */
#define QUEUE_EVERY ((msec_t)50)
#define QUEUE_WAIT  (2 * MSEC_SECOND)

bool herd_leaves(const struct herd *h) {
	return h->state == HERD_LEAVING || h->state == HERD_LEFT;
}

static void begin_to_leave(struct step *s) {
	s->h->state = HERD_LEAVING;
	s->h->last_one_at = s->now + QUEUE_WAIT;
	s->h->queue = -1;
}

void leave_resume(struct step *s) {
	struct herd *h = s->h;
	if (h->state == HERD_WAITING_TO_STOP)
		h->stop_at = msec_min(h->stop_at, s->now + h->config->restart.stop_delay);
	if (!herd_leaves(h))
		return;
	begin_to_leave(s); /* the queue is asked for anew, and bounded anew */
	h->queue_next = 0;
}

static void hurry(struct step *s, const char *why) {
	s->h->hurried = true;
	event_text(tell(s, EVENT_DAEMON_HURRIED), "reason", "%s", why);
	if (!herd_leaves(s->h))
		begin_to_leave(s);
	FOR_EACH_WORKER(s->h, w) {
		/* One that serves is asked first, and gets the same short grace. */
		if (worker_serves(w->life.state))
			drive(s, w, WORKER_HURRY);
		drive(s, w, WORKER_HURRY);
	}
}

void leave_ask(struct step *s, const struct herd_event *event) {
	struct herd *h = s->h;
	if (h->state == HERD_LEFT)
		return;
	if (h->state == HERD_LEAVING || h->state == HERD_WAITING_TO_STOP) {
		hurry(s, event->text);
		return;
	}
	/* It is there to go on serving. */
	msec_t delay = herd_serving(h) > 0 ? h->config->restart.stop_delay : 0;
	struct event *e = tell(s, EVENT_DAEMON_STOPPING);
	event_text(e, "reason", "%s", event->text);
	event_time(e, "delay", delay);
	h->state = HERD_WAITING_TO_STOP;
	h->stop_at = s->now + delay;
	if (delay == 0)
		begin_to_leave(s);
}

void leave_give_up(struct step *s, const char *reason) {
	struct event *e = tell(s, EVENT_DAEMON_GAVE_UP);
	event_number(e, "attempts", HERD_ATTEMPTS);
	event_text(e, "reason", "%s", reason);
	snprintf(s->h->gave_up, sizeof s->h->gave_up, "%s", reason);
	s->h->exit_code = 1;
	begin_to_leave(s);
}

/*
 * Who serves last keeps accepting until nobody waits; but a cluster's master, told to end, ends them
 * all at once, and would fork another one for whoever is told to go without it.
 */
static struct worker *last_one(struct step *s) {
	struct worker *last = NULL;
	FOR_EACH_WORKER(s->h, w) {
		if (!worker_serves(w->life.state) || s->h->config->app.mode == MODE_CLUSTER)
			continue;
		if (last == NULL || w->ready_at > last->ready_at)
			last = w;
	}
	return last;
}

static void leave_all_but(struct step *s, const struct worker *keep) {
	FOR_EACH_WORKER(s->h, w) {
		if (w != keep && !(worker_goes(w->life.state) && w->life.state != WORKER_LEAVING))
			drive(s, w, WORKER_TERMINATE);
	}
}

static unsigned left_over(struct herd *h) {
	unsigned n = 0;
	FOR_EACH_WORKER(h, w)
	n++;
	return n;
}

/* Called after every event once the herd leaves. */
void leave_settle(struct step *s) {
	struct herd *h = s->h;
	if (h->state == HERD_LEFT)
		return;
	bool queue_done = h->queue == 0 || s->now >= h->last_one_at;
	struct worker *last = last_one(s);
	leave_all_but(s, queue_done ? NULL : last);
	if (last != NULL && !queue_done && s->now >= h->queue_next) {
		h->queue_next = s->now + QUEUE_EVERY;
		give_order(s, ORDER_QUEUE, 0, 0);
	}
	/* A mold has nothing to finish, and is killed soon: only who hurries doesn't wait for it. */
	if (left_over(h) > 0 || (herd_has_parents(h) && !h->hurried))
		return;
	h->state = HERD_LEFT;
	give_order(s, ORDER_LEAVE, 0, h->exit_code);
}

void leave_deadline_passed(struct step *s) {
	if (s->h->state == HERD_WAITING_TO_STOP && s->now >= s->h->stop_at)
		begin_to_leave(s);
}

msec_t leave_deadline(const struct herd *h) {
	if (h->state == HERD_WAITING_TO_STOP)
		return h->stop_at;
	if (h->state == HERD_LEAVING && herd_serving(h) > 0)
		return msec_min(h->queue_next, h->last_one_at);
	return MSEC_NEVER;
}
