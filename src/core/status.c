#include "core/status.h"

#include <stdio.h>

#include "core/json_write.h"

/* Who goes now comes back when there is a mold again, and not before. */
static bool lacks_mold(const struct herd *h) {
	const struct parent *p = herd_parent(h);
	return p != NULL && p->release == h->release && p->state == MOLD_BROKEN;
}

const char *status_word(const struct herd *h) {
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
	return futile || lacks_mold(h) || herd_serving(h) < h->n_slots ? "degraded" : "ok";
}

static json_t *allocator_object(const struct allocator *a) {
	if (a->proof == PROOF_UNKNOWN)
		return json_null();
	json_t *object = json_object();
	json_put(object, "name", json_text_or_null(a->name));
	json_put(object, "version", json_text_or_null(a->version));
	json_put(object, "proof", json_string(allocator_proof_name(a->proof)));
	return object;
}

static json_t *connections_object(const struct worker *w) {
	json_t *object = json_object();
	json_put(object, "open", json_known(w->open >= 0, (uint64_t)w->open));
	json_put(object, "busy", json_known(w->busy >= 0, (uint64_t)w->busy));
	return object;
}

static void add_memory(json_t *object, const struct herd *h, const struct worker *w, msec_t now) {
	bool cheap = w->watch.cheap_at != 0, dear = w->watch.dear_at != 0;
	const struct memory *m = &w->watch.memory;
	json_put(object, "rss_bytes", json_known(cheap || dear, w->watch.rss_bytes));
	json_put(object, "pss_bytes", json_known(dear, m->pss_bytes + m->swap_pss_bytes));
	json_put(object, "uss_bytes", json_known(dear, m->uss_bytes + m->swap_pss_bytes));
	json_put(object, "figure", json_string(figure_name(herd_figure(h))));
	json_put(object, "limit_bytes", json_count(h->limits.soft_bytes));
	json_put(object, "hard_bytes", json_count(h->limits.hard_bytes));
	json_put(object, "stale_s",
		 json_known(dear, (uint64_t)((now - w->watch.dear_at) / MSEC_SECOND)));
	json_put(object, "calm", json_boolean(watch_is_calm(&w->watch)));
}

static json_t *worker_object(const struct herd *h, const struct worker *w,
			     const struct status_facts *facts, msec_t now) {
	const struct slot *slot = &h->slots[w->slot];
	json_t *object = json_object();
	msec_t since = w->ready_at != 0 ? w->ready_at : w->launched;
	json_put(object, "slot", json_count(w->slot));
	json_put(object, "pid", json_known(w->pid > 0, (uint64_t)w->pid));
	json_put(object, "state", json_string(worker_state_name(w->life.state)));
	json_put(object, "age_s", json_known(since != 0, (uint64_t)((now - since) / MSEC_SECOND)));
	add_memory(object, h, w, now);
	json_put(object, "allocator", allocator_object(&w->allocator));
	json_put(object, "connections", connections_object(w));
	json_put(object, "strikes",
		 json_count(strike_count(&w->watch.strikes, &h->config->memory.strikes)));
	json_put(object, "restarts", json_count(slot->restarts));
	json_put(object, "last_reason", json_text_or_null(slot->last_reason));
	json_put(object, "release", json_text_or_null(facts->release(facts->context, w->release)));
	json_put(object, "generation", json_known(w->generation != 0, w->generation));
	json_put(object, "requested", json_boolean(slot->asked));
	json_put(object, "stopped", json_boolean(w->stopped));
	return object;
}

