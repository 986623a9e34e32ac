#include "cmd/pumakeeper/bystander.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/pumakeeper/orphans.h"
#include "cmd/pumakeeper/pause.h"
#include "cmd/pumakeeper/systemctl.h"

/* The next daemon comes within milliseconds; where it doesn't (RestartSec= was raised) nobody hurries. */
#define LOOK_EVERY  100 /* ms */
#define LOOK_RARELY 1000
#define LOOKS_OFTEN 50

/* systemd that doesn't answer for so many looks won't. */
#define LOOKS_UNANSWERED 60

enum sight { IT_FOLLOWS, IT_WILL, NOBODY_FOLLOWS, NOT_KNOWN };

static enum sight look(const char *unit) {
	struct unit_moment now;
	systemctl_moment(unit, &now);
	if (strcmp(now.active, "inactive") == 0 || strcmp(now.active, "failed") == 0)
		return now.job == 0 ? NOBODY_FOLLOWS : IT_WILL;
	if (now.active[0] == '\0')
		return NOT_KNOWN;
	/* auto-restart, and auto-restart-queued since systemd 254 */
	if (strncmp(now.sub, "auto-restart", strlen("auto-restart")) == 0 ||
	    strcmp(now.sub, "stop-post") == 0)
		return IT_WILL;
	return IT_FOLLOWS;
}

/* Twice, as somebody may have asked for a start between two glances. */
static bool nobody_follows(const char *unit) {
	enum sight before = IT_WILL, now = IT_WILL;
	unsigned unanswered = 0;
	for (unsigned i = 0; now != IT_FOLLOWS && unanswered < LOOKS_UNANSWERED; i++) {
		pause_for(i < LOOKS_OFTEN ? LOOK_EVERY : LOOK_RARELY);
		before = now;
		now = look(unit);
		unanswered = now == NOT_KNOWN ? unanswered + 1 : 0;
		if (before == NOBODY_FOLLOWS && now == NOBODY_FOLLOWS)
			return true;
	}
	return false;
}

static int stand_by(const struct arguments *a) {
	struct arguments stop = { .verb = VERB_STOP, .socket = a->socket };
	stop.display.unit = true;
	unsetenv("NOTIFY_SOCKET"); /* systemd doesn't wait for us */
	return nobody_follows(a->unit) ? orphans(&stop) : EXIT_SUCCESS;
}

void bystander_leave(const struct arguments *a) {
	fflush(NULL);
	pid_t pid = fork();
	if (pid < 0)
		fprintf(stderr, "pumakeeper: nobody looks after %s: %s\n", a->unit,
			strerror(errno));
	if (pid != 0)
		return;
	setsid(); /* nobody's terminal, nobody's group */
	exit(stand_by(a));
}
