/*
 * What is said over the control socket: one JSON object per line, both ways, UTF-8.
 *
 *     > {"v":1,"verb":"restart","slots":[0,2],"wait":true}
 *     < {"v":1,"progress":"slot 0: the new worker is ready"}
 *     < {"v":1,"ok":true,"done":true}
 *
 * One request per connection; the answer ends with the only line that has `ok`, then the
 * daemon closes. Before it may come progress lines (`progress`) and events (as
 * event_print_json() prints them, with the member `event`). A refusal is
 * {"v":1,"ok":false,"error":"…","code":1}. Both may have `lines`, a list of sentences: what a
 * reload changed, the errors of a file; a success may have `message`, one sentence. The answers
 * to `status` and `explain` are in status_table.h and explain_table.h.
 *
 * Pure. What is unknown (a version, a verb, a member) is refused, not ignored: an old daemon
 * must not do half of what a new command asks.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/command_table.h"
#include "util/base.h"
#include "util/error.h"
#include "util/text.h"

#define PROTOCOL_VERSION     1
#define PROTOCOL_REQUEST_MAX 65536 /* bytes, with the newline */
#define PROTOCOL_LINE_MAX    4096  /* holds any refusal, success, progress or request of ours */

#define REQUEST_SLOTS    64
#define REQUEST_SLOT_MAX 65535

struct request {
	enum verb verb;
	bool all, force, wait, follow;
	uint64_t since; /* only events with a greater seq; 0: all that are remembered */
	unsigned slots[REQUEST_SLOTS]; /* ascending, no two alike */
	unsigned n_slots;
};

/* What the command exits with. */
enum protocol_code {
	CODE_FAILED = 1,         /* refused or failed */
	CODE_NOT_UNDERSTOOD = 2, /* the request makes no sense */
};

/* `line` of `len` bytes, without its newline; need not be terminated. 0, or -1 with `err`. */
NODISCARD int protocol_parse(const char *line, size_t len, struct request *request,
			     struct error *err);

/*
 * What the next four print is one line without its newline, all ASCII, and fits in
 * PROTOCOL_LINE_MAX (texts beyond about 600 bytes are cut). The request is the inverse of
 * protocol_parse().
 */
void protocol_print_request(const struct request *request, struct text *out);
PRINTF(3, 4)
void protocol_refuse(struct text *out, enum protocol_code code, const char *fmt, ...);
PRINTF(2, 3) void protocol_progress(struct text *out, const char *fmt, ...);

/* {"v":1,"ok":true,"done":true}, with `message` for a person if it is not NULL. */
void protocol_done(struct text *out, const char *message);

/* One line for `value`, newline-free and ASCII; `out` says `cut` when it does not fit. */
void protocol_print(struct text *out, const json_t *value);
