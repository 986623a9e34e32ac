/*
 * The gate: does a cheap reading (statm, or status where there is swap) prove that the dear one
 * (smaps_rollup) is unnecessary? Under copy-on-write too, where RSS holds hundreds of shared
 * megabytes and alone would open it always.
 *
 * Pure. What is private can only have grown by what the process grew (RSS + swap together: to
 * be swapped out is no growth), and by what was shared and no longer is. The second part leaves
 * no trace in a cheap reading, so its pace is learned from dear ones, taken four times, and
 * believed for ten minutes at most; it never exceeds what was shared at all.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/config.h"
#include "util/base.h"
#include "util/msec.h"

/* A dear reading: the fields of smaps_rollup, in bytes. */
struct gate_reading {
	uint64_t rss, pss, uss;
	uint64_t swap;     /* Swap: counts a shared page in every process, like VmSwap */
	uint64_t swap_pss; /* SwapPss: what of it is this process's */
};

/* Zeroed: no dear reading yet, and the bound is RSS + swap. Zero it when the process execs. */
struct gate {
	uint64_t slack_bytes; /* by how much a cheap reading may be too low: gate_slack() */
	bool known;
	bool shocked; /* what was shared may have become private at once */
	msec_t at;
	struct gate_reading last;
	unsigned rates; /* intervals that the paces were learned from */
	struct gate_rate {
		uint64_t uss, pss; /* bytes per second that growth doesn't explain */
	} rate;
};

void gate_learn(struct gate *gate, const struct gate_reading *reading, msec_t now);

/* A sibling exited, or this process forked: until the next dear reading anything is possible. */
void gate_shock(struct gate *gate);

/*
 * The most that the figure can be now. USS and PSS are meant with SwapPss, RSS with swap, as
 * the limits are. `swap_now` is VmSwap, 0 where there is no swap.
 */
uint64_t gate_bound(const struct gate *gate, enum memory_figure figure, uint64_t rss_now,
		    uint64_t swap_now, msec_t now);

/* Is a dear reading needed to know whether the figure is over `limit`? */
bool gate_open(const struct gate *gate, enum memory_figure figure, uint64_t limit, uint64_t rss_now,
	       uint64_t swap_now, msec_t now);

/*
 * `slack_bytes` of a machine. On Linux 6.2 to 6.15 statm and status lag by up to
 * 3 × max(32, 2n) × n pages on n processors; they are exact before and since.
 */
uint64_t gate_slack(unsigned kernel_major, unsigned kernel_minor, unsigned processors,
		    uint64_t page_bytes);
