/* Who is replaced, and how far it is. See herd.h for the picture, core/policy.h for the table. */
#include <stdlib.h>
#include <string.h>

#include "core/herd_parts.h"

/* A worker in state T this long is not just being looked at. */
#define STOPPED_PATIENCE (10 * MSEC_SECOND)
#define HUNG_PATIENCE    (60 * MSEC_SECOND)

/* Somebody who shall go, and why. */
struct wish {
	struct worker *worker;
	enum cause cause;
	const char *why;
	uint64_t value, limit;
	bool sick; /* it doesn't serve: memory's rules don't hold */
};

struct policy herd_policy(const struct herd *h) {
	return (struct policy){
		.min_age = h->config->restart.min_age,
		.cooldown = h->config->restart.cooldown,
		.max_surge = h->config->restart.max_surge,
		.allow_gap = h->config->restart.allow_gap,
		.strikes = h->config->memory.strikes,
	};
}

/*
 * A replacement's own boot and drain are not meant; nor is a slot in a crash loop: it comes up
 * when somebody mends it, and until then the others must not wait.
 */
static bool boots(const struct herd *h) {
	bool serves[HERD_SLOTS_MAX] = { false };
	if (h->state == HERD_STARTING)
		return true;
	for (unsigned i = 0; i < h->cells; i++) {
		const struct worker *w = &h->workers[i];
		if (w->role == ROLE_RESIDENT && worker_serves(w->life.state))
			serves[w->slot] = true;
	}
	for (unsigned i = 0; i < h->n_slots; i++) {
		const struct slot *slot = &h->slots[i];
		if (!serves[i] && slot->replacement.phase == REPLACEMENT_NONE &&
		    slot->failures < HERD_ATTEMPTS)
			return true;
	}
	return false;
}

static bool is_silent(const struct herd *h, const struct worker *w, msec_t now) {
	msec_t every = h->config->app.probe.liveness;
	return every > 0 && now - w->alive_at >= HUNG_PATIENCE + every;
}

static bool is_well(const struct herd *h, const struct worker *w, msec_t now) {
	return w->life.state == WORKER_READY && !w->stopped && !is_silent(h, w, now);
}

static unsigned count_well(const struct herd *h, msec_t now) {
	unsigned n = 0;
	for (unsigned i = 0; i < h->cells; i++)
		n += is_well(h, &h->workers[i], now);
	return n;
}

/* Who would serve if this one were stopped, and itself; a sick one serves nobody as it is. */
static unsigned ready_for(const struct herd *h, const struct worker *me, unsigned well,
			  msec_t now) {
	bool sick = me->stopped || is_silent(h, me, now);
	unsigned others = well - is_well(h, me, now);
	return sick && others == 0 ? 2 : others + 1;
}

static uint64_t largest_uss(const struct herd *h) {
	uint64_t largest = 0;
	for (unsigned i = 0; i < h->cells; i++) {
		const struct worker *w = &h->workers[i];
		uint64_t uss = w->watch.dear_at != 0 ? w->watch.memory.uss_bytes
						     : w->watch.rss_bytes;
		if (w->life.state != WORKER_GONE && uss > largest)
			largest = uss;
	}
	return largest;
}

/* What boots under way have yet to take. */
static uint64_t boots_to_come(const struct herd *h) {
	uint64_t sum = 0;
	for (unsigned i = 0; i < h->cells; i++) {
		const struct worker *w = &h->workers[i];
		if (w->life.state == WORKER_BOOTING && w->watch.rss_bytes < h->room.boot_peak_bytes)
			sum += h->room.boot_peak_bytes - w->watch.rss_bytes;
	}
	return sum;
}

/* What is the same for all of them, and takes a look at each; `ready` is for situation_of(). */
static struct situation common_situation(const struct herd *h, msec_t now) {
	struct herd_memory memory = herd_memory(h);
	return (struct situation){
		.wanted = h->n_slots,
		.ready = count_well(h, now),
		.in_flight = herd_in_flight(h),
		.herd_booting = boots(h),
		.room = room_for(&h->room, h->limits.effective_bytes,
				 memory.pss_bytes + boots_to_come(h), largest_uss(h)),
		.since_last = h->last_replaced == 0 ? MSEC_NEVER : now - h->last_replaced,
	};
}

static struct situation situation_of(const struct herd *h, const struct situation *common,
				     const struct worker *w, msec_t now) {
	struct situation situation = *common;
	situation.ready = ready_for(h, w, common->ready, now);
	situation.struck = strike_count(&w->watch.strikes, &h->config->memory.strikes);
	situation.age = w->ready_at == 0 ? 0 : now - w->ready_at;
	situation.force = h->slots[w->slot].forced;
	return situation;
}

