/* Molds as the herd knows them: what there is to tell, and their memory. See herd.h. */
#include <stdio.h>
#include <string.h>

#include "core/herd_parts.h"

/* It serves nobody, so its memory moves when it forks and when workers go: seldom. */
#define READ_EVERY MSEC_MINUTE

/* How long an asked for reading may be out before another one is asked for. */
#define READING_LOST (10 * MSEC_MINUTE)

static struct parent *of_generation(struct herd *h, unsigned generation) {
	for (size_t i = 0; i < HERD_PARENTS_MAX; i++) {
		if (h->parents[i].generation == generation)
			return &h->parents[i];
	}
	return NULL;
}

const struct parent *parent_of(const struct herd *h, unsigned generation) {
	return generation != 0 ? of_generation((struct herd *)h, generation) : NULL;
}

/*
 * A mold that is made in the place of one that has ended takes its cell. One that still lives (a
 * former daemon's, while a deploy goes back to its release) keeps its own.
 */
static struct parent *cell_of(struct herd *h, unsigned generation, unsigned release) {
	struct parent *own = of_generation(h, generation), *free = NULL;
	if (own != NULL)
		return own;
	for (size_t i = 0; i < HERD_PARENTS_MAX; i++) {
		struct parent *p = &h->parents[i];
		if (p->generation != 0 && p->release == release && p->pid == 0)
			return p;
		if (p->generation == 0 && free == NULL)
			free = p;
	}
	return free;
}

const struct parent *herd_parent(const struct herd *h) {
	const struct parent *newest = NULL;
	for (size_t i = 0; i < HERD_PARENTS_MAX; i++) {
		const struct parent *p = &h->parents[i];
		if (p->generation != 0 && (newest == NULL || p->generation > newest->generation))
			newest = p;
	}
	return newest;
}

static const enum event_id mold_events[MOLD_STATES] = {
	[MOLD_GONE] = EVENT_MOLD_GONE,     [MOLD_LOADING] = EVENT_MOLD_LOADING,
	[MOLD_READY] = EVENT_MOLD_READY,   [MOLD_ENDING] = EVENT_MOLD_ENDING,
	[MOLD_BROKEN] = EVENT_MOLD_BROKEN, [MOLD_ADOPTED] = EVENT_MOLD_ADOPTED,
};

/* A cluster's: one that is adopted goes on as it was. */
static const enum event_id master_events[MOLD_STATES] = {
	[MOLD_GONE] = EVENT_MASTER_GONE,     [MOLD_LOADING] = EVENT_MASTER_STARTED,
	[MOLD_READY] = EVENT_MASTER_READY,   [MOLD_ENDING] = EVENT_MASTER_ENDING,
	[MOLD_BROKEN] = EVENT_MASTER_BROKEN, [MOLD_ADOPTED] = EVENT_MASTER_ADOPTED,
};

static void tell_changed(struct step *s, const struct herd_event *event, int pid) {
	bool cluster = s->h->config->app.mode == MODE_CLUSTER;
	enum mold_state told = event->parent.adopted ? MOLD_ADOPTED : event->parent.state;
	struct event *e = tell(s, (cluster ? master_events : mold_events)[told]);
	event_number(e, "generation", event->generation);
	if (pid > 0) /* one that has ended already, and is of no use any more, has none */
		event_number(e, "pid", pid);
	if (told == MOLD_LOADING || told == MOLD_ADOPTED)
		event_number(e, "release", event->parent.release);
	if (told == MOLD_READY)
		event_time(e, "took", event->parent.took);
	if (event->parent.state == MOLD_BROKEN) {
		event_text(e, "reason", "%s", event->text != NULL ? event->text : "");
		event_time(e, "retry", event->parent.retry);
	}
}

static void ask_reading(struct step *s, struct parent *p) {
	p->asked_at = s->now;
	p->moved = false;
	give_order(s, ORDER_READ_PARENT, 0, (int)p->generation);
}

/* What is in it stays, and is to be counted. */
static bool has_loaded(const struct parent *p) {
	return p->state == MOLD_READY || p->state == MOLD_ADOPTED;
}

void parent_changed(struct step *s, const struct herd_event *event) {
	struct parent *p = cell_of(s->h, event->generation, event->parent.release);
	if (p == NULL)
		return; /* one leaver too many: told of by its successor */
	int pid = event->parent.pid != 0 ? event->parent.pid : p->pid;
	tell_changed(s, event, pid);
	if (event->parent.state == MOLD_GONE) {
		*p = (struct parent){ 0 };
		return;
	}
	if (p->generation != event->generation || event->parent.pid == 0)
		*p = (struct parent){ 0 };
	p->generation = event->generation;
	p->release = event->parent.release;
	p->pid = event->parent.pid;
	p->start_ticks = event->start_ticks;
	p->state = event->parent.state;
	p->since = s->now;
	p->asked_at = 0;
	p->reason[0] = '\0';
	p->retry_at = p->state == MOLD_BROKEN ? s->now + event->parent.retry : 0;
	if (p->state == MOLD_BROKEN && event->text != NULL) {
		struct text out = TEXT_IN(p->reason); /* cut, if need be */
		text_puts(&out, event->text);
	}
	if (has_loaded(p))
		ask_reading(s, p); /* a new one, before workers share it: what is there once */
}

void parent_read(struct step *s, const struct herd_event *event) {
	struct parent *p = of_generation(s->h, event->generation);
	if (p == NULL || p->pid == 0)
		return; /* it has ended meanwhile */
	p->asked_at = 0;
	p->read_at = s->now;
	if (event->error != 0)
		return;
	budget_spent(&s->h->budget, event->read.took_usec, s->now);
	p->rss_bytes = event->read.memory.rss_bytes;
	p->pss_bytes = event->read.memory.pss_bytes;
	p->uss_bytes = event->read.memory.uss_bytes;
}

