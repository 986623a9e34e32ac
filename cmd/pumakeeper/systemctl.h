/*
 * What systemd knows of a unit. As root this needs no message bus, so it works during a shutdown, too.
 * By its program, because libsystemd's way is the bus, and this is 6 ms. It waits for the answer.
 */
#pragma once

#include <stdbool.h>

#define SYSTEMCTL_WORD 32

/* The type of the unit's pending job: stop, restart, start; "" when there is none, or nobody tells. */
void systemctl_job(const char *unit, char job[SYSTEMCTL_WORD]);

/* At one moment; all "" and 0 when nobody tells. */
struct unit_moment {
	char active[SYSTEMCTL_WORD]; /* active, activating, inactive, failed, … */
	char sub[SYSTEMCTL_WORD];    /* running, auto-restart, stop-post, … */
	unsigned job;                /* the pending one's number; 0: none */
	unsigned main_pid;           /* 0: none */
};

void systemctl_moment(const char *unit, struct unit_moment *moment);