struct situation herd_situation(const struct herd *h, const struct worker *w, msec_t now) {
	const struct situation common = common_situation(h, now);
	return situation_of(h, &common, w, now);
}

static bool is_candidate(const struct herd *h, const struct worker *w) {
	return w->role == ROLE_RESIDENT && w->life.state == WORKER_READY && w->slot < h->n_slots &&
	       h->slots[w->slot].replacement.phase == REPLACEMENT_NONE;
}

void ask_again_at(struct step *s, msec_t at) {
	if (at > s->now)
		s->h->ask_again = msec_min(s->h->ask_again, at);
}

/* What is true only after a while is asked again then. */
static bool has_lasted(struct step *s, msec_t since, msec_t patience) {
	ask_again_at(s, since + patience);
	return s->now - since >= patience;
}

static bool is_hung(struct step *s, const struct worker *w) {
	msec_t every = s->h->config->app.probe.liveness;
	if (every > 0)
		ask_again_at(s, w->alive_at + HUNG_PATIENCE + every);
	return is_silent(s->h, w, s->now);
}

static void tell_hung(struct step *s, struct worker *w) {
	if (w->hung_told)
		return;
	w->hung_told = true;
	event_text(tell_of(s, EVENT_WORKER_HUNG, w), "reason",
		   "no answer for %lld s, and neither its processor time nor its traffic moved",
		   (long long)((s->now - w->alive_at) / MSEC_SECOND));
}

/* What is wrong with this one worker; the herd's total and a person are asked elsewhere. */
static struct wish wish_of(struct step *s, struct worker *w) {
	const struct herd *h = s->h;
	struct wish wish = { .worker = w,
			     .cause = w->watch.verdict,
			     .why = cause_name(w->watch.verdict),
			     .value = watch_figure(&w->watch, watch_rules_of(h).figure),
			     .limit = worker_limit_of(h, w->watch.verdict) };
	if (w->stopped && has_lasted(s, w->stopped_at, STOPPED_PATIENCE)) {
		wish.cause = CAUSE_HARD;
		wish.why = "stopped";
		wish.sick = true;
	} else if (is_hung(s, w)) {
		tell_hung(s, w);
		wish.cause = CAUSE_HARD;
		wish.why = "hung";
		wish.sick = true;
	}
	return wish;
}

/* Sick and hard first, then the herd's total, a person, soft; among equals the largest. */
static int rank(const struct wish *w) {
	switch (w->cause) {
	case CAUSE_HARD: return w->sick ? 5 : 4;
	case CAUSE_TOTAL: return 3;
	case CAUSE_PERSON: return 2;
	case CAUSE_SOFT: return 1;
	case CAUSE_NONE: break;
	}
	return 0;
}

static int by_rank(const void *a, const void *b) {
	const struct wish *x = a, *y = b;
	int rx = rank(x), ry = rank(y);
	if (rx != ry)
		return ry - rx;
	/* A person's come in the order of their slots. */
	if (x->cause == CAUSE_PERSON)
		return (int)x->worker->slot - (int)y->worker->slot;
	return x->value < y->value ? 1 : x->value > y->value ? -1 : 0;
}

static struct worker *largest(struct herd *h) {
	struct worker *found = NULL;
	FOR_EACH_WORKER(h, w) {
		if (!is_candidate(h, w) ||
		    (h->only_rss ? w->watch.cheap_at : w->watch.dear_at) == 0)
			continue;
		if (found == NULL ||
		    watch_figure(&w->watch, FIGURE_USS) > watch_figure(&found->watch, FIGURE_USS))
			found = w;
	}
	return found;
}

/* Each cause has a wish of its own: one that is held back must not hold back the others. */
static size_t collect(struct step *s, struct wish *wishes) {
	struct herd *h = s->h;
	size_t n = 0;
	uint64_t total;
	/* Every surge is over the total, by design: the sum speaks between replacements only. */
	bool over = herd_total_over(h, &total) && herd_in_flight(h) == 0;
	struct worker *fattest = over ? largest(h) : NULL;
	FOR_EACH_WORKER(h, w) {
		if (!is_candidate(h, w))
			continue;
		wishes[n] = wish_of(s, w);
		n += wishes[n].cause != CAUSE_NONE;
		if (h->slots[w->slot].asked)
			wishes[n++] = (struct wish){ .worker = w,
						     .cause = CAUSE_PERSON,
						     .why = cause_name(CAUSE_PERSON) };
	}
	if (fattest != NULL)
		wishes[n++] = (struct wish){ .worker = fattest,
					     .cause = CAUSE_TOTAL,
					     .why = cause_name(CAUSE_TOTAL),
					     .value = total,
					     .limit = h->limits.total_bytes };
	qsort(wishes, n, sizeof wishes[0], by_rank);
	return n;
}

