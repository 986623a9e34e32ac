#include "core/cluster.h"

#include <limits.h>
#include <string.h>

#define TITLE "puma: cluster worker "

/* Digits, no sign, no blank; `*at` is moved behind them. */
static bool number(const char **at, const char *end, unsigned long *value) {
	const char *begin = *at;
	*value = 0;
	while (*at < end && **at >= '0' && **at <= '9') {
		*value = *value * 10 + (unsigned long)(**at - '0');
		if (*value > INT_MAX)
			return false;
		(*at)++;
	}
	return *at > begin;
}

static bool skip(const char **at, const char *end, const char *word) {
	size_t len = strlen(word);
	if ((size_t)(end - *at) < len || memcmp(*at, word, len) != 0)
		return false;
	*at += len;
	return true;
}

bool cluster_title(const char *cmdline, size_t len, pid_t master, unsigned *index) {
	const char *end = memchr(cmdline, '\0', len), *at = cmdline;
	unsigned long slot, pid;
	if (end == NULL)
		end = cmdline + len;
	if (!skip(&at, end, TITLE) || !number(&at, end, &slot) || !skip(&at, end, ": ") ||
	    !number(&at, end, &pid) || (at < end && !skip(&at, end, " [")))
		return false;
	*index = (unsigned)slot;
	return pid == (unsigned long)master;
}

bool cluster_title_is_own(const struct cluster_kin *kin, unsigned index) {
	if (kin->parent == kin->master)
		return true;
	if (index == 0)
		return false;
	return kin->parent == kin->worker_0 || kin->serves;
}

size_t cluster_pick(const struct cluster_wait *waits, size_t n, unsigned release, unsigned index) {
	size_t pick = n;
	int best = -1;
	for (size_t i = 0; i < n; i++) {
		int rank = (waits[i].successor ? 0 : 2) + (waits[i].slot == index);
		if (waits[i].release == release && rank > best) {
			best = rank;
			pick = i;
		}
	}
	return pick;
}

unsigned cluster_needed(const struct cluster_count *c) {
	unsigned slots = c->wanted > c->elsewhere ? c->wanted - c->elsewhere : 0;
	unsigned known = c->claimed + c->waits;
	return slots > known ? slots : known;
}

/* Everybody there is serves, and nobody is about to go or to come. */
static bool is_at_rest(const struct cluster_count *c) {
	return c->living == c->has && c->leaving == 0 && c->untold == 0 && !c->culling;
}

bool cluster_restarted(const struct cluster_count *c) {
	bool all_new = c->old == 0 && c->ready > 0 && c->ready == c->living && c->living >= c->has;
	return c->restarting && c->untold == 0 && (c->over || all_new);
}

enum cluster_action cluster_decide(const struct cluster_count *c) {
	if (c->restarting)
		return CLUSTER_NOTHING;
	unsigned unclaimed = c->living > c->claimed ? c->living - c->claimed : 0;
	unsigned needed = cluster_needed(c);
	if (!is_at_rest(c))
		return CLUSTER_NOTHING;
	if (needed > c->has) /* five quick ones gave one: each is confirmed before the next */
		return unclaimed == 0 && c->ready == c->living ? CLUSTER_ONE_MORE : CLUSTER_NOTHING;
	/* An empty slot may ask for it soon. And never the last one: Puma keeps it. */
	if (c->claimed + c->elsewhere < c->wanted || c->has == 1)
		return CLUSTER_NOTHING;
	/* Before it serves, if possible: it has nothing to drain then. */
	return c->has > needed && unclaimed > 0 ? CLUSTER_ONE_LESS : CLUSTER_NOTHING;
}
