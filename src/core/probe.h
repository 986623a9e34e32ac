/*
 * One HTTP request that proves a worker: the bytes to send, and what the answer means. Pure;
 * the answer's bytes are believed no more than a stranger's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/config.h"
#include "util/base.h"
#include "util/strings.h"
#include "util/text.h"

#define PROBE_ANSWER_MAX (16u << 10) /* bytes of status line and headers */

/*
 * `GET PATH HTTP/1.1` with Host: localhost, X-Forwarded-Proto: https, User-Agent, Accept and
 * Connection: close. `headers` (NAME=value, may be NULL) replace ours of the same name, in
 * any case, and come in addition otherwise. 0, -EINVAL when the path or a header has a
 * character that would end its line (or a path does not start with `/`), -EMSGSIZE when it does not
 * fit in `out`.
 */
NODISCARD int probe_request(const char *path, const struct strings *headers, struct text *out);

enum probe_answer {
	PROBE_MORE,    /* not told yet */
	PROBE_READY,   /* it serves */
	PROBE_REFUSED, /* an answer, but not one that counts */
	PROBE_GARBLED, /* this is no HTTP, or it ended in the middle */
};

/* An answer as far as it has come. Zeroed: nothing yet. */
struct probe {
	enum probe_answer answer;
	uint16_t status;    /* 0: not told */
	char location[256]; /* cut; without control characters; empty: none */
	uint32_t total;     /* bytes so far */
	uint16_t line_len;  /* of the line that is being read; it goes on past the buffer */
	char line[300];
};

/*
 * The next bytes of the answer; what follows once it was told is ignored. Ready is what
 * `ranges` holds, or, if they are empty, anything below 500 that is not 403: a 404 says that the
 * stack works and only the page is missing. 1xx answers are passed over. Headers without
 * end are judged by their status after PROBE_ANSWER_MAX.
 */
enum probe_answer probe_read(struct probe *p, const char *bytes, size_t n,
			     const struct status_ranges *ranges);

/* Nothing more will come: MORE becomes GARBLED. */
enum probe_answer probe_end(struct probe *p);

bool probe_status_ready(unsigned status, const struct status_ranges *ranges);

/*
 * The setting that a status usually points at, for a person. False: nothing to say. Independent
 * of the verdict: 404 and 301 are ready by the default rule and still worth a word.
 */
bool probe_hint(unsigned status, const char *location, struct text *out);
