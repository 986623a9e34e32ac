/*
 * memory.rollup_budget: how much of a processor the dear readings may take. Pure.
 *
 * A bucket of microseconds that fills with time. It stretches the intervals between readings
 * and never starves one: whoever has waited longest has the most to say, and a reading that is
 * larger than the bucket is allowed when the bucket is full.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/base.h"
#include "util/msec.h"

/* Zeroed but for `share`: the bucket is full when it is first asked. */
struct rollup_budget {
	unsigned share; /* hundredths of a percent of one processor; 0: no bound */
	bool begun;
	msec_t at;
	int64_t credit; /* tenths of a microsecond; below 0: a debt */
};

/* May a reading that takes about `expected_usec` start now? */
bool budget_may(struct rollup_budget *b, msec_t now, uint64_t expected_usec);

/* One is over; what it really took, which may be more than there was. */
void budget_spent(struct rollup_budget *b, uint64_t usec, msec_t now);

/* A worker whose dear reading is wanted. */
struct budget_candidate {
	uint64_t id;
	msec_t last_dear_at; /* 0: never */
	bool open;           /* its gate is: four times as pressing as a reading for display */
	bool urgent; /* the kernel's limit is near: 16 times; debt of up to a bucket is taken on */
	uint64_t expected_usec;
};

struct budget_pick {
	int index; /* among the candidates; -1: there are none */
	msec_t at; /* now, or when the budget allows it; MSEC_NEVER: there are none */
};

/* Who is next, and when: the stalest by weight. */
struct budget_pick budget_pick(struct rollup_budget *b, const struct budget_candidate *candidates,
			       size_t n, msec_t now);
