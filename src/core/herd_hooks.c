/*
 * Commands of a person's (hooks.*): when one runs, and that nothing waits for it beyond its time.
 * See herd.h.
 */
#include "core/herd_parts.h"
#include "core/hook.h"

#define HOOKS_MAX (HERD_SLOTS_MAX + 1) /* each slot's, and behind them the herd's */

static struct hook *hook_at(struct herd *h, unsigned i) {
	return i < HERD_SLOTS_MAX ? &h->slots[i].hook : &h->sample_hook;
}

static void start(struct step *s, struct hook *hook, const struct worker *w) {
	struct herd *h = s->h;
	*hook = (struct hook){ .id = ++h->last_hook,
			       .pid = w != NULL ? w->pid : 0,
			       .since = s->now,
			       .until = s->now + h->config->hooks.timeout };
	give_order(s, ORDER_HOOK, w != NULL ? w->id : 0, (int)hook->id);
}

/* One that fails each time would fill the log: it is told once, until it is mended. */
static bool is_news(struct herd *h, unsigned i, bool failed) {
	bool before = h->sample_hook_failing;
	if (i < HERD_SLOTS_MAX)
		return true;
	h->sample_hook_failing = failed;
	return failed && !before;
}

/* `why` it has failed; NULL: it has not. Whoever waits for it is settled by this same step. */
static void over(struct step *s, unsigned i, const char *why) {
	struct hook *hook = hook_at(s->h, i), last = *hook;
	*hook = (struct hook){ 0 };
	s->h->counters.hooks_failed += why != NULL;
	if (!is_news(s->h, i, why != NULL))
		return;
	struct event *e = tell(s, why != NULL ? EVENT_HOOK_FAILED : EVENT_HOOK_DONE);
	event_text(e, "which", "%s", hook_name(i < HERD_SLOTS_MAX));
	if (i < HERD_SLOTS_MAX) {
		event_number(e, "slot", i);
		event_number(e, "pid", last.pid);
	}
	if (why != NULL)
		event_text(e, "reason", "%s", why);
	event_time(e, "took", s->now - last.since);
}

static void end(struct step *s, unsigned i, const char *why) {
	give_order(s, ORDER_END_HOOK, 0, (int)hook_at(s->h, i)->id);
	over(s, i, why);
}

void hook_before_restart(struct step *s, const struct worker *old) {
	struct hook *hook = &s->h->slots[old->slot].hook;
	if (hook->id != 0) /* of a replacement that failed, or that nobody waited for any more */
		end(s, old->slot, "the next one of its slot begins");
	if (s->h->config->hooks.before_restart.len > 0)
		start(s, hook, old);
}

void hook_after_sample(struct step *s) {
	struct herd *h = s->h;
	if (h->config->hooks.after_sample.len > 0 && h->sample_hook.id == 0 && !herd_leaves(h))
		start(s, &h->sample_hook, NULL);
}

void hook_ended(struct step *s, const struct herd_event *event) {
	for (unsigned i = 0; i < HOOKS_MAX; i++) {
		unsigned id = hook_at(s->h, i)->id;
		if (id != 0 && id == (unsigned)event->number)
			over(s, i, event->text);
	}
}

void hooks_deadline(struct step *s) {
	for (unsigned i = 0; i < HOOKS_MAX; i++) {
		const struct hook *hook = hook_at(s->h, i);
		if (hook->id != 0 && hook->until <= s->now)
			end(s, i, "it is late (hooks.timeout), and was killed");
	}
}

msec_t hooks_next(const struct herd *h) {
	msec_t next = h->sample_hook.id != 0 ? h->sample_hook.until : MSEC_NEVER;
	for (unsigned i = 0; i < HERD_SLOTS_MAX; i++) {
		if (h->slots[i].hook.id != 0)
			next = msec_min(next, h->slots[i].hook.until);
	}
	return next;
}

void hooks_resume(struct step *s) {
	for (unsigned i = 0; i < HERD_SLOTS_MAX; i++) {
		if (s->h->slots[i].hook.id != 0)
			over(s, i, "the pumakeeperd that ran it has ended");
	}
	s->h->sample_hook = (struct hook){ 0 };
}
