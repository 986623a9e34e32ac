/* Listening sockets that somebody gave us, and that no address of app.listen asks for. */
#pragma once

#include "daemon/listeners.h"
#include "os/inherited.h"
#include "util/base.h"
#include "util/error.h"

/*
 * Closes them, each told in `notes`. One of an earlier daemon goes with its file, unless somebody
 * in `set` is there, and is named in `dropped`. 0, or -1 with `err`: out of memory.
 */
NODISCARD int listeners_drop_rest(struct listener_set *set, struct inherited *in,
				  struct error *err);

/*
 * `err` says why an address could not be opened: the first of them is named there as well, since
 * it may be the one that was meant. -1.
 */
int listeners_name_rest(const struct inherited *in, struct error *err);
