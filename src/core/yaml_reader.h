/*
 * libyaml, with its errors made into ours: one event at a time, and what we don't want from
 * YAML (aliases, tags, NUL, endless nesting) refused for everybody.
 *
 * Pure: reads text.
 */
#pragma once

#include <stdbool.h>
#include <yaml.h>

#include "util/base.h"
#include "util/error.h"

struct yaml_reader {
	yaml_parser_t yaml;
	const char *text;
	size_t len;
	struct errors *errors;
	unsigned depth; /* open lists and mappings */
	bool stopped;   /* there is nothing more to be had: a syntax error, or enough errors */
};

#define AUTOEVENT CLEANUP(yaml_event_delete)

/* `text` and `errors` are borrowed until the finish. 0, or -1 when out of memory. */
NODISCARD int yaml_reader_init(struct yaml_reader *r, const char *text, size_t len,
			       struct errors *errors);
void yaml_reader_finish(struct yaml_reader *r);

/*
 * The next event, the caller's to delete. False, with the error already told and `event` empty,
 * when there is none: leave, and let everybody above leave.
 */
NODISCARD bool yaml_reader_next(struct yaml_reader *r, yaml_event_t *event);

/* Reads over the rest of the node that `first` has begun. */
void yaml_reader_skip(struct yaml_reader *r, const yaml_event_t *first);

/* An error at `mark`. */
PRINTF(3, 4)
void yaml_reader_complain(struct yaml_reader *r, yaml_mark_t mark, const char *fmt, ...);

/* `key:` with nothing behind it, `~` or `null`; an empty text in quotes is not. */
bool yaml_is_null(const yaml_event_t *event);

/* A scalar whose yaml_text() is all of it; why another is not was told by yaml_reader_next(). */
bool yaml_is_usable(const yaml_event_t *event);

/* "a list", "a mapping", "a value", for messages. */
const char *yaml_kind_name(const yaml_event_t *event);

static inline const char *yaml_text(const yaml_event_t *event) {
	return (const char *)event->data.scalar.value;
}
