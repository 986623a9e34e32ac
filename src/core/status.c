#include "core/status.h"

#include <stdio.h>
#include <string.h>

#include "util/utf8.h"

/* A key is never missing: what jansson can't hold is null. */
static void set(json_t *object, const char *key, json_t *value) {
	json_object_set_new(object, key, value != NULL ? value : json_null());
}

static json_t *number(uint64_t n) {
	return json_integer((json_int_t)n);
}

static json_t *known(bool is_known, uint64_t n) {
	return is_known ? number(n) : json_null();
}

/* A path is bytes, and a reason may have been cut within a character; JSON has characters only. */
static json_t *repaired(const char *text) {
	char buffer[1024];
	struct text out = TEXT_IN(buffer);
	for (size_t n = strlen(text), length; n > 0 && out.len + 4 < sizeof buffer; n -= length) {
		uint32_t codepoint;
		length = utf8_next(text, n, &codepoint);
		if (length > 0)
			text_put(&out, text, length);
		else
			text_puts(&out, UTF8_REPLACEMENT);
		length = length > 0 ? length : 1;
		text += length;
	}
	return json_string(buffer);
}

static json_t *string(const char *text) {
	json_t *value = json_string(text);
	return value != NULL ? value : repaired(text);
}

static json_t *text_or_null(const char *text) {
	return text != NULL && *text != '\0' ? string(text) : json_null();
}

static const char *state_word(const struct herd *h) {
	switch (h->state) {
	case HERD_STARTING: return "starting";
	case HERD_SERVING: break;
	case HERD_WAITING_TO_STOP:
	case HERD_LEAVING:
	case HERD_LEFT: return "stopping";
	}
	bool futile = false;
	for (size_t i = 0; i < ARRAY_LEN(h->futile); i++)
		futile = futile || h->futile[i].futile;
	return futile || herd_serving(h) < h->n_slots ? "degraded" : "ok";
}

static const char *figure_word(enum memory_figure figure) {
	switch (figure) {
	case FIGURE_USS: return "uss";
	case FIGURE_PSS: return "pss";
	case FIGURE_RSS: break;
	}
	return "rss";
}

static enum memory_figure judged_figure(const struct herd *h) {
	return h->only_rss ? FIGURE_RSS : h->config->memory.figure;
}

static json_t *allocator_object(const struct allocator *a) {
	if (a->proof == PROOF_UNKNOWN)
		return json_null();
	json_t *object = json_object();
	set(object, "name", text_or_null(a->name));
	set(object, "version", text_or_null(a->version));
	set(object, "proof", json_string(allocator_proof_name(a->proof)));
	return object;
}

static json_t *connections_object(const struct worker *w) {
	json_t *object = json_object();
	set(object, "open", known(w->open >= 0, (uint64_t)w->open));
	set(object, "busy", known(w->busy >= 0, (uint64_t)w->busy));
	return object;
}

static void add_memory(json_t *object, const struct herd *h, const struct worker *w, msec_t now) {
	bool cheap = w->watch.cheap_at != 0, dear = w->watch.dear_at != 0;
	const struct memory *m = &w->watch.memory;
	set(object, "rss_bytes", known(cheap || dear, w->watch.rss_bytes));
	set(object, "pss_bytes", known(dear, m->pss_bytes + m->swap_pss_bytes));
	set(object, "uss_bytes", known(dear, m->uss_bytes + m->swap_pss_bytes));
	set(object, "figure", json_string(figure_word(judged_figure(h))));
	set(object, "limit_bytes", number(h->limits.soft_bytes));
	set(object, "hard_bytes", number(h->limits.hard_bytes));
	set(object, "stale_s", known(dear, (uint64_t)((now - w->watch.dear_at) / MSEC_SECOND)));
}

static json_t *worker_object(const struct herd *h, const struct worker *w,
			     const struct status_facts *facts, msec_t now) {
	const struct slot *slot = &h->slots[w->slot];
	json_t *object = json_object();
	msec_t since = w->ready_at != 0 ? w->ready_at : w->launched;
	set(object, "slot", number(w->slot));
	set(object, "pid", known(w->pid > 0, (uint64_t)w->pid));
	set(object, "state", json_string(worker_state_name(w->life.state)));
	set(object, "age_s", known(since != 0, (uint64_t)((now - since) / MSEC_SECOND)));
	add_memory(object, h, w, now);
	set(object, "allocator", allocator_object(&w->allocator));
	set(object, "connections", connections_object(w));
	set(object, "strikes", number(strike_count(&w->watch.strikes, &h->config->memory.strikes)));
	set(object, "restarts", number(slot->restarts));
	set(object, "last_reason", text_or_null(slot->last_reason));
	set(object, "release", text_or_null(facts->release(facts->context, w->release)));
	set(object, "requested", json_boolean(slot->asked));
	set(object, "stopped", json_boolean(w->stopped));
	return object;
}

