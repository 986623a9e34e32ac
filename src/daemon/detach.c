/* Leaving on purpose: the workers serve on, and the next daemon takes them over. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/supervisor_parts.h"

/*
 * sysexits.h's EX_TEMPFAIL, told to a service manager that did not ask for it: it starts the next
 * one. 0 is an end to it, after which nobody would know of the workers.
 */
#define EXIT_FOLLOW_ME 75

static const char *refusal(const struct supervisor *s) {
	if (s->herd->state > HERD_SERVING)
		return "the daemon is stopping";
	return s->keep.fd < 0 ? "there is no state to leave to the next one" : NULL;
}

bool detach(struct supervisor *s, const char *by, struct text *why) {
	const char *refused = refusal(s);
	if (refused != NULL) {
		text_puts(why, refused);
		return false;
	}
	int error = keep_for_successor(s, true);
	if (error != 0) {
		text_printf(why, "the state can't be written: %s", strerror(-error));
		return false;
	}
	struct event e = event_make(EVENT_DAEMON_DETACHED);
	event_text(&e, "by", "%s", by);
	event_number(&e, "workers", herd_serving(s->herd));
	supervisor_tell(s, &e);
	service_say(s->service, "left on purpose: its workers serve on");
	s->listeners_end = LISTENERS_LEFT;
	s->owner.leaves = true;
	s->exit_code = s->service != NULL ? EXIT_FOLLOW_ME : EXIT_SUCCESS;
	ev_break(s->loop, EVBREAK_ALL);
	return true;
}
