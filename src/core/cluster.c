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

size_t cluster_pick(const struct cluster_wait *waits, size_t n, unsigned index) {
	size_t pick = 0;
	int best = -1;
	for (size_t i = 0; i < n; i++) {
		int rank = (waits[i].successor ? 0 : 2) + (waits[i].slot == index);
		if (rank > best) {
			best = rank;
			pick = i;
		}
	}
	return pick;
}

/* Everybody there is serves, and nobody is about to go or to come. */
static bool is_at_rest(const struct cluster_count *c) {
	return c->living == c->wanted + c->extra && c->leaving == 0 && c->untold == 0 &&
	       !c->culling && c->residents == 0;
}

enum cluster_action cluster_decide(const struct cluster_count *c) {
	unsigned unclaimed = c->living > c->claimed ? c->living - c->claimed : 0;
	if (!is_at_rest(c))
		return CLUSTER_NOTHING;
	if (c->successors > 0)
		return unclaimed == 0 && c->ready == c->living ? CLUSTER_ONE_MORE : CLUSTER_NOTHING;
	/* Before it serves, if possible: it has nothing to drain then. */
	if (c->extra > 0 && unclaimed > 0 && c->claimed == c->wanted)
		return CLUSTER_ONE_LESS;
	return CLUSTER_NOTHING;
}