/* A slot where nobody is, and for how long. */
static json_t *empty_slot(const struct herd *h, unsigned i, msec_t now) {
	const struct slot *slot = &h->slots[i];
	json_t *object = json_object();
	json_t *connections = json_object();
	set(connections, "open", json_null());
	set(connections, "busy", json_null());
	static const char *const unknown[] = { "pid",       "age_s",   "rss_bytes", "pss_bytes",
					       "uss_bytes", "stale_s", "allocator", "release" };
	set(object, "slot", number(i));
	/* Without a pause to end it waits for its turn: others boot first, or one still goes. */
	set(object, "state", json_string(slot->retry_at > now ? "backoff" : "waiting"));
	for (size_t k = 0; k < ARRAY_LEN(unknown); k++)
		set(object, unknown[k], json_null());
	set(object, "figure", json_string(figure_word(judged_figure(h))));
	set(object, "limit_bytes", number(h->limits.soft_bytes));
	set(object, "hard_bytes", number(h->limits.hard_bytes));
	set(object, "connections", connections);
	set(object, "strikes", number(0));
	set(object, "restarts", number(slot->restarts));
	set(object, "last_reason", text_or_null(slot->last_reason));
	set(object, "requested", json_boolean(slot->asked));
	set(object, "stopped", json_false());
	set(object, "retry_s",
	    number(slot->retry_at > now ? (uint64_t)((slot->retry_at - now + 999) / 1000) : 0));
	return object;
}

static bool is_empty(const struct herd *h, unsigned slot) {
	for (unsigned i = 0; i < h->cells; i++) {
		if (h->workers[i].life.state != WORKER_GONE && h->workers[i].slot == slot)
			return false;
	}
	return true;
}

/* By slot; within one the resident, then who comes, then who goes. */
static json_t *workers_array(const struct herd *h, const struct status_facts *facts, msec_t now) {
	static const enum worker_role order[] = { ROLE_RESIDENT, ROLE_SUCCESSOR, ROLE_LEAVER };
	json_t *array = json_array();
	for (unsigned slot = 0; slot < HERD_SLOTS_MAX; slot++) {
		if (slot < h->n_slots && is_empty(h, slot))
			json_array_append_new(array, empty_slot(h, slot, now));
		for (size_t r = 0; r < ARRAY_LEN(order); r++) {
			for (unsigned i = 0; i < h->cells; i++) {
				const struct worker *w = &h->workers[i];
				if (w->life.state != WORKER_GONE && w->slot == slot &&
				    w->role == order[r])
					json_array_append_new(array,
							      worker_object(h, w, facts, now));
			}
		}
	}
	return array;
}

static json_t *herd_object(const struct herd *h) {
	struct herd_memory memory = herd_memory(h);
	json_t *object = json_object();
	set(object, "wanted", number(h->n_slots));
	set(object, "ready", number(herd_serving(h)));
	set(object, "rss_bytes", known(memory.rss_bytes > 0, memory.rss_bytes));
	set(object, "pss_bytes", known(memory.pss_known && memory.rss_bytes > 0, memory.pss_bytes));
	set(object, "limit_bytes", number(h->limits.total_bytes));
	set(object, "effective_bytes",
	    known(h->limits.effective_bytes > 0, h->limits.effective_bytes));
	set(object, "replacing", number(herd_in_flight(h)));
	return object;
}

static json_t *counters_object(const struct herd *h) {
	const struct herd_counters *c = &h->counters;
	const struct {
		const char *key;
		uint64_t value;
	} rows[] = {
		{ "replacements", c->replacements },
		{ "replacements_failed", c->replacements_failed },
		{ "rehearsed", c->rehearsed },
		{ "futile", c->futile },
		{ "drained_clean", c->drained_clean },
		{ "half_closed", c->half_closed },
		{ "killed", c->killed },
		{ "connections_lost", c->connections_lost },
		{ "boots", c->boots },
		{ "boots_failed", c->boots_failed },
		{ "died", c->died },
		{ "readings", c->readings },
		{ "readings_late", c->readings_late },
	};
	json_t *object = json_object();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		set(object, rows[i].key, number(rows[i].value));
	return object;
}

PRINTF(2, 3) static void add_note(json_t *notes, const char *fmt, ...) {
	char text[400];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	json_array_append_new(notes, string(text));
}

static void note_futile(json_t *notes, const struct futility *f, enum cause cause, msec_t now) {
	uint64_t suggested = futility_suggest(f);
	if (!f->futile)
		return;
	add_note(notes,
		 "memory.%s is futile: %s; seen %llu MiB, a limit that would work: %llu MiB; "
		 "next try in %lld min",
		 cause_name(cause), f->reason, (unsigned long long)(f->plateau_bytes >> 20),
		 (unsigned long long)(suggested >> 20),
		 (long long)(f->next_try_at > now ? (f->next_try_at - now) / MSEC_MINUTE : 0));
}

