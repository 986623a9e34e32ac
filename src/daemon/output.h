/* Where workers write: app.output, a file that can be opened anew, or the daemon's own. */
#pragma once

#include "util/base.h"
#include "util/error.h"

struct output {
	const char *path; /* borrowed; NULL: the daemon's own stdout and stderr */
	int fd;           /* -1 then */
};

/*
 * Appends, and creates it 0640. 0, or -1 with `err`.
 */
NODISCARD int output_open(struct output *output, const char *path, struct error *err);

/*
 * After logrotate has renamed the file: workers that run have the old one as a descriptor of
 * their own, which nobody can take from them, so they get the new one with their replacement.
 * 0 or -errno with the old one still in use.
 */
NODISCARD int output_reopen(struct output *output);
void output_close(struct output *output);