void parent_heard(struct step *s, const struct herd_event *event) {
	struct parent *p = of_generation(s->h, event->generation);
	bool restarts = event->number != 0;
	if (p == NULL)
		return;
	struct text says = TEXT_IN(p->says);
	text_puts(&says, event->text);
	if (restarts == (p->restarts_since != 0))
		return;
	struct event *e = tell(s, restarts ? EVENT_MASTER_RESTARTS : EVENT_MASTER_RESTARTED);
	event_number(e, "generation", p->generation);
	event_number(e, "pid", p->pid);
	if (!restarts)
		event_time(e, "took", s->now - p->restarts_since);
	p->restarts_since = restarts ? s->now : 0;
}

bool parent_restarts(const struct herd *h, unsigned generation) {
	for (size_t i = 0; i < HERD_PARENTS_MAX; i++) {
		const struct parent *p = &h->parents[i];
		if (p->restarts_since != 0 && (generation == 0 || p->generation == generation))
			return true;
	}
	return false;
}

/* What it shares with workers is divided anew. */
void parents_moved(struct step *s) {
	for (size_t i = 0; i < HERD_PARENTS_MAX; i++)
		s->h->parents[i].moved = true;
}

void parents_settle(struct step *s, bool total_open) {
	for (size_t i = 0; i < HERD_PARENTS_MAX; i++) {
		struct parent *p = &s->h->parents[i];
		bool grows = p->state == MOLD_LOADING;
		bool due = p->read_at == 0 || p->moved || total_open || grows ||
			   s->now - p->read_at >= READ_EVERY;
		bool out = p->asked_at != 0 && s->now - p->asked_at < READING_LOST;
		if (p->generation != 0 && (grows || has_loaded(p)) && due && !out)
			ask_reading(s, p);
	}
}

bool herd_has_parents(const struct herd *h) {
	for (size_t i = 0; i < HERD_PARENTS_MAX; i++) {
		if (h->parents[i].generation != 0 && h->parents[i].pid != 0)
			return true;
	}
	return false;
}

/* It becomes a mold, and is measured as the worker that it is until then. */
static bool is_worker_yet(const struct herd *h, int pid) {
	for (unsigned i = 0; i < h->cells; i++) {
		if (h->workers[i].life.state != WORKER_GONE && h->workers[i].pid == pid)
			return true;
	}
	return false;
}

void parents_sum(const struct herd *h, struct herd_memory *sum) {
	for (size_t i = 0; i < HERD_PARENTS_MAX; i++) {
		const struct parent *p = &h->parents[i];
		if (p->generation == 0 || p->pid == 0 || p->read_at == 0 ||
		    is_worker_yet(h, p->pid))
			continue;
		sum->rss_bytes += p->rss_bytes;
		sum->pss_bytes += p->pss_bytes;
		sum->uss_bytes += p->uss_bytes;
		sum->pss_known = sum->pss_known && p->rss_bytes > 0;
	}
}

/*
 * A figure from when a worker had fewer siblings is too high: half of what it shares with its mold
 * alone, a third with one more. What is shared by all of them is there once, and in the mold's RSS.
 */
static uint64_t counted_twice(const struct herd *h, const struct parent *p) {
	uint64_t pss = p->pss_bytes, once = p->rss_bytes;
	for (unsigned i = 0; i < h->cells; i++) {
		const struct worker *w = &h->workers[i];
		if (w->generation != p->generation || !counts_for_total(h, w))
			continue;
		pss += watch_figure(&w->watch, FIGURE_PSS);
		once += watch_figure(&w->watch, FIGURE_USS);
	}
	return pss > once ? pss - once : 0;
}

void parents_total(const struct herd *h, uint64_t *sum) {
	for (size_t i = 0; i < HERD_PARENTS_MAX; i++) {
		const struct parent *p = &h->parents[i];
		if (p->generation == 0 || !has_loaded(p) || p->rss_bytes == 0)
			continue;
		*sum += h->only_rss ? p->uss_bytes : p->pss_bytes;
		*sum -= h->only_rss ? 0 : counted_twice(h, p);
	}
}

bool parents_change(const struct herd *h) {
	unsigned living = 0;
	for (size_t i = 0; i < HERD_PARENTS_MAX; i++)
		living += h->parents[i].pid != 0;
	return living > 1;
}

static bool is_booting_from(const struct herd *h, unsigned release) {
	for (unsigned i = 0; i < h->cells; i++) {
		if (h->workers[i].life.state == WORKER_BOOTING && h->workers[i].release == release)
			return true;
	}
	return false;
}

static bool has_ready_mold(const struct herd *h, unsigned release) {
	for (size_t i = 0; i < HERD_PARENTS_MAX; i++) {
		const struct parent *p = &h->parents[i];
		if (p->generation != 0 && p->release == release && p->state == MOLD_READY)
			return true;
	}
	return false;
}

/* While a deploy may fail, what it goes back to is kept. */
bool herd_wants_release(const struct herd *h, unsigned release) {
	if (herd_leaves(h))
		return false;
	return release == h->release ||
	       (h->restart.active && release == h->restart.release_before) ||
	       (h->restart.active && h->restart.again && release == h->restart.again_release) ||
	       is_booting_from(h, release);
}

bool herd_wants_adopted_molds(const struct herd *h) {
	return !herd_leaves(h) && h->config->app.preload && !has_ready_mold(h, h->release);
}
