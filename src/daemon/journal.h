/*
 * Where events go: each is numbered and dated, becomes a line on stderr, is remembered for a
 * while, and is handed to whoever listens.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/config.h"
#include "core/event.h"
#include "util/base.h"

#define JOURNAL_REMEMBERED 512

struct journal;

struct journal_rules {
	enum log_format format;
	enum log_level level;
	int fd;        /* borrowed: stderr */
	bool priority; /* lines begin with <3>, as systemd's journal reads them (sd-daemon(3)) */
};

/* NULL when out of memory. */
NODISCARD struct journal *journal_create(const struct journal_rules *rules);
void journal_destroy(struct journal *j);

/* After a reload. */
void journal_set_rules(struct journal *j, const struct journal_rules *rules);

/* At most one: called after each event was written, with `seq` and time filled in. */
void journal_listen(struct journal *j, void (*told)(void *context, const struct event *event),
		    void *context);

/*
 * Tells it. Never blocks: when stderr takes no more, the line is dropped and counted, and
 * `log.dropped` is told as soon as there is room. Needs nothing of `event` afterwards.
 */
void journal_tell(struct journal *j, struct event *event);

/*
 * Before anything is told: one that an earlier daemon has told. In the order of their numbers;
 * what was remembered before a gap is forgotten.
 */
void journal_restore(struct journal *j, const struct event *event);

/* The oldest remembered one with a greater number than `seq`, or NULL. Borrowed. */
const struct event *journal_after(const struct journal *j, uint64_t seq);

/* Is stderr the journal of systemd ($JOURNAL_STREAM, systemd.exec(5))? */
bool journal_is_systemds(int fd, const char *journal_stream);
