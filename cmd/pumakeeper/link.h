/* The line to one daemon: a request out, JSON lines in. */
#pragma once

#include <jansson.h>
#include <signal.h>
#include <stdbool.h>

#include "core/protocol.h"
#include "util/buffer.h"

struct link {
	int fd;
	struct buffer in;
	bool patient;         /* whoever said --wait or --follow waits for ever */
	const sigset_t *mask; /* of signals while we wait; NULL: as it is. One is -EINTR */
};

/* Connects to that path. 0 or -errno; link_close() is right in both cases. */
int link_open(struct link *link, const char *path, const sigset_t *mask);
void link_close(struct link *link);

/* 0 or -errno. A daemon that has refused us already is not an error: its reason is read next. */
int link_ask(struct link *link, const struct request *request);

/*
 * The next line, to be released by the caller. NULL at the end (`*error` 0), after 10 s of
 * silence (-ETIMEDOUT), when it is no JSON object (-EBADMSG), or -errno.
 */
json_t *link_next(struct link *link, int *error);
