/* What the daemon, a mold and its workers say to each other (ruby/mold.rb), as JSON. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "util/base.h"
#include "util/text.h"

enum mold_word {
	MOLD_WORD_OTHER,   /* nothing that is known here */
	MOLD_WORD_LOADED,  /* a mold: the app is loaded, ask me; text: its Puma's version */
	MOLD_WORD_BORN,    /* a worker: I am, and a child of yours */
	MOLD_WORD_SERVING, /* a worker: Puma has booted */
	MOLD_WORD_WARM,    /* a worker: I have answered app.refork.requests */
	MOLD_WORD_FAILED,  /* of a worker: it will not serve, or not be a mold; text: why */
};

/* Asks a mold for a worker of that slot. It tells that it is warm after `requests`; 0: never. */
void mold_words_fork(unsigned slot, unsigned requests, struct text *out);

/* Answers MOLD_WORD_BORN: the worker waits for it, and ends when it can't come any more. */
void mold_words_live(struct text *out);

/* Tells a worker to become the mold of that generation. */
void mold_words_promote(unsigned generation, struct text *out);

/* `text` is what goes with it, or "". */
enum mold_word mold_words_read(const char *message, size_t len, struct text *text);
