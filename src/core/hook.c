#include "core/hook.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

const char *hook_name(bool of_worker) {
	return of_worker ? "before_restart" : "after_sample";
}

static int set(struct strings *envp, const char *key, const char *value) {
	char name[40];
	snprintf(name, sizeof name, "PUMAKEEPER_%s", key);
	return strings_set(envp, name, value);
}

struct number {
	const char *key;
	bool known;
	uint64_t value;
};

static int set_numbers(struct strings *envp, const struct number *list, size_t n) {
	char digits[24];
	int error = 0;
	for (size_t i = 0; error == 0 && i < n; i++) {
		snprintf(digits, sizeof digits, "%" PRIu64, list[i].value);
		error = list[i].known ? set(envp, list[i].key, digits) : 0;
	}
	return error;
}

/* Of a worker that was forked; of a herd the newest. NULL: there is none. */
static const struct parent *parent_of(const struct herd *h, const struct worker *w) {
	for (size_t i = 0; w != NULL && i < HERD_PARENTS_MAX; i++) {
		if (w->generation != 0 && h->parents[i].generation == w->generation)
			return &h->parents[i];
	}
	return herd_parent(h);
}

/* The limit it is over; for any other reason there is none. */
static uint64_t limit_of(const struct herd *h, enum cause cause) {
	switch (cause) {
	case CAUSE_SOFT: return h->limits.soft_bytes;
	case CAUSE_HARD: return h->limits.hard_bytes;
	case CAUSE_TOTAL: return h->limits.total_bytes;
	case CAUSE_NONE:
	case CAUSE_PERSON: break;
	}
	return 0;
}

static int tell_of_worker(const struct herd *h, unsigned slot, const struct worker *w,
			  struct strings *envp) {
	const struct replacement *r = &h->slots[slot].replacement;
	const struct memory *m = &w->watch.memory;
	const struct parent *parent = parent_of(h, w);
	bool dear = w->watch.dear_at != 0;
	uint64_t limit = limit_of(h, r->cause);
	const struct number numbers[] = {
		{ "SLOT", true, slot },
		{ "PID", true, (uint64_t)w->pid },
		{ "RSS_BYTES", dear || w->watch.cheap_at != 0, w->watch.rss_bytes },
		{ "PSS_BYTES", dear, m->pss_bytes + m->swap_pss_bytes },
		{ "USS_BYTES", dear, m->uss_bytes + m->swap_pss_bytes },
		{ "LIMIT_BYTES", limit != 0, limit },
		{ "PARENT_PID", parent != NULL && parent->pid != 0,
		  parent != NULL ? (uint64_t)parent->pid : 0 },
	};
	int error = set(envp, "CAUSE", r->why);
	return error != 0 ? error : set_numbers(envp, numbers, ARRAY_LEN(numbers));
}

static int tell_of_herd(const struct herd *h, struct strings *envp) {
	struct herd_memory sum = herd_memory(h);
	const struct parent *parent = parent_of(h, NULL);
	uint64_t swap = 0;
	for (unsigned i = 0; i < h->cells; i++) {
		if (h->workers[i].life.state != WORKER_GONE)
			swap += h->workers[i].watch.swap_bytes;
	}
	const struct number numbers[] = {
		{ "WORKERS", true, h->n_slots },
		{ "READY", true, herd_serving(h) },
		{ "RSS_BYTES", sum.rss_bytes > 0, sum.rss_bytes },
		{ "PSS_BYTES", sum.rss_bytes > 0 && sum.pss_known, sum.pss_bytes },
		{ "USS_BYTES", sum.rss_bytes > 0 && sum.pss_known, sum.uss_bytes },
		{ "SWAP_BYTES", sum.rss_bytes > 0, swap },
		{ "LIMIT_BYTES", true, h->limits.total_bytes },
		{ "PARENT_PID", parent != NULL && parent->pid != 0,
		  parent != NULL ? (uint64_t)parent->pid : 0 },
	};
	return set_numbers(envp, numbers, ARRAY_LEN(numbers));
}

static const struct worker *worker_of(const struct herd *h, unsigned slot) {
	for (unsigned i = 0; i < h->cells; i++) {
		const struct worker *w = &h->workers[i];
		if (w->life.state != WORKER_GONE && w->id == h->slots[slot].replacement.old_id)
			return w;
	}
	return NULL;
}

int hook_environment(const struct herd *h, unsigned id, struct strings *envp) {
	unsigned slot = 0;
	bool of_worker = h->sample_hook.id != id;
	while (of_worker && slot < HERD_SLOTS_MAX && h->slots[slot].hook.id != id)
		slot++;
	const struct worker *w = of_worker && slot < HERD_SLOTS_MAX ? worker_of(h, slot) : NULL;
	if (id == 0 || (of_worker && w == NULL))
		return -ESRCH;
	int error = set(envp, "EVENT", hook_name(of_worker));
	if (error == 0)
		error = of_worker ? tell_of_worker(h, slot, w, envp) : tell_of_herd(h, envp);
	return error;
}
