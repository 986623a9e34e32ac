/*
 * A message to a service manager, sd_notify(3): what a server says of itself. Pure.
 */
#pragma once

#include <stdbool.h>

#define NOTICE_STATUS_MAX 160

struct notice {
	bool ready, reloading, stopping;
	char status[NOTICE_STATUS_MAX]; /* for people; cut, on one line; "": it said none */
};

/* An assignment a line; those that aren't known are left out. `text` is terminated. */
void notice_read(const char *text, struct notice *notice);