static void describe(struct step *s, struct event *e, const struct wish *wish) {
	static const char *const figures[] = { "uss", "pss", "rss" };
	const struct herd *h = s->h;
	event_text(e, "cause", "%s", wish->why);
	if (wish->sick || wish->cause == CAUSE_PERSON)
		return;
	enum memory_figure sum = h->only_rss ? FIGURE_RSS : FIGURE_PSS;
	event_text(e, "figure", "%s",
		   figures[wish->cause == CAUSE_TOTAL ? sum : watch_rules_of(h).figure]);
	event_bytes(e, "value", wish->value);
	event_bytes(e, "limit", wish->limit);
	if (wish->cause == CAUSE_SOFT)
		event_text(e, "strikes", "%u of %u",
			   strike_count(&wish->worker->watch.strikes, &h->config->memory.strikes),
			   h->config->memory.strikes.window);
}

static void remember_reason(struct slot *slot, const struct wish *wish) {
	bool by_memory = !wish->sick && wish->cause != CAUSE_PERSON;
	if (by_memory)
		snprintf(slot->last_reason, sizeof slot->last_reason, "%s: %llu MiB over %llu MiB",
			 wish->why, (unsigned long long)(wish->value >> 20),
			 (unsigned long long)(wish->limit >> 20));
	else
		snprintf(slot->last_reason, sizeof slot->last_reason, "%s", wish->why);
}

static void let_go(struct step *s, struct worker *old, bool quietly) {
	old->role = ROLE_LEAVER;
	drive(s, old, quietly ? WORKER_RETIRE : WORKER_TERMINATE);
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
		.cause = wish->sick ? CAUSE_NONE : wish->cause,
		.why = wish->why,
		.old_id = old->id,
		.old_pid = old->pid,
		.new_id = fresh != NULL ? fresh->id : 0,
		.since = s->now,
		.before_bytes = watch_figure(&old->watch, FIGURE_USS),
	};
	if (!wish->sick && wish->cause != CAUSE_PERSON)
		futility_note_try(h, wish, s->now);
	remember_reason(slot, wish);
	struct event *e = tell_of(s, EVENT_REPLACEMENT_STARTED, old);
	describe(s, e, wish);
	event_text(e, "order", "%s", stop_first ? "stop first" : "start first");
	if (stop_first)
		let_go(s, old, false);
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
	if (wish->sick || wish->cause == CAUSE_PERSON)
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
	bool may = answer.permission == MAY_GO || answer.permission == MAY_STOP_FIRST;
	if (may && h->config->restart.rehearse && !wish->sick && wish->cause != CAUSE_PERSON) {
		rehearse(s, wish);
		return false;
	}
	if (may && answer.permission == MAY_GO && !slot_may_boot(h))
		return false; /* a boot that ends is an event, and then it is asked again */
	if (may)
		return begin(s, wish, answer.permission == MAY_STOP_FIRST);
	if (answer.permission == IS_REFUSED) {
		refuse(s, wish, answer.reason);
		return true;
	}
	wait(s, wish, &answer);
	return false;
}

void replace_settle(struct step *s) {
	static _Thread_local struct wish wishes[2 * HERD_SLOTS_MAX + 2]; /* of residents */
	if (s->h->state == HERD_WAITING_TO_STOP)
		return; /* who is brought up now is in for nothing */
	for (bool began = true; began;) {
		began = false;
		size_t n = collect(s, wishes);
		if (n == 0)
			break; /* almost always */
		const struct situation common = common_situation(s->h, s->now);
		for (size_t i = 0; i < n && !began; i++)
			began = consider(s, &wishes[i], &common);
	}
}

/* The new one serves: the old one may go. */
void replacement_proved(struct step *s, struct worker *successor) {
	struct herd *h = s->h;
	struct slot *slot = &h->slots[successor->slot];
	struct replacement *r = &slot->replacement;
	struct worker *old = herd_worker(h, r->old_id);
	successor->role = ROLE_RESIDENT;
	r->phase = REPLACEMENT_LETTING_GO;
	slot->surge_failures = 0;
	slot->failures = 0;
	if (r->cause != CAUSE_NONE && r->cause != CAUSE_PERSON)
		futility_replaced(&h->futile[r->cause], successor->id, s->now);
	if (old != NULL) /* the sick have no cause of memory's, and no quiet moment either */
		let_go(s, old, r->cause != CAUSE_NONE && cause_waits_for_quiet(r->cause));
}

