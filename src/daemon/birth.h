/*
 * A worker that a mold is asked for, until it is born or never will be; and from then on the line
 * to it, on which it tells whether its hooks failed.
 */
#pragma once

#include <ev.h>
#include <stdbool.h>
#include <sys/types.h>

#include "core/mold_words.h"
#include "daemon/launcher.h"
#include "util/base.h"

enum birth_state {
	BIRTH_WAITS, /* for its mold to be loaded */
	BIRTH_ASKED, /* the mold has the request */
	BIRTH_DONE,  /* it is a worker */
};

struct birth;

/* What comes of it. The birth may be destroyed in each of them. */
struct birth_handler {
	/* Its pidfd and its probe socket's file are the receiver's. */
	void (*born)(struct birth *b, const struct launched *launched);
	/* Nothing of it is left. `why` is for a person; NULL: its line ended, the mold may have. */
	void (*unborn)(struct birth *b, const char *why);
	void (*again)(struct birth *b); /* the pause after birth_again() is over */
	/* Born, it says something more. */
	void (*told)(struct birth *b, enum mold_word word, const char *text);
	void (*over)(struct birth *b); /* a worker's line has ended, as it does with the worker */
};

struct birth {
	struct birth *next;
	struct ev_loop *loop;
	const struct birth_handler *handler;
	void *owner;     /* the handler's */
	unsigned worker; /* the herd's id */
	unsigned slot;
	unsigned release;
	unsigned generation; /* of the mold that was asked last */
	enum birth_state state;
	bool unwanted; /* BIRTH_ASKED, and given up meanwhile: what is born may not live */
	unsigned tries;
	int line; /* -1: not asked */
	ev_io heard;
	ev_timer pause;
	char probe_path[108];
};

NODISCARD struct birth *birth_create(struct ev_loop *loop, const struct birth_handler *handler,
				     void *owner);

/* Closes the line; a worker on it goes on, and what isn't born yet ends. */
void birth_destroy(struct birth *b);

/*
 * Asks the mold at the other end of `channel`. 0, or -errno: -EAGAIN and -EPIPE are about the mold
 * (ask again, or another one), everything else has its reason in `why`.
 */
NODISCARD int birth_ask(struct birth *b, int channel, const struct launcher *l, struct text *why);

/* Says something to a worker, with descriptors. 0 or -errno. */
NODISCARD int birth_say(struct birth *b, const struct text *words, const int *fds, size_t n_fds);

/* What is there to be heard already, now: its end may be known sooner. It may be gone after. */
void birth_hear(struct birth *b);

/*
 * Back to BIRTH_WAITS: its line ended before it was born. When a process ends, this line may close
 * before the mold's own: for a moment it is not to be asked again of the same one.
 */
void birth_again(struct birth *b);
bool birth_pauses(const struct birth *b);
