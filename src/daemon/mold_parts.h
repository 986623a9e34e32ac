/*
 * What the files of the molds share: molds.c has the set, mold_process.c one's process,
 * mold_births.c those who are forked from one.
 */
#pragma once

#include "daemon/birth.h"
#include "daemon/member.h"
#include "daemon/molds.h"
#include "util/text.h"

struct mold {
	struct mold *next;
	struct molds *all;
	unsigned release, generation;
	struct mold_life life;
	struct member *member; /* its process; NULL: none */
	unsigned promoted;     /* the worker that it is still; 0: none, or not any more */
	int channel, boot;     /* boot: what it printed until its app was loaded */
	char failed[200];      /* why a worker can't become it, in its own words; "": not said */
	ev_io heard;
	ev_timer deadline;
};

struct molds {
	struct ev_loop *loop;
	const struct launcher *launcher;
	const struct molds_handler *handler;
	void *context;
	struct member_owner owner;
	unsigned generation; /* of the last one */
	struct mold *list;
	struct birth *births;
};

/* How long it may load, and drain before that if it is a worker yet. */
msec_t mold_boot_patience(const struct mold *m);

/* Starts it for m->generation, which may lead it to another release, and whoever waits for it. 0, or -errno with the reason in `why`. */
NODISCARD int mold_launch(struct mold *m, struct text *why);

/* Whatever is held of it. */
void mold_forget_process(struct mold *m);

/* Kills it and waits for its end: none is left without a parent. */
void mold_end_process(const struct mold *m);

/* `; it printed: …`, until its app was loaded; then it prints where the app does. */
void mold_quote(const struct mold *m, struct text *out);

/* Before its end is fed to its life: what it means. `how` is its status. */
void mold_explain(const struct mold *m, const char *how, struct text *out);

/* molds.c */
/* The one that workers of it are forked from. NULL: none, or one that is about to go. */
struct mold *molds_of_release(const struct molds *all, unsigned release);
struct mold *molds_of_generation(const struct molds *all, unsigned generation);
struct mold *molds_add(struct molds *all, unsigned release); /* NULL: no memory */
void mold_drive(struct mold *m, enum mold_event event);      /* its life; it may be gone after */

/* mold_births.c */
struct birth *births_of(const struct molds *all, unsigned worker); /* NULL: none */
bool births_wait(const struct molds *all, unsigned release);
void births_ask(struct mold *m); /* those who wait for it, as many as it takes */
/* Those who waited for what can't be loaded fail; the herd knows when to try again. */
void births_fail(struct molds *all, unsigned release, const char *why);
void births_destroy(struct molds *all);
