#include "cmd/pumakeeperd/print.h"

#include <stdio.h>
#include <string.h>

#include "core/config.h"
#include "daemon/plan.h"
#include "util/text.h"

/* Around the options, which their table describes. */
static const char manual_head[] =
	".Dd November 24, 2026\n"
	".Dt PUMAKEEPER.YML 5\n"
	".Os\n"
	".Sh NAME\n"
	".Nm pumakeeper.yml\n"
	".Nd configuration of pumakeeperd\n"
	".Sh DESCRIPTION\n"
	"A file in YAML with the sections below, read by\n"
	".Xr pumakeeperd 8\n"
	"at its start and again at a reload.\n"
	"Only\n"
	".Ic app.command\n"
	"has no default.\n"
	"Unknown and repeated keys, anchors, aliases and tags are errors; a bad file starts nothing\n"
	"and changes nothing, and every error is told with its line and column.\n"
	".Pp\n"
	".Ql pumakeeperd -c FILE --check\n"
	"prints what a file means on this machine,\n"
	".Ql pumakeeperd --sample\n"
	"a file with every option.\n"
	".Sh OPTIONS\n";
static const char manual_hooks[] =
	".Sh HOOKS\n"
	"A hook is run in the directory of the release that new workers come from, with the app's\n"
	"environment and some variables of its own; what is not known, or does not apply, is not set.\n"
	".Bl -tag -width Ds\n"
	".It Ev PUMAKEEPER_EVENT\n"
	".Ql before_restart\n"
	"or\n"
	".Ql after_sample .\n"
	".It Ev PUMAKEEPER_APP , PUMAKEEPER_SOCKET\n"
	"The app's name, and where\n"
	".Xr pumakeeper 1\n"
	"finds this daemon.\n"
	".It Ev PUMAKEEPER_SLOT , PUMAKEEPER_PID\n"
	"Before a restart: the worker that is to go.\n"
	".It Ev PUMAKEEPER_CAUSE\n"
	"Before a restart:\n"
	".Ql soft ,\n"
	".Ql hard ,\n"
	".Ql total ,\n"
	".Ql hung ,\n"
	".Ql stopped ,\n"
	".Ql refork\n"
	"or\n"
	".Ql restart ,\n"
	"which a person has asked for.\n"
	".It Ev PUMAKEEPER_RSS_BYTES , PUMAKEEPER_PSS_BYTES , PUMAKEEPER_USS_BYTES\n"
	"Before a restart that worker's figures, as last measured; after a sample the sums over\n"
	"workers and the mold or master.\n"
	".It Ev PUMAKEEPER_SWAP_BYTES\n"
	"After a sample: the workers' swap.\n"
	".It Ev PUMAKEEPER_LIMIT_BYTES\n"
	"Before a restart the limit that the worker is over; after a sample\n"
	".Ic memory.total .\n"
	".It Ev PUMAKEEPER_WORKERS , PUMAKEEPER_READY\n"
	"After a sample: how many workers are wanted, and how many serve.\n"
	".It Ev PUMAKEEPER_PARENT_PID\n"
	"The mold, or a cluster's master.\n"
	".El\n"
	".Pp\n"
	"It prints where workers print.\n"
	"One that fails is told of\n"
	".Pq Ql hook.failed ,\n"
	"and changes nothing else.\n"
	"Hooks end with the daemon.\n"
	"What has left the process group of a hook that is late is not found.\n";
static const char manual_tail[] = ".Sh SEE ALSO\n"
				  ".Xr pumakeeper 1 ,\n"
				  ".Xr pumakeeperd 8\n";

static char page[1 << 17]; /* every option with its meaning is some 12 KB */

static void put(const struct text *text) {
	fwrite(text->data, 1, text->len, stdout);
}

static void print_manual(struct text *out) {
	text_puts(out, manual_head);
	config_print_manual(out);
	text_puts(out, manual_hooks);
	text_puts(out, manual_tail);
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
		print_manual(&out);
	else
		return false;
	put(&out);
	return true;
}

static unsigned long long mib(uint64_t bytes) {
	return (unsigned long long)(bytes >> 20);
}

static void print_notes(const struct strings *notes) {
	for (size_t i = 0; i < notes->len; i++)
		printf("# note: %s\n", notes->items[i]);
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
	print_notes(&plan->notes);
	print_notes(&plan->puma_notes);
}
