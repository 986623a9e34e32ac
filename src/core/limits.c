#include "core/limits.h"

#include <inttypes.h>

/* What is left of the machine for everything else; a surge and page cache live there, too. */
#define AUTO_TOTAL_PERCENT 80

static unsigned at_least_one(unsigned n) {
	return n > 0 ? n : 1;
}

uint64_t limits_effective(const struct machine *m) {
	if (m->cgroup_limit_bytes == 0)
		return m->memory_bytes;
	if (m->memory_bytes == 0)
		return m->cgroup_limit_bytes;
	return m->cgroup_limit_bytes < m->memory_bytes ? m->cgroup_limit_bytes : m->memory_bytes;
}

/* A limit as large as the RAM limits nobody. */
static bool limited(const struct machine *m) {
	return m->cgroup_limit_bytes > 0 &&
	       (m->memory_bytes == 0 || m->cgroup_limit_bytes < m->memory_bytes);
}

/* Without an overflow; what is lost is below one byte in ten thousand. */
static uint64_t share(uint64_t bytes, uint64_t part, uint64_t whole) {
	return bytes / whole * part + bytes % whole * part / whole;
}

static uint64_t resolve(const struct size *size, uint64_t effective, uint64_t when_auto) {
	switch (size->kind) {
	case SIZE_AUTO: return when_auto;
	case SIZE_BYTES: return size->amount;
	case SIZE_PERCENT: return share(effective, size->amount, 10000);
	}
	return when_auto;
}

static uint64_t auto_total(const struct machine *m, struct limits *l) {
	uint64_t total = share(l->effective_bytes, AUTO_TOTAL_PERCENT, 100);
	l->total_divided = m->other_keepers > 0 && !limited(m);
	return l->total_divided ? total / (1 + (uint64_t)m->other_keepers) : total;
}

static uint64_t auto_soft(const struct limits *l) {
	return l->workers > 1 ? l->total_bytes / l->workers : share(l->total_bytes, 2, 3);
}

static uint64_t auto_hard(const struct limits *l) {
	uint64_t hard = share(l->soft_bytes, 3, 2);
	if (hard > l->total_bytes)
		hard = l->total_bytes;
	return hard > l->soft_bytes ? hard : l->soft_bytes;
}

static int refuse(const char *low, uint64_t a, const char *high, uint64_t b, struct error *err) {
	return error_at(err, 0, 0, "%s (%" PRIu64 "MiB) is above %s (%" PRIu64 "MiB)", low, a >> 20,
			high, b >> 20);
}

static bool needs_machine(const struct config *config) {
	return config->memory.total.kind != SIZE_BYTES ||
	       config->memory.soft.kind == SIZE_PERCENT || config->memory.hard.kind == SIZE_PERCENT;
}

static int check(const struct config *config, const struct limits *l, struct error *err) {
	static const char all[] = "the memory there is";
	if (l->effective_bytes == 0 && needs_machine(config))
		return error_at(err, 0, 0,
				"the machine's memory is unknown; write memory.total, soft and "
				"hard as sizes");
	if (l->soft_bytes > l->hard_bytes)
		return refuse("memory.soft", l->soft_bytes, "memory.hard", l->hard_bytes, err);
	/* An auto total may be small because of others; it just acts first. */
	if (config->memory.total.kind != SIZE_AUTO && l->soft_bytes > l->total_bytes)
		return refuse("memory.soft", l->soft_bytes, "memory.total", l->total_bytes, err);
	if (l->effective_bytes > 0 && l->hard_bytes > l->effective_bytes)
		return refuse("memory.hard", l->hard_bytes, all, l->effective_bytes, err);
	if (l->effective_bytes > 0 && l->total_bytes > l->effective_bytes)
		return refuse("memory.total", l->total_bytes, all, l->effective_bytes, err);
	return 0;
}

int limits_resolve(const struct config *config, const struct machine *machine,
		   struct limits *limits, struct error *err) {
	struct limits l = { .effective_bytes = limits_effective(machine) };
	unsigned processors = at_least_one(machine->processors);
	l.workers = config->app.workers > 0 ? config->app.workers : processors;
	if (l.workers > CONFIG_WORKERS_MAX) { /* a machine may have more processors */
		l.workers_wished = l.workers;
		l.workers = CONFIG_WORKERS_MAX;
	}
	l.boot_concurrency = config->app.boot_concurrency > 0 ? config->app.boot_concurrency
							      : at_least_one(processors / 2);

	uint64_t total = config->memory.total.kind == SIZE_AUTO ? auto_total(machine, &l) : 0;
	l.total_bytes = resolve(&config->memory.total, l.effective_bytes, total);
	l.soft_bytes = resolve(&config->memory.soft, l.effective_bytes, auto_soft(&l));
	l.hard_bytes = resolve(&config->memory.hard, l.effective_bytes, auto_hard(&l));
	if (check(config, &l, err) != 0)
		return -1;
	*limits = l;
	return 0;
}