static bool releases_differ(const struct herd *h) {
	for (unsigned i = 0; i < h->cells; i++) {
		if (h->workers[i].life.state != WORKER_GONE && h->workers[i].release != h->release)
			return true;
	}
	return false;
}

static json_t *notes_array(const struct herd *h, const struct status_facts *facts, msec_t now) {
	json_t *notes = json_array();
	for (unsigned cause = CAUSE_SOFT; cause < ARRAY_LEN(h->futile); cause++)
		note_futile(notes, &h->futile[cause], (enum cause)cause, now);
	if (h->only_rss)
		add_note(notes, "only RSS can be read here: limits hold for RSS");
	if (h->overdue_told && h->reading != 0)
		add_note(notes, "a reading of smaps_rollup is overdue by %lld s",
			 (long long)((now - h->reading_since) / MSEC_SECOND));
	if (releases_differ(h))
		add_note(notes, "workers of different releases are running");
	if (h->config->restart.rehearse)
		add_note(notes, "restart.rehearse: memory replaces nobody, it only tells");
	if (h->limits.total_divided)
		add_note(notes, "memory.total: auto is divided with the other keepers here");
	for (size_t i = 0; facts->notes != NULL && i < facts->notes->len; i++)
		json_array_append_new(notes, string(facts->notes->items[i]));
	return notes;
}

static json_t *urls_array(const struct status_facts *facts) {
	json_t *array = json_array();
	for (size_t i = 0; i < facts->n_urls; i++)
		json_array_append_new(array, string(facts->urls[i]));
	return array;
}

json_t *status_json(const struct herd *h, const struct status_facts *facts, msec_t now) {
	json_t *object = json_object();
	if (object == NULL)
		return NULL;
	set(object, "v", number(1));
	set(object, "ok", json_true());
	set(object, "done", json_true());
	set(object, "app", string(facts->app));
	set(object, "mode", json_string(facts->mode));
	set(object, "state", json_string(state_word(h)));
	set(object, "pid", number((uint64_t)facts->pid));
	set(object, "version", json_string(facts->version));
	set(object, "uptime_s", number((uint64_t)((now - h->started) / MSEC_SECOND)));
	set(object, "rehearse", json_boolean(h->config->restart.rehearse));
	set(object, "release", text_or_null(facts->release(facts->context, h->release)));
	set(object, "listen", urls_array(facts));
	set(object, "herd", herd_object(h));
	set(object, "workers", workers_array(h, facts, now));
	set(object, "counters", counters_object(h));
	set(object, "notes", notes_array(h, facts, now));
	return object;
}

static json_t *samples_array(const struct worker *w, msec_t now) {
	json_t *array = json_array();
	for (size_t i = history_len(&w->watch.history); i-- > 0;) {
		const struct sample *s = history_nth(&w->watch.history, i);
		bool dear_known = s->dear || s->uss_bytes > 0;
		json_t *object = json_object();
		set(object, "age_ms", number((uint64_t)(now - s->at)));
		set(object, "rss_bytes", number(s->rss_bytes));
		set(object, "pss_bytes", known(dear_known, s->pss_bytes));
		set(object, "uss_bytes", known(dear_known, s->uss_bytes));
		set(object, "dear", json_boolean(s->dear));
		json_array_append_new(array, object);
	}
	return array;
}

/* Is the cause there at all? `value`: what its limit is compared with. */
static bool is_there(const struct herd *h, const struct worker *w, enum cause cause,
		     uint64_t *value) {
	*value = watch_figure(&w->watch, judged_figure(h));
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
		set(object, "cause", json_string(cause_name((enum cause)cause)));
		set(object, "fires", json_boolean(fires));
		set(object, "reason", json_string(reason));
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
	set(object, "v", number(1));
	set(object, "ok", json_true());
	set(object, "done", json_true());
	set(object, "slot", number(slot));
	set(object, "pid", known(w->pid > 0, (uint64_t)w->pid));
	set(object, "state", json_string(worker_state_name(w->life.state)));
	set(object, "figure", json_string(figure_word(judged_figure(h))));
	set(object, "limit_bytes", number(h->limits.soft_bytes));
	set(object, "hard_bytes", number(h->limits.hard_bytes));
	set(object, "total_bytes", number(h->limits.total_bytes));
	set(object, "strikes", number(strike_count(&w->watch.strikes, &h->config->memory.strikes)));
	set(object, "verdict", json_string(verdict));
	set(object, "rules", rules);
	set(object, "samples", samples_array(w, now));
	set(object, "last_reason", text_or_null(h->slots[slot].last_reason));
	return object;
}
