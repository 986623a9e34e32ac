/*
 * Asks one worker for a page through its private socket. While it boots the request waits in
 * that socket's backlog: the answer is the proof that it serves.
 */
#pragma once

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/config.h"
#include "core/probe.h"
#include "util/base.h"
#include "util/msec.h"

/* What is asked, and what counts as a yes. Borrowed: the owner outlives every prober. */
struct probe_rules {
	const char *request; /* of probe_request() */
	size_t request_len;
	const struct status_ranges *status;
};

struct prober_answer {
	bool ready;
	unsigned status;      /* 0: none came in time */
	const char *location; /* "" if none */
};

struct prober {
	struct ev_loop *loop;
	ev_io io;
	ev_timer again;
	ev_timer look;   /* is the question read, and not answered? */
	unsigned unsaid; /* looks in a row that found it so */
	int fd;
	const char *path; /* borrowed */
	const struct probe_rules *rules;
	size_t sent;
	struct probe answer;
	void (*answered)(struct prober *p, const struct prober_answer *answer);
};

void prober_init(struct prober *p, struct ev_loop *loop, const char *path,
		 void (*answered)(struct prober *p, const struct prober_answer *answer));

/*
 * Asks, and again, with a pause, after everything that is not a yes, until there is one. A
 * question waits for as long as nobody reads it: its worker boots. From then on an answer may take
 * `timeout` (a quarter more at most; 0: for ever), then it is a no. `answered` hears of a yes,
 * once, and of each no that is HTTP or late. Starting it anew forgets the question under way.
 */
void prober_start(struct prober *p, const struct probe_rules *rules, msec_t timeout);
void prober_stop(struct prober *p);
