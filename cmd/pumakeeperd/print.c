#include "cmd/pumakeeperd/print.h"

#include <stdio.h>
#include <string.h>

#include "core/config.h"
#include "daemon/plan.h"
#include "util/text.h"

static char page[1 << 17]; /* every option with its meaning is some 12 KB */

static void put(const struct text *text) {
	fwrite(text->data, 1, text->len, stdout);
}

bool print_and_leave(const struct daemon_options *given) {
	struct text out = TEXT_IN(page);
	if (given->help) {
		options_help();
		return true;
	}
	if (given->version) {
		puts("pumakeeperd " PUMAKEEPER_VERSION);
		return true;
	}
	if (given->sample)
		config_print_sample(&out);
	else if (given->manual)
		config_print_manual(&out);
	else
		return false;
	put(&out);
	return true;
}

static unsigned long long mib(uint64_t bytes) {
	return (unsigned long long)(bytes >> 20);
}

void print_plan(const struct plan *plan) {
	struct text out = TEXT_IN(page);
	const struct limits *l = &plan->limits;
	config_print(&plan->config, &out);
	put(&out);
	printf("\n# On this machine: `%s` in %s\n", plan->name, plan->directory);
	printf("# %u workers, %u boot at a time; %llu MiB of memory may be used\n", l->workers,
	       l->boot_concurrency, mib(l->effective_bytes));
	printf("# memory.soft %llu MiB, memory.hard %llu MiB, memory.total %llu MiB%s\n",
	       mib(l->soft_bytes), mib(l->hard_bytes), mib(l->total_bytes),
	       l->total_divided ? " (divided with the other keepers here)" : "");
	printf("# allocator: %s\n", plan->preload[0] != '\0' ? plan->preload : "none preloaded");
	for (size_t i = 0; i < plan->notes.len; i++)
		printf("# note: %s\n", plan->notes.items[i]);
}
