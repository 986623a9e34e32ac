/*
 * Which of the sockets that somebody gave us is for which address of app.listen. First whoever is
 * at the address itself, then whoever has the name it asks for, and then, for a port that the
 * kernel chose, what an earlier daemon of ours had there.
 */
#pragma once

#include <stdbool.h>

#include "core/address.h"
#include "daemon/listeners.h"
#include "os/inherited.h"
#include "os/spawn.h"
#include "util/base.h"
#include "util/error.h"

/*
 * What can't serve is sorted out: a socket that systemd passes and that isn't a stream or doesn't
 * listen is an error, one of ours is closed, told in `notes` and named in `dropped` of `set`; of
 * two descriptors for one socket one is closed, rather ours. What is no socket is none of our
 * business. 0, or -1 with `err`.
 */
NODISCARD int listeners_screen(struct inherited *in, struct listener_set *set, struct error *err);

struct listener_matches {
	struct listener_match {
		size_t address; /* the index in `addresses` */
		size_t given;   /* and in inherited::list; each once */
	} list[SPAWN_FDS_MAX];
	size_t len; /* what is more has no place in a worker either */
};

/* In screened ones. May block in the resolver, if there are any. */
void listeners_match(const struct address *addresses, size_t n, const struct inherited *in,
		     struct listener_matches *out);

/* The next listener in `in`, from `i` on; inherited::len: there is none (left). */
size_t listeners_next(const struct inherited *in, size_t i);
