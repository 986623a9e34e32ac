/* What policy_ask() is told about the herd, and about a worker of it. See herd.h. */
#include "core/herd_parts.h"

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

bool worker_is_silent(const struct herd *h, const struct worker *w, msec_t now) {
	msec_t every = h->config->app.probe.liveness;
	return every > 0 && now - w->alive_at >= HUNG_PATIENCE + every;
}

static bool is_well(const struct herd *h, const struct worker *w, msec_t now) {
	return w->life.state == WORKER_READY && !w->stopped && !worker_is_silent(h, w, now);
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
	bool sick = me->stopped || worker_is_silent(h, me, now);
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
struct situation situation_common(const struct herd *h, msec_t now) {
	struct herd_memory memory = herd_memory(h);
	return (struct situation){
		.wanted = h->n_slots,
		.ready = count_well(h, now),
		.in_flight = herd_in_flight(h),
		.herd_booting = boots(h),
		.puma_restarts = parent_restarts(h, 0),
		.room = room_for(&h->room, h->limits.effective_bytes,
				 memory.pss_bytes + boots_to_come(h), largest_uss(h)),
		.since_last = h->last_replaced == 0 ? MSEC_NEVER : now - h->last_replaced,
	};
}

struct situation situation_of(const struct herd *h, const struct situation *common,
			      const struct worker *w, msec_t now) {
	struct situation situation = *common;
	situation.ready = ready_for(h, w, common->ready, now);
	situation.struck = strike_count(&w->watch.strikes, &h->config->memory.strikes);
	situation.age = w->ready_at == 0 ? 0 : now - w->ready_at;
	situation.force = h->slots[w->slot].forced;
	return situation;
}

struct situation herd_situation(const struct herd *h, const struct worker *w, msec_t now) {
	const struct situation common = situation_common(h, now);
	return situation_of(h, &common, w, now);
}
