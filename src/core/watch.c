#include "core/watch.h"

void watch_note(struct watch *w, uint64_t rss_bytes, uint64_t swap_bytes, msec_t now) {
	w->rss_bytes = rss_bytes;
	w->swap_bytes = swap_bytes;
	w->cheap_at = now;
	if (rss_bytes > w->peak_rss_bytes)
		w->peak_rss_bytes = rss_bytes;
}

uint64_t watch_figure(const struct watch *w, enum memory_figure figure) {
	if (figure == FIGURE_RSS || w->dear_at == 0)
		return w->rss_bytes + w->swap_bytes;
	return w->memory.swap_pss_bytes +
	       (figure == FIGURE_PSS ? w->memory.pss_bytes : w->memory.uss_bytes);
}

static void judge(struct watch *w, uint64_t value, const struct watch_rules *rules) {
	w->over = value > rules->soft_bytes;
	strike_note(&w->strikes, w->over);
	if (value > rules->hard_bytes)
		w->verdict = CAUSE_HARD;
	else if (strike_met(&w->strikes, &rules->strikes))
		w->verdict = CAUSE_SOFT;
	else
		w->verdict = CAUSE_NONE;
	w->urgent = false;
	w->wants_dear = false;
}

static void push(struct watch *w, bool dear, msec_t now) {
	struct sample sample = {
		.at = now,
		.rss_bytes = w->rss_bytes,
		.pss_bytes = w->memory.pss_bytes,
		.uss_bytes = w->memory.uss_bytes,
		.dear = dear,
	};
	history_push(&w->history, &sample);
}

#define CALM_PART 100 /* of what it holds may come or go unseen by a person for ten minutes */

bool watch_is_calm(const struct watch *w) {
	uint64_t then = w->gate.last.rss + w->gate.last.swap, now = w->rss_bytes + w->swap_bytes;
	uint64_t moved = now > then ? now - then : then - now;
	/* Under copy-on-write pages become a worker's own at the same RSS. */
	return w->gate.known && !w->forked && !w->gate.shocked && moved <= then / CALM_PART;
}

static bool is_stale(const struct watch *w, msec_t now) {
	return now - w->dear_at >= (watch_is_calm(w) ? WATCH_CALM_SCHEDULE : WATCH_SLOW_SCHEDULE);
}

bool watch_cheap(struct watch *w, uint64_t rss_bytes, uint64_t swap_bytes, msec_t now,
		 const struct watch_rules *rules, bool only_rss) {
	watch_note(w, rss_bytes, swap_bytes, now);
	growth_note(&w->growth, rss_bytes + swap_bytes, now);
	push(w, false, now);
	bool stale = is_stale(w, now);
	if (only_rss || rules->figure == FIGURE_RSS) {
		judge(w, rss_bytes + swap_bytes, rules);
		w->wants_dear = stale && !only_rss;
		return true;
	}
	w->gate.slack_bytes = rules->slack_bytes;
	if (gate_open(&w->gate, rules->figure, rules->soft_bytes, rss_bytes, swap_bytes, now)) {
		w->wants_dear = w->urgent = true;
		return false;
	}
	judge(w, 0, rules); /* wherever below the limit it is */
	w->wants_dear = stale;
	return true;
}

void watch_dear(struct watch *w, const struct memory *memory, msec_t now,
		const struct watch_rules *rules) {
	const struct gate_reading reading = {
		.rss = memory->rss_bytes,
		.pss = memory->pss_bytes,
		.uss = memory->uss_bytes,
		.swap = w->swap_bytes,
		.swap_pss = memory->swap_pss_bytes,
	};
	w->memory = *memory;
	w->rss_bytes = memory->rss_bytes;
	w->dear_at = now;
	if (memory->rss_bytes > w->peak_rss_bytes)
		w->peak_rss_bytes = memory->rss_bytes;
	gate_learn(&w->gate, &reading, now);
	push(w, true, now);
	w->wants_dear = w->urgent = false;
	if (rules->figure != FIGURE_RSS)
		judge(w, watch_figure(w, rules->figure), rules);
}

msec_t watch_time_to_limit(const struct watch *w, const struct watch_rules *rules) {
	uint64_t value = watch_figure(w, rules->figure);
	if (w->dear_at != 0 && rules->figure != FIGURE_RSS && w->rss_bytes > w->memory.rss_bytes)
		value += w->rss_bytes - w->memory.rss_bytes;
	uint64_t limit = value > rules->soft_bytes ? rules->hard_bytes : rules->soft_bytes;
	return growth_time_to(&w->growth, value, limit);
}

void watch_forget_verdict(struct watch *w) {
	strike_clear(&w->strikes);
	w->verdict = CAUSE_NONE;
	w->over = false;
	w->wants_dear = true;
}

const char *figure_name(enum memory_figure figure) {
	switch (figure) {
	case FIGURE_USS: return "uss";
	case FIGURE_PSS: return "pss";
	case FIGURE_RSS: break;
	}
	return "rss";
}
