/*
 * The configuration's wishes meet the machine: percentages and `auto` become bytes.
 * Pure.
 */
#pragma once

#include <stdint.h>

#include "core/config.h"

/* What the machine offers; unknown is 0. */
struct machine {
	unsigned processors;         /* that we may run on */
	uint64_t memory_bytes;       /* MemTotal */
	uint64_t cgroup_limit_bytes; /* the smallest from here to the root; 0: none */
	bool swap;                   /* SwapTotal > 0 */
	unsigned other_keepers;      /* other daemons that divide the same memory with us */
};

struct limits {
	unsigned workers;
	unsigned workers_wished; /* more than a herd holds: say it; 0: they are as many as wished */
	unsigned boot_concurrency; /* after the first worker has proved the app */
	uint64_t effective_bytes;  /* min(RAM, cgroup limit) */
	uint64_t soft_bytes, hard_bytes, total_bytes;
	bool total_divided; /* `total` was auto and is shared with other keepers: say it */
};

/* min(RAM, cgroup limit), of what is known; 0: neither is. */
uint64_t limits_effective(const struct machine *machine);

/*
 * auto total = 80 % of the effective limit, divided by the number of keepers where no cgroup
 * limit below the RAM protects them from each other. auto soft = total / workers, and two
 * thirds of total for an only worker, so that auto hard = 1.5 × soft is not above total; with a
 * configured soft it is cut at total, but never below soft. Percentages are of the effective
 * limit. auto workers = processors; auto boot_concurrency = half of them, at least 1.
 *
 * 0, or -1 with `err` (no place) and `limits` untouched: soft above hard, or above a configured
 * total; hard or total above the effective limit, where they could never act; a percentage or
 * an auto total when the machine's memory is unknown.
 */
NODISCARD int limits_resolve(const struct config *config, const struct machine *machine,
			     struct limits *limits, struct error *err);
