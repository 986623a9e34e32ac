/* The memory that we may use can change under us: the limits follow. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "daemon/machine.h"
#include "daemon/supervisor_parts.h"
#include "os/clock.h"
#include "util/fd.h"

static int open_root(void) {
	return open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

void find_effective_limit(struct supervisor *s) {
	AUTOCLOSE int root = open_root();
	if (machine_find_cgroup(root, &s->cgroup) != 0)
		s->cgroup.directory[0] = '\0';
}

void tell_effective_limit(struct supervisor *s, uint64_t before_bytes, const char *reason) {
	const struct limits *l = &s->plan->limits;
	struct event e = event_make(EVENT_MEMORY_LIMIT);
	event_bytes(&e, "from", before_bytes);
	event_bytes(&e, "to", l->effective_bytes);
	event_bytes(&e, "soft", l->soft_bytes);
	event_bytes(&e, "hard", l->hard_bytes);
	event_bytes(&e, "total", l->total_bytes);
	if (reason != NULL)
		event_text(&e, "reason", "%s", reason);
	supervisor_tell(s, &e);
}

/* Sizes that were written for more memory would never act before the kernel does. */
static void resolve(struct plan *plan, struct text *reason) {
	static const struct size automatic = { .kind = SIZE_AUTO };
	struct config fallback = plan->config;
	struct error err = { 0 };
	if (limits_resolve(&plan->config, &plan->machine, &plan->limits, &err) == 0)
		return;
	text_printf(reason, "%s: until a reload soft, hard and total are auto", err.text);
	fallback.memory.soft = fallback.memory.hard = fallback.memory.total = automatic;
	if (limits_resolve(&fallback, &plan->machine, &plan->limits, &err) != 0)
		text_puts(reason, err.text); /* auto fits whatever there is */
}

static void follow(struct supervisor *s, const struct machine *machine) {
	char buffer[300];
	struct text reason = TEXT_IN(buffer);
	uint64_t before = s->plan->limits.effective_bytes;
	s->plan->machine = *machine;
	resolve(s->plan, &reason);
	tell_effective_limit(s, before, reason.len > 0 ? buffer : NULL);
	struct herd_event event = { .kind = HERD_RELOAD };
	event.reload.config = &s->plan->config;
	event.reload.limits = &s->plan->limits;
	feed(s, &event);
}

void look_at_effective_limit(struct supervisor *s) {
	struct machine machine = s->plan->machine;
	if (s->cgroup.directory[0] == '\0' || !limit_watch_due(&s->limit_watch, clock_now()))
		return;
	AUTOCLOSE int root = open_root();
	machine.cgroup_limit_bytes = machine_cgroup_limit(root, &s->cgroup);
	if (limit_watch_believe(&s->limit_watch, limits_effective(&s->plan->machine),
				limits_effective(&machine)))
		follow(s, &machine);
}
