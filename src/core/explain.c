#include "core/explain.h"

#include <stdio.h>

#include "core/json_write.h"

static json_t *samples_array(const struct worker *w, msec_t now) {
	json_t *array = json_array();
	for (size_t i = history_len(&w->watch.history); i-- > 0;) {
		const struct sample *s = history_nth(&w->watch.history, i);
		bool dear_known = s->dear || s->uss_bytes > 0;
		json_t *object = json_object();
		json_put(object, "age_ms", json_count((uint64_t)(now - s->at)));
		json_put(object, "rss_bytes", json_count(s->rss_bytes));
		json_put(object, "pss_bytes", json_known(dear_known, s->pss_bytes));
		json_put(object, "uss_bytes", json_known(dear_known, s->uss_bytes));
		json_put(object, "dear", json_boolean(s->dear));
		json_array_append_new(array, object);
	}
	return array;
}

/* Is the cause there at all? `value`: what its limit is compared with. */
static bool is_there(const struct herd *h, const struct worker *w, enum cause cause,
		     uint64_t *value) {
	*value = watch_figure(&w->watch, herd_figure(h));
	switch (cause) {
	case CAUSE_SOFT: return w->watch.over;
	case CAUSE_HARD: return w->watch.verdict == CAUSE_HARD;
	case CAUSE_TOTAL: return herd_total_over(h, value);
	case CAUSE_PERSON: return h->slots[w->slot].asked;
	case CAUSE_NONE: break;
	}
	return false;
}

/* For the total the largest goes. NULL: it is this one. */
static const struct worker *goes_before(const struct herd *h, const struct worker *w) {
	const struct worker *first = w;
	for (unsigned i = 0; i < h->cells; i++) {
		const struct worker *other = &h->workers[i];
		if (other->life.state == WORKER_READY && other->role == ROLE_RESIDENT &&
		    watch_figure(&other->watch, FIGURE_USS) >
			    watch_figure(&first->watch, FIGURE_USS))
			first = other;
	}
	return first != w ? first : NULL;
}

static bool is_held_back(const struct herd *h, enum cause cause, uint64_t value, msec_t now) {
	if (cause == CAUSE_PERSON || futility_ask(&h->futile[cause], value, now) != FUTILE_HOLD)
		return false;
	return cause != CAUSE_TOTAL || !futility_total_must_act(value, h->limits.effective_bytes);
}

static bool ask_policy(const struct herd *h, const struct worker *w, enum cause cause, msec_t now,
		       char *reason, size_t size) {
	struct policy policy = herd_policy(h);
	struct situation situation = herd_situation(h, w, now);
	struct answer answer = policy_ask(cause, &policy, &situation);
	if (answer.permission != MAY_GO && answer.permission != MAY_STOP_FIRST) {
		snprintf(reason, size, "%s", answer.reason);
		return false;
	}
	if (h->config->restart.rehearse && cause != CAUSE_PERSON) {
		snprintf(reason, size, "it would go, but restart.rehearse only tells");
		return false;
	}
	snprintf(reason, size, "%s", *answer.reason != '\0' ? answer.reason : "replaced now");
	return true;
}

/* In the order in which they are asked: the cause itself, the guards, the policy. */
static bool explain_rule(const struct herd *h, const struct worker *w, enum cause cause, msec_t now,
			 char *reason, size_t size) {
	const struct slot *slot = &h->slots[w->slot];
	const struct worker *other = cause == CAUSE_TOTAL ? goes_before(h, w) : NULL;
	uint64_t value;
	if (!is_there(h, w, cause, &value))
		snprintf(reason, size, "%s",
			 cause == CAUSE_PERSON ? "nobody asked" : "under the limit");
	else if (slot->replacement.phase != REPLACEMENT_NONE)
		snprintf(reason, size, "it is being replaced: %s", slot->replacement.why);
	else if (w->life.state != WORKER_READY)
		snprintf(reason, size, "it does not serve: %s", worker_state_name(w->life.state));
	else if (other != NULL)
		snprintf(reason, size, "slot %u is larger and goes first", other->slot);
	else if (slot->surge_retry_at > now)
		snprintf(reason, size, "its last successor failed; next try in %lld s",
			 (long long)((slot->surge_retry_at - now + 999) / MSEC_SECOND));
	else if (is_held_back(h, cause, value, now))
		snprintf(reason, size, "futile: %s", h->futile[cause].reason);
	else
		return ask_policy(h, w, cause, now, reason, size);
	return false;
}

static json_t *rules_array(const struct herd *h, const struct worker *w, msec_t now,
			   const char **verdict) {
	json_t *array = json_array();
	*verdict = "fine";
	for (unsigned cause = CAUSE_SOFT; cause <= CAUSE_PERSON; cause++) {
		char reason[200];
		bool fires = explain_rule(h, w, (enum cause)cause, now, reason, sizeof reason);
		json_t *object = json_object();
		json_put(object, "cause", json_string(cause_name((enum cause)cause)));
		json_put(object, "fires", json_boolean(fires));
		json_put(object, "reason", json_string(reason));
		json_array_append_new(array, object);
		if (fires)
			*verdict = "to be replaced";
	}
	if (h->slots[w->slot].replacement.phase != REPLACEMENT_NONE)
		*verdict = "being replaced";
	else if (w->life.state == WORKER_BOOTING)
		*verdict = "booting";
	return array;
}

json_t *explain_json(const struct herd *h, unsigned slot, msec_t now) {
	const struct worker *w = slot < HERD_SLOTS_MAX ? herd_resident((struct herd *)h, slot)
						       : NULL;
	json_t *object = w != NULL ? json_object() : NULL;
	if (object == NULL)
		return NULL;
	const char *verdict;
	json_t *rules = rules_array(h, w, now, &verdict);
	json_put(object, "v", json_count(1));
	json_put(object, "ok", json_true());
	json_put(object, "done", json_true());
	json_put(object, "slot", json_count(slot));
	json_put(object, "pid", json_known(w->pid > 0, (uint64_t)w->pid));
	json_put(object, "state", json_string(worker_state_name(w->life.state)));
	json_put(object, "generation", json_known(w->generation != 0, w->generation));
	json_put(object, "figure", json_string(figure_name(herd_figure(h))));
	json_put(object, "limit_bytes", json_count(h->limits.soft_bytes));
	json_put(object, "hard_bytes", json_count(h->limits.hard_bytes));
	json_put(object, "total_bytes", json_count(h->limits.total_bytes));
	json_put(object, "strikes",
		 json_count(strike_count(&w->watch.strikes, &h->config->memory.strikes)));
	json_put(object, "verdict", json_string(verdict));
	json_put(object, "rules", rules);
	json_put(object, "samples", samples_array(w, now));
	json_put(object, "last_reason", json_text_or_null(h->slots[slot].last_reason));
	return object;
}