static void end(struct step *s, unsigned slot_index) {
	struct slot *slot = &s->h->slots[slot_index];
	if (slot->replacement.cause == CAUSE_PERSON)
		restart_slot_over(s, slot_index, true);
	if (slot->replacement.cause == CAUSE_TOTAL)
		memory_total_replaced(s);
	slot->replacement = (struct replacement){ 0 };
	s->h->last_replaced = s->now;
}

static void done(struct step *s, unsigned slot_index) {
	struct herd *h = s->h;
	struct slot *slot = &h->slots[slot_index];
	const struct replacement *r = &slot->replacement;
	const struct worker *fresh = herd_worker(h, r->new_id);
	uint64_t after = fresh != NULL ? watch_figure(&fresh->watch, FIGURE_USS) : 0;
	h->counters.replacements++;
	slot->restarts++;
	struct event *e = tell(s, EVENT_REPLACEMENT_DONE);
	event_number(e, "slot", slot_index);
	event_number(e, "pid", r->old_pid);
	if (fresh != NULL)
		event_number(e, "new_pid", fresh->pid);
	event_text(e, "cause", "%s", r->why);
	event_time(e, "took", s->now - r->since);
	if (after > 0) {
		event_bytes(e, "gave_back", r->before_bytes > after ? r->before_bytes - after : 0);
		event_bytes(e, "before", r->before_bytes);
		event_bytes(e, "after", after);
	}
	end(s, slot_index);
}

/* The old one stays, whatever asked for it to go. */
void replacement_failed(struct step *s, struct worker *successor, const char *reason) {
	struct herd *h = s->h;
	struct slot *slot = &h->slots[successor->slot];
	struct replacement r = slot->replacement;
	msec_t wait_for = backoff_delay(++slot->surge_failures, successor->slot);
	h->counters.replacements_failed++;
	struct event *e = tell_of(s, EVENT_REPLACEMENT_FAILED, successor);
	event_text(e, "cause", "%s", r.why);
	event_text(e, "reason", "%s", reason);
	slot->replacement = (struct replacement){ 0 };
	h->last_replaced = s->now;
	restart_boot_failed(s, successor); /* also if another cause was faster */
	if (r.cause == CAUSE_PERSON)
		return;
	slot->surge_retry_at = s->now + wait_for;
	event_time(e, "retry", wait_for);
}

/* `old` is a copy: its cell is free already. */
void replacement_old_gone(struct step *s, struct worker *old) {
	struct slot *slot = &s->h->slots[old->slot];
	struct replacement *r = &slot->replacement;
	if (r->old_id != old->id)
		return;
	struct worker *successor = herd_worker(s->h, r->new_id);
	switch (r->phase) {
	case REPLACEMENT_LETTING_GO: done(s, old->slot); break;
	case REPLACEMENT_STOPPING_FIRST: r->phase = REPLACEMENT_REFILLING; break;
	case REPLACEMENT_BRINGING_UP:
		/* It died before it was let go: its successor is now simply the one that boots. */
		if (successor != NULL)
			successor->role = ROLE_RESIDENT;
		*r = (struct replacement){ 0 }; /* if a person asked: not done before it serves */
		s->h->last_replaced = s->now;
		break;
	case REPLACEMENT_REFILLING:
	case REPLACEMENT_NONE: break;
	}
}

void replacement_refilled(struct step *s, struct worker *resident) {
	struct replacement *r = &s->h->slots[resident->slot].replacement;
	if (r->phase != REPLACEMENT_REFILLING)
		return;
	r->new_id = resident->id;
	if (r->cause != CAUSE_NONE && r->cause != CAUSE_PERSON)
		futility_replaced(&s->h->futile[r->cause], resident->id, s->now);
	done(s, resident->slot);
}

/* The old one is gone already: from now on it is a slot that doesn't come up, as any other. */
void replacement_unfilled(struct step *s, unsigned slot_index) {
	struct replacement *r = &s->h->slots[slot_index].replacement;
	if (r->phase != REPLACEMENT_REFILLING)
		return;
	s->h->counters.replacements_failed++;
	s->h->last_replaced = s->now;
	*r = (struct replacement){ 0 };
}
