/* Which wishes are granted: core/policy.h has the table, core/futility.h the guard. See herd.h. */
#include <stdio.h>

#include "core/herd_parts.h"

static void describe(struct step *s, struct event *e, const struct wish *wish) {
	const struct herd *h = s->h;
	event_text(e, "cause", "%s", wish->why);
	if (!wish_is_memorys(wish))
		return;
	enum memory_figure sum = h->only_rss ? FIGURE_RSS : FIGURE_PSS;
	event_text(e, "figure", "%s",
		   figure_name(wish->cause == CAUSE_TOTAL ? sum : watch_rules_of(h).figure));
	event_bytes(e, "value", wish->value);
	event_bytes(e, "limit", wish->limit);
	if (wish->cause == CAUSE_SOFT)
		event_text(e, "strikes", "%u of %u",
			   strike_count(&wish->worker->watch.strikes, &h->config->memory.strikes),
			   h->config->memory.strikes.window);
}

static void remember_reason(struct slot *slot, const struct wish *wish) {
	if (wish_is_memorys(wish))
		snprintf(slot->last_reason, sizeof slot->last_reason, "%s: %llu MiB over %llu MiB",
			 wish->why, (unsigned long long)(wish->value >> 20),
			 (unsigned long long)(wish->limit >> 20));
	else
		snprintf(slot->last_reason, sizeof slot->last_reason, "%s", wish->why);
}

static void futility_note_try(struct herd *h, const struct wish *wish, msec_t now) {
	struct futility *f = &h->futile[wish->cause];
	if (futility_ask(f, wish->value, now) == FUTILE_TRY)
		futility_tried(f, now);
}

/* False: not now, every cell is taken by workers that are going; their ends are events. */
static bool begin(struct step *s, const struct wish *wish, bool stop_first) {
	struct herd *h = s->h;
	struct worker *old = wish->worker;
	struct slot *slot = &h->slots[old->slot];
	struct worker *fresh = stop_first ? NULL : slot_launch(s, old->slot, ROLE_SUCCESSOR);
	if (!stop_first && fresh == NULL)
		return false;

	slot->replacement = (struct replacement){
		.phase = stop_first ? REPLACEMENT_STOPPING_FIRST : REPLACEMENT_BRINGING_UP,
		.cause = wish->sick || wish->promotes ? CAUSE_NONE : wish->cause,
		.why = wish->why,
		.promotes = wish->promotes,
		.old_id = old->id,
		.old_pid = old->pid,
		.new_id = fresh != NULL ? fresh->id : 0,
		.since = s->now,
		.before_bytes = watch_figure(&old->watch, FIGURE_USS),
	};
	if (wish_is_memorys(wish))
		futility_note_try(h, wish, s->now);
	if (wish->promotes)
		refork_note_try(s, old);
	remember_reason(slot, wish);
	struct event *e = tell_of(s, EVENT_REPLACEMENT_STARTED, old);
	describe(s, e, wish);
	event_text(e, "order", "%s", stop_first ? "stop first" : "start first");
	if (wish->cause != CAUSE_PERSON || !slot->forced) /* by force: in a hurry */
		hook_before_restart(s, old);
	replacement_go_on(s, old->slot);
	return true;
}

static void rehearse(struct step *s, const struct wish *wish) {
	if (wish->worker->rehearsed)
		return;
	wish->worker->rehearsed = true;
	s->h->counters.rehearsed++;
	describe(s, tell_of(s, EVENT_REPLACEMENT_REHEARSED, wish->worker), wish);
}

/* False: replacing it doesn't help (core/futility.h). Only memory's causes are asked. */
static bool is_worth_it(struct step *s, const struct wish *wish) {
	struct herd *h = s->h;
	if (!wish_is_memorys(wish))
		return true;
	bool total = wish->cause == CAUSE_TOTAL;
	struct futility *f = &h->futile[wish->cause];
	if (total && futility_total_must_act(wish->value, h->limits.effective_bytes))
		return true;
	if (futility_ask(f, wish->value, s->now) != FUTILE_HOLD)
		return true;
	ask_again_at(s, f->next_try_at);
	return false;
}

static void refuse(struct step *s, const struct wish *wish, const char *reason) {
	struct event *e = tell(s, EVENT_REPLACEMENT_REFUSED);
	event_number(e, "slot", wish->worker->slot);
	event_text(e, "cause", "%s", wish->why);
	event_text(e, "reason", "%s", reason);
	if (wish->promotes)
		refork_note_try(s, wish->worker); /* and not at once again */
	else
		restart_slot_over(s, wish->worker->slot, false);
}

static void wait(struct step *s, const struct wish *wish, const struct answer *answer) {
	if (answer->retry_in != MSEC_NEVER)
		ask_again_at(s, s->now + answer->retry_in);
	if (wish->worker->waits_told)
		return;
	wish->worker->waits_told = true;
	struct event *e = tell_of(s, EVENT_REPLACEMENT_WAITS, wish->worker);
	event_text(e, "cause", "%s", wish->why);
	event_text(e, "reason", "%s", answer->reason);
}

/* True when a replacement began, or was refused: what the others wish is another matter now. */
static bool consider(struct step *s, const struct wish *wish, const struct situation *common) {
	struct herd *h = s->h;
	const struct slot *slot = &h->slots[wish->worker->slot];
	if (slot->surge_retry_at > s->now) {
		ask_again_at(s, slot->surge_retry_at);
		return false;
	}
	if (!is_worth_it(s, wish))
		return false;
	struct policy policy = herd_policy(h);
	struct situation situation = situation_of(h, common, wish->worker, s->now);
	struct answer answer = policy_ask(wish->cause, &policy, &situation);
	bool stop_first = answer.permission == MAY_STOP_FIRST || !h->config->restart.surge;
	bool may = answer.permission == MAY_GO || answer.permission == MAY_STOP_FIRST;
	if (may && h->config->restart.rehearse && wish_is_memorys(wish)) {
		rehearse(s, wish);
		return false;
	}
	if (may && stem_stays(s, wish->worker))
		return false;
	if (may && !stop_first && !slot_may_boot(h))
		return false; /* a boot that ends is an event, and then it is asked again */
	if (may)
		return begin(s, wish, stop_first);
	if (answer.permission == IS_REFUSED) {
		refuse(s, wish, answer.reason);
		return true;
	}
	wait(s, wish, &answer);
	return false;
}

void replace_settle(struct step *s) {
	static _Thread_local struct wish wishes[WISHES_MAX]; /* too large for a stack */
	if (s->h->state == HERD_WAITING_TO_STOP)
		return; /* who is brought up now is in for nothing */
	for (bool began = true; began;) {
		began = false;
		size_t n = wishes_collect(s, wishes);
		if (n == 0)
			break; /* almost always */
		const struct situation common = situation_common(s->h, s->now);
		for (size_t i = 0; i < n && !began; i++)
			began = consider(s, &wishes[i], &common);
	}
}
