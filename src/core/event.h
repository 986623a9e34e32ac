/*
 * An event: a fact, told once. One value of this type becomes the log line, the
 * history entry, the counter and the follower's JSON: four views of one fact.
 *
 * Pure data, no pointers to anything that could go away.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/config.h"
#include "util/base.h"
#include "util/msec.h"
#include "util/text.h"

enum event_id {
	EVENT_DAEMON_STARTED,
	EVENT_DAEMON_READY,
	EVENT_DAEMON_STOPPING,
	EVENT_DAEMON_HURRIED,
	EVENT_DAEMON_STOPPED,
	EVENT_DAEMON_GAVE_UP,
	EVENT_DAEMON_DETACHED,
	EVENT_DAEMON_UPGRADE_ASKED,
	EVENT_DAEMON_UPGRADING,
	EVENT_DAEMON_UPGRADE_FAILED,
	EVENT_CONFIG_RELOADED,
	EVENT_CONFIG_REFUSED,
	EVENT_CONFIG_NOTE,
	EVENT_WORKER_BOOTING,
	EVENT_WORKER_READY,
	EVENT_WORKER_PROBE_REFUSED,
	EVENT_WORKER_FAILED,
	EVENT_WORKER_DIED,
	EVENT_WORKER_RESTARTED,
	EVENT_WORKER_REBOOTED,
	EVENT_WORKER_HUNG,
	EVENT_WORKER_STOPPED,
	EVENT_REPLACEMENT_STARTED,
	EVENT_REPLACEMENT_REHEARSED,
	EVENT_REPLACEMENT_WAITS,
	EVENT_REPLACEMENT_FAILED,
	EVENT_REPLACEMENT_REFUSED,
	EVENT_REPLACEMENT_FUTILE,
	EVENT_REPLACEMENT_USEFUL,
	EVENT_REPLACEMENT_DONE,
	EVENT_HOOK_DONE,
	EVENT_HOOK_FAILED,
	EVENT_DRAIN_STARTED,
	EVENT_DRAIN_HALF_CLOSED,
	EVENT_DRAIN_UNABLE,
	EVENT_DRAIN_KILLED,
	EVENT_DRAIN_DONE,
	EVENT_MEMORY_SAMPLE,
	EVENT_MEMORY_OVER,
	EVENT_MEMORY_OVERDUE,
	EVENT_MEMORY_DEGRADED,
	EVENT_MEMORY_LIMIT,
	EVENT_ALLOCATOR_PROOF,
	EVENT_ALLOCATOR_MISSING,
	EVENT_MOLD_LOADING,
	EVENT_MOLD_READY,
	EVENT_MOLD_BROKEN,
	EVENT_MOLD_ENDING,
	EVENT_MOLD_GONE,
	EVENT_MOLD_ADOPTED,
	EVENT_MASTER_STARTED,
	EVENT_MASTER_READY,
	EVENT_MASTER_ADOPTED,
	EVENT_MASTER_BROKEN,
	EVENT_MASTER_ENDING,
	EVENT_MASTER_GONE,
	EVENT_MASTER_GROWS,
	EVENT_MASTER_SHRINKS,
	EVENT_MASTER_LOOPS,
	EVENT_MASTER_RESTARTS,
	EVENT_MASTER_RESTARTED,
	EVENT_RELEASE_CHANGED,
	EVENT_RELEASE_GONE,
	EVENT_PLACE_LOST,
	EVENT_PLACE_MADE,
	EVENT_STATE_PARTIAL,
	EVENT_STATE_UNWRITTEN,
	EVENT_STATE_SLOW,
	EVENT_RESTART_ASKED,
	EVENT_RESTART_DONE,
	EVENT_CONTROL_REFUSED,
	EVENT_LOG_DROPPED,
	EVENT_HERD_DEGRADED,
	EVENT_HERD_OK,
	EVENT_HERD_ADOPTED,
	EVENT_COUNT,
};

struct event_row {
	const char *name;
	enum log_level level;
	const char *fields; /* separated by blanks, in the order in which they are printed */
	const char *help;
};

extern const struct event_row event_rows[EVENT_COUNT];

enum field_type {
	FIELD_NUMBER, /* printed as it is */
	FIELD_BYTES,  /* text: 512MiB; JSON: key_bytes, a number */
	FIELD_TIME,   /* msec_t; text: 1.5s; JSON: key_ms, a number */
	FIELD_TEXT,   /* quoted in text where it needs it */
};

#define EVENT_KEY_MAX 16 /* bytes with the NUL */

struct event_field {
	char key[EVENT_KEY_MAX]; /* one of the row's `fields` */
	enum field_type type;
	int64_t number;
	uint16_t at; /* FIELD_TEXT: offset in event::text */
};

struct event {
	enum event_id id;
	uint64_t seq;      /* 1, 2, …; given by the journal */
	int64_t wall_msec; /* since 1970, for people only; given by the journal */
	unsigned len;
	struct event_field fields[10];
	size_t used;
	char text[400]; /* NUL-terminated strings; too long ones are cut */
};

/* An event without fields; then add them. Unknown keys are our own bug: assert. */
struct event event_make(enum event_id id);
void event_number(struct event *e, const char *key, int64_t number);
void event_bytes(struct event *e, const char *key, uint64_t bytes);
void event_time(struct event *e, const char *key, msec_t duration);
PRINTF(3, 4) void event_text(struct event *e, const char *key, const char *fmt, ...);

/* `event=NAME key=value …`, no newline. Control characters never come through. */
void event_print(const struct event *e, struct text *out);

/*
 * One JSON object, no newline: seq, time (RFC 3339), event, level, then the fields. Bytes that
 * are not UTF-8 become U+FFFD. EVENT_JSON_SIZE always holds it; where it does not fit nothing
 * is printed and `out` is cut.
 */
#define EVENT_JSON_SIZE 4096 /* every byte of the text as \u00XX, ten fields, the rest */
void event_print_json(const struct event *e, struct text *out);

/*
 * Back from there: `len` bytes of one object, whoever has written it. False, with `e` untouched,
 * when it is none, or of a name that is not known here.
 */
NODISCARD bool event_read_json(const char *line, size_t len, struct event *e);

const char *level_name(enum log_level level);
