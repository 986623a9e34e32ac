#include "core/gate.h"

#define SAFETY         4
#define BELIEVED_FOR   (10 * MSEC_MINUTE)
#define RATE_FORGETS   8
#define RATE_SATURATES (UINT64_MAX / SAFETY)

static uint64_t beyond(uint64_t a, uint64_t b) {
	return a > b ? a - b : 0;
}

static uint64_t min_bytes(uint64_t a, uint64_t b) {
	return a < b ? a : b;
}

static uint64_t all_of(const struct gate_reading *r) {
	return r->rss + r->swap;
}

/* A faster pace counts at once, a slower one little by little: unsharing comes in bursts. */
static void learn_rate(uint64_t *rate, uint64_t unexplained, msec_t elapsed) {
	double per_second = (double)unexplained * (double)MSEC_SECOND / (double)elapsed;
	uint64_t seen = per_second < (double)RATE_SATURATES ? (uint64_t)per_second + 1
							    : RATE_SATURATES;
	if (seen >= *rate)
		*rate = seen;
	else
		*rate -= (*rate - seen) / RATE_FORGETS;
}

void gate_learn(struct gate *gate, const struct gate_reading *reading, msec_t now) {
	const struct gate_reading *last = &gate->last;
	/* A jump at a shock says nothing about the pace between shocks. */
	if (gate->known && !gate->shocked && now > gate->at) {
		uint64_t grown = beyond(all_of(reading), all_of(last));
		uint64_t uss = beyond(reading->uss + reading->swap_pss, last->uss + last->swap_pss);
		uint64_t pss = beyond(reading->pss + reading->swap_pss, last->pss + last->swap_pss);
		learn_rate(&gate->rate.uss, beyond(uss, grown), now - gate->at);
		learn_rate(&gate->rate.pss, beyond(pss, grown), now - gate->at);
		gate->rates++;
	}
	gate->last = *reading;
	gate->at = now;
	gate->known = true;
	gate->shocked = false;
}

void gate_shock(struct gate *gate) {
	gate->shocked = true;
}

/* What may have come to the figure without the process having grown. */
static uint64_t unshared(uint64_t rate, uint64_t shared, msec_t elapsed) {
	double most = (double)rate * SAFETY * (double)elapsed / (double)MSEC_SECOND;
	return most < (double)shared ? (uint64_t)most : shared;
}

uint64_t gate_bound(const struct gate *gate, enum memory_figure figure, uint64_t rss_now,
		    uint64_t swap_now, msec_t now) {
	const struct gate_reading *last = &gate->last;
	uint64_t everything = rss_now + swap_now + gate->slack_bytes;
	msec_t elapsed = now - gate->at;

	if (figure == FIGURE_RSS || !gate->known || gate->shocked || gate->rates == 0 ||
	    elapsed >= BELIEVED_FOR)
		return everything;

	uint64_t ours = (figure == FIGURE_USS ? last->uss : last->pss) + last->swap_pss;
	uint64_t rate = figure == FIGURE_USS ? gate->rate.uss : gate->rate.pss;
	uint64_t grown = beyond(everything, all_of(last));
	uint64_t shared = beyond(all_of(last), ours);
	return min_bytes(everything, ours + grown + unshared(rate, shared, elapsed));
}

bool gate_open(const struct gate *gate, enum memory_figure figure, uint64_t limit, uint64_t rss_now,
	       uint64_t swap_now, msec_t now) {
	return gate_bound(gate, figure, rss_now, swap_now, now) > limit;
}

uint64_t gate_slack(unsigned kernel_major, unsigned kernel_minor, unsigned processors,
		    uint64_t page_bytes) {
	if (kernel_major != 6 || kernel_minor < 2 || kernel_minor > 15)
		return 0;
	uint64_t batch = 2 * processors > 32 ? 2 * processors : 32;
	return 3 * batch * processors * page_bytes;
}
