/* Those who wait to be forked from a mold, and the lines to those who were. See molds.h. */
#include <errno.h>
#include <string.h>

#include "daemon/mold_parts.h"

#define TRIES 2 /* molds that may end under a birth before it is given up */

struct birth *births_of(const struct molds *all, unsigned worker) {
	struct birth *b = all->births;
	while (b != NULL && b->worker != worker)
		b = b->next;
	return b;
}

static struct birth *next_waiting(const struct molds *all, unsigned release) {
	struct birth *b = all->births;
	while (b != NULL && (b->release != release || b->state != BIRTH_WAITS))
		b = b->next;
	return b;
}

static void remove_birth(struct molds *all, struct birth *b) {
	struct birth **at = &all->births;
	while (*at != b)
		at = &(*at)->next;
	*at = b->next;
	birth_destroy(b);
}

static void give_up(struct molds *all, struct birth *b, const char *why) {
	unsigned worker = b->worker;
	remove_birth(all, b);
	all->handler->unborn(all->context, worker, why);
}

void births_fail(struct molds *all, unsigned release, const char *why) {
	struct birth *b;
	while ((b = next_waiting(all, release)) != NULL)
		give_up(all, b, why);
}

static struct birth *next_to_ask(const struct mold *m) {
	struct birth *b = m->all->births;
	while (b != NULL && (b->release != m->release || b->state != BIRTH_WAITS ||
			     (birth_pauses(b) && b->generation == m->generation)))
		b = b->next;
	return b;
}

void births_ask(struct mold *m) {
	struct molds *all = m->all;
	struct birth *b;
	while (m->life.state == MOLD_READY && (b = next_to_ask(m)) != NULL) {
		char buffer[200];
		struct text why = TEXT_IN(buffer);
		int error = birth_ask(b, m->channel, all->launcher, &why);
		b->generation = m->generation;
		if (error == 0)
			mold_drive(m, MOLD_ASKED);
		else if (error == -EAGAIN)
			return; /* it has enough to do: once more when it has answered */
		else if (error == -EPIPE)
			return mold_drive(m, MOLD_DEAF);
		else
			give_up(all, b, buffer);
	}
}

void molds_want(struct molds *all, unsigned release) {
	struct mold *m = molds_of_release(all, release);
	if (m == NULL)
		m = molds_add(all, release);
	if (m == NULL)
		return births_fail(all, release, strerror(ENOMEM));
	if (m->life.state == MOLD_READY)
		births_ask(m);
	else
		mold_drive(m, MOLD_WANT);
}

/* The mold has done with it, in whatever way, and may have room for the next. */
static void answered(struct molds *all, unsigned generation) {
	struct mold *m = molds_of_generation(all, generation);
	if (m == NULL || m->life.state != MOLD_READY)
		return;
	mold_drive(m, MOLD_ANSWERED);
	births_ask(m);
}

static void on_born(struct birth *b, const struct launched *launched) {
	struct molds *all = b->owner;
	struct launched worker = *launched;
	unsigned id = b->worker, generation = b->generation;
	all->handler->born(all->context, id, generation, &worker);
	answered(all, generation);
}

static void on_unborn(struct birth *b, const char *why) {
	struct molds *all = b->owner;
	unsigned generation = b->generation, release = b->release;
	if (b->unwanted) {
		remove_birth(all, b);
	} else if (why == NULL && b->tries < TRIES) {
		birth_again(b);
		molds_want(all, release);
	} else {
		give_up(all, b, why != NULL ? why : "its mold ended before it was forked");
	}
	answered(all, generation);
}

static void on_again(struct birth *b) {
	molds_want(b->owner, b->release);
}

static void on_told(struct birth *b, enum mold_word word, const char *text) {
	struct molds *all = b->owner;
	all->handler->told(all->context, b->worker, word, text);
}

static void on_over(struct birth *b) {
	remove_birth(b->owner, b);
}

static const struct birth_handler birth_handler = {
	.born = on_born, .unborn = on_unborn, .again = on_again, .told = on_told, .over = on_over
};

void molds_ask(struct molds *all, unsigned release, unsigned worker, unsigned slot) {
	struct birth *b = birth_create(all->loop, &birth_handler, all);
	if (b == NULL)
		return all->handler->unborn(all->context, worker, strerror(ENOMEM));
	b->worker = worker;
	b->slot = slot;
	b->release = release;
	struct birth **last = &all->births;
	while (*last != NULL)
		last = &(*last)->next;
	*last = b;
	molds_want(all, release);
}

static void explain_unborn(const struct mold *m, struct text *why) {
	if (m != NULL && m->life.state == MOLD_LOADING) {
		text_puts(why, "the app is still being loaded (app.boot_timeout)");
		mold_quote(m, why);
	} else {
		text_puts(why, "the mold has not forked it");
	}
}

/* The mold still owes an answer to one that was asked for, or is stuck. */
bool molds_cancel(struct molds *all, unsigned worker) {
	struct birth *b = births_of(all, worker);
	if (b == NULL || b->state == BIRTH_DONE || b->unwanted)
		return false;
	char buffer[300];
	struct text why = TEXT_IN(buffer);
	explain_unborn(molds_of_release(all, b->release), &why);
	if (b->state == BIRTH_WAITS) {
		give_up(all, b, buffer);
		return true;
	}
	b->unwanted = true;
	all->handler->unborn(all->context, worker, buffer);
	return true;
}

void molds_hear(struct molds *all, unsigned worker) {
	struct birth *b = births_of(all, worker);
	if (b != NULL && b->state == BIRTH_DONE)
		birth_hear(b);
}

void molds_forget(struct molds *all, unsigned worker) {
	struct birth *b = births_of(all, worker);
	if (b != NULL && b->state == BIRTH_DONE)
		remove_birth(all, b);
}

bool molds_expect(const struct molds *all) {
	for (const struct birth *b = all->births; b != NULL; b = b->next) {
		if (b->state == BIRTH_ASKED)
			return true;
	}
	return false;
}

bool births_wait(const struct molds *all, unsigned release) {
	return next_waiting(all, release) != NULL;
}

void births_destroy(struct molds *all) {
	while (all->births != NULL)
		remove_birth(all, all->births);
}
