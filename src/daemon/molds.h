/*
 * The molds of a herd: one for each release that workers may be wanted of, and whoever waits to be
 * forked from one. A second way to bring a worker up, beside launcher_start(): what comes of it is
 * told later.
 */
#pragma once

#include <ev.h>
#include <stdbool.h>
#include <sys/types.h>

#include "core/herd.h"
#include "core/mold.h"
#include "core/mold_words.h"
#include "daemon/launcher.h"
#include "daemon/reader.h"
#include "util/base.h"

struct molds;

/* One of them, as it is now. */
struct mold_facts {
	unsigned generation; /* 1, 2, … counts every process */
	unsigned release;
	pid_t pid;
	enum mold_state state;
	msec_t took;        /* MOLD_READY: to load */
	msec_t retry;       /* MOLD_BROKEN: until another one is made */
	const char *reason; /* MOLD_BROKEN: what became of it */
	bool adopted;       /* another daemon's master, which goes on */
};

struct molds_handler {
	/*
	 * Where to start a mold of that release from; NULL: nowhere any more. Borrowed. Where it is
	 * gone `*release` becomes the one that there is; moved() is called then.
	 */
	const char *(*directory)(void *context, unsigned *release);
	void (*moved)(void *context, unsigned from, unsigned to);
	/* Its pidfd is the receiver's. */
	void (*born)(void *context, unsigned worker, unsigned generation,
		     struct launched *launched);
	void (*unborn)(void *context, unsigned worker, const char *why);
	void (*told)(void *context, unsigned worker, enum mold_word word, const char *text);
	/* A worker has become the mold that molds_promote() announced. */
	void (*promoted)(void *context, unsigned worker, unsigned release);
	void (*changed)(void *context, const struct mold_facts *facts);
	void (*read)(void *context, unsigned generation, const struct herd_event *event);
	/* The release that new workers come from. */
	unsigned (*in_force)(void *context);
	/* A cluster's master was asked for one more or less, so that it has `workers` now. */
	void (*resized)(void *context, pid_t master, bool more, unsigned workers);
	/* What it says of itself: that it restarts its workers; its status, "": none. */
	void (*heard)(void *context, unsigned generation, bool restarting, const char *status);
	/* It forks one worker after the other: so many within that time. */
	void (*loops)(void *context, unsigned workers, msec_t within);
};

/* Everything borrowed outlives it. NULL: no memory. */
NODISCARD struct molds *molds_create(struct ev_loop *loop, const struct launcher *launcher,
				     struct reader *reader, const struct molds_handler *handler,
				     void *context);

/*
 * Kills what lives, and waits for its end; or leaves it to the next daemon, for as long as it waits
 * for that (ruby/mold.rb). Takes NULL.
 */
void molds_destroy(struct molds *molds, bool leave);

/* Of the last one that there was. */
unsigned molds_generation(const struct molds *molds);

/* The next one has a greater number. */
void molds_continue(struct molds *molds, unsigned generation);

/*
 * One that another daemon has made: it forks nobody, and is let go as any other. Its pidfd becomes
 * the set's. 0, or -ENOMEM: then it is still the caller's.
 */
NODISCARD int molds_adopt(struct molds *molds, unsigned release, unsigned generation, pid_t pid,
			  int pidfd);

/* Makes one before anybody waits for a worker of it. */
void molds_want(struct molds *molds, unsigned release);

/* A worker of that release; told of by born() or unborn(). */
void molds_ask(struct molds *molds, unsigned release, unsigned worker, unsigned slot);

/*
 * Tells a worker that was forked to drain and become the mold of `release`, a new number; told of
 * by promoted(). False: it can't be asked.
 */
bool molds_promote(struct molds *molds, unsigned worker, pid_t pid, int pidfd, unsigned release);

/* Nobody waits for it any more. False: it isn't waited for, or it is a worker by now. */
bool molds_cancel(struct molds *molds, unsigned worker);

/* Before a worker's end is told: what it has said last. */
void molds_hear(struct molds *molds, unsigned worker);

/* The line of a worker that is gone. */
void molds_forget(struct molds *molds, unsigned worker);

/* Lets it go, if there is one. */
void molds_let_go(struct molds *molds, unsigned generation);

/* Lets those go that are not wanted. `adopted`: it is another daemon's. */
void molds_keep(struct molds *molds,
		bool (*wanted)(const void *context, unsigned release, bool adopted),
		const void *context);

/* A dear reading of it; told of by read(). */
void molds_read(struct molds *molds, unsigned generation);

/* Is that one of its processes? */
bool molds_own(const struct molds *molds, pid_t pid);

/* Is a worker about to be born, so that a child nobody knows may be it? */
bool molds_expect(const struct molds *molds);
