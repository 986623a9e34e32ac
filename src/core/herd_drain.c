/* How far a drain is: its connections, counted, and those that were half-closed. See herd.h. */
#include "core/herd_parts.h"

/* A drain is looked at often, for its end and for what is half-closed; a busy one less so. */
#define COUNT_EVERY (200 * (msec_t)1)

static bool is_counted(enum worker_state state) {
	return state == WORKER_LEAVING || state == WORKER_DRAINING;
}

void drain_settle(struct step *s) {
	FOR_EACH_WORKER(s->h, w) {
		if (!is_counted(w->life.state) || w->counting || w->pid == 0)
			continue;
		if (w->counted_at != 0 && w->counted_at >= w->life.since &&
		    s->now - w->counted_at < COUNT_EVERY)
			continue;
		w->counting = true;
		give_order(s, ORDER_COUNT, w->id, 0);
	}
}

msec_t drain_deadline(const struct worker *w) {
	if (!is_counted(w->life.state) || w->counting)
		return MSEC_NEVER;
	return w->counted_at + COUNT_EVERY;
}

void drain_counted(struct step *s, struct worker *w, const struct herd_event *event) {
	w->counting = false;
	w->counted_at = s->now;
	if (event->error != 0) {
		w->open = w->busy = -1;
		return; /* the patience for a quiet moment ends by itself */
	}
	w->open = event->counted.open;
	w->busy = event->counted.busy;
	w->silent = event->counted.silent;
	if (w->life.state == WORKER_LEAVING && w->busy == 0)
		drive(s, w, WORKER_QUIET);
}

void drain_half_closed(struct step *s, struct worker *w, const struct herd_event *event) {
	struct event *e;
	if (event->error != 0) {
		if (w->half_closed == 0 && w->life.state == WORKER_CLOSING_IDLE) {
			e = tell_of(s, EVENT_DRAIN_UNABLE, w);
			event_text(e, "reason", "%s", event->text);
		}
		return;
	}
	if (event->number == 0)
		return;
	w->half_closed += (unsigned)event->number;
	e = tell_of(s, EVENT_DRAIN_HALF_CLOSED, w);
	event_number(e, "closed", event->number);
	event_number(e, "left", event->left);
	event_text(e, "which", "%s", w->life.state == WORKER_CLOSING_IDLE ? "idle" : "busy");
}