/* A slot where nobody is, and for how long. */
static json_t *empty_slot(const struct herd *h, unsigned i, msec_t now) {
	const struct slot *slot = &h->slots[i];
	json_t *object = json_object();
	json_t *connections = json_object();
	json_put(connections, "open", json_null());
	json_put(connections, "busy", json_null());
	static const char *const unknown[] = { "pid",       "age_s",     "rss_bytes",
					       "pss_bytes", "uss_bytes", "stale_s",
					       "allocator", "release",   "generation" };
	json_put(object, "slot", json_count(i));
	/* Without a pause to end it waits for its turn: others boot first, or one still goes. */
	json_put(object, "state", json_string(slot->retry_at > now ? "backoff" : "waiting"));
	for (size_t k = 0; k < ARRAY_LEN(unknown); k++)
		json_put(object, unknown[k], json_null());
	json_put(object, "figure", json_string(figure_name(herd_figure(h))));
	json_put(object, "limit_bytes", json_count(h->limits.soft_bytes));
	json_put(object, "hard_bytes", json_count(h->limits.hard_bytes));
	json_put(object, "connections", connections);
	json_put(object, "strikes", json_count(0));
	json_put(object, "restarts", json_count(slot->restarts));
	json_put(object, "last_reason", json_text_or_null(slot->last_reason));
	json_put(object, "requested", json_boolean(slot->asked));
	json_put(object, "stopped", json_false());
	json_put(object, "calm", json_false());
	json_put(object, "retry_s",
		 json_count(slot->retry_at > now ? (uint64_t)((slot->retry_at - now + 999) / 1000)
						 : 0));
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

static json_t *herd_object(const struct herd *h, msec_t now) {
	struct herd_memory memory = herd_memory(h);
	json_t *object = json_object();
	json_put(object, "wanted", json_count(h->n_slots));
	json_put(object, "ready", json_count(herd_serving(h)));
	json_put(object, "rss_bytes", json_known(memory.rss_bytes > 0, memory.rss_bytes));
	json_put(object, "pss_bytes",
		 json_known(memory.pss_known && memory.rss_bytes > 0, memory.pss_bytes));
	json_put(object, "limit_bytes", json_count(h->limits.total_bytes));
	json_put(object, "effective_bytes",
		 json_known(h->limits.effective_bytes > 0, h->limits.effective_bytes));
	json_put(object, "replacing", json_count(herd_in_flight(h)));
	json_put(object, "restart_due_s",
		 json_known(h->every.due != 0,
			    (uint64_t)(msec_max(h->every.due - now, 0) + 999) / 1000));
	return object;
}

static json_t *parent_object(const struct herd *h, const struct parent *p,
			     const struct status_facts *facts, msec_t now) {
	bool cluster = h->config->app.mode == MODE_CLUSTER;
	bool read = p->rss_bytes > 0;
	json_t *object = json_object();
	json_put(object, "kind", json_string(cluster ? "cluster" : "mold"));
	json_put(object, "generation", json_count(p->generation));
	json_put(object, "pid", json_known(p->pid != 0, (uint64_t)p->pid));
	json_put(object, "state", json_string(mold_state_name(p->state)));
	json_put(object, "age_s", json_count((uint64_t)((now - p->since) / MSEC_SECOND)));
	json_put(object, "rss_bytes", json_known(read, p->rss_bytes));
	json_put(object, "pss_bytes", json_known(read, p->pss_bytes));
	json_put(object, "uss_bytes", json_known(read, p->uss_bytes));
	json_put(object, "release", json_text_or_null(facts->release(facts->context, p->release)));
	json_put(object, "last_reason", json_text_or_null(p->reason));
	json_put(object, "restarts", json_boolean(p->restarts_since != 0));
	json_put(object, "says", json_text_or_null(p->says[0] != '\0' ? p->says : NULL));
	json_put(object, "retry_s",
		 json_known(p->retry_at != 0,
			    (uint64_t)(msec_max(p->retry_at - now, 0) + 999) / 1000));
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
		{ "hooks_failed", c->hooks_failed },
		{ "adoptions", c->adoptions },
	};
	json_t *object = json_object();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		json_put(object, rows[i].key, json_count(rows[i].value));
	return object;
}

PRINTF(2, 3) static void add_note(json_t *notes, const char *fmt, ...) {
	char text[400];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	json_array_append_new(notes, json_text(text));
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
		json_array_append_new(notes, json_text(facts->notes->items[i]));
	return notes;
}

static json_t *urls_array(const struct status_facts *facts) {
	json_t *array = json_array();
	for (size_t i = 0; i < facts->n_urls; i++)
		json_array_append_new(array, json_text(facts->urls[i]));
	return array;
}

json_t *status_json(const struct herd *h, const struct status_facts *facts, msec_t now) {
	json_t *object = json_object();
	if (object == NULL)
		return NULL;
	json_put(object, "v", json_count(1));
	json_put(object, "ok", json_true());
	json_put(object, "done", json_true());
	json_put(object, "app", json_text(facts->app));
	json_put(object, "mode", json_string(facts->mode));
	json_put(object, "state", json_string(status_word(h)));
	json_put(object, "pid", json_count((uint64_t)facts->pid));
	json_put(object, "version", json_string(facts->version));
	json_put(object, "uptime_s", json_count((uint64_t)((now - h->started) / MSEC_SECOND)));
	json_put(object, "rehearse", json_boolean(h->config->restart.rehearse));
	json_put(object, "release", json_text_or_null(facts->release(facts->context, h->release)));
	json_put(object, "listen", urls_array(facts));
	json_put(object, "herd", herd_object(h, now));
	const struct parent *parent = herd_parent(h);
	json_put(object, "parent",
		 parent != NULL ? parent_object(h, parent, facts, now) : json_null());
	json_put(object, "workers", workers_array(h, facts, now));
	json_put(object, "counters", counters_object(h));
	json_put(object, "notes", notes_array(h, facts, now));
	return object;
}
