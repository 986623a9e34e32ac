/*
 * The herd's listening sockets: opened once, or taken over from whoever gave them to us (systemd,
 * a daemon before us), kept, handed to every worker.
 */
#pragma once

#include "core/config.h"
#include "core/connections.h"
#include "os/inherited.h"
#include "os/spawn.h"
#include "util/base.h"
#include "util/error.h"
#include "util/strings.h"

enum listener_origin {
	LISTENER_OPENED, /* by us */
	LISTENER_KEPT,   /* by a daemon before us: from now on as if we had opened it */
	LISTENER_PASSED, /* by systemd: so is its file, and its mode */
};

struct listener_set {
	int fds[SPAWN_FDS_MAX];                    /* -1 is none */
	struct listener_name names[SPAWN_FDS_MAX]; /* of the same */
	char urls[SPAWN_FDS_MAX][128];             /* as Puma would write them */
	enum listener_origin origins[SPAWN_FDS_MAX];
	char store_names[SPAWN_FDS_MAX][INHERITED_NAME_SIZE];
	size_t len;
	struct strings notes;   /* what a person should know of those that we were given */
	struct strings dropped; /* names in systemd's store that are to go from there */
};

/*
 * A socket for every address of app.listen: from `in` where it is at that address or has the name
 * it asks for, else a new one. With TCP_DEFER_ACCEPT where app.defer_accept says so, and a
 * backlog that is no shorter than ours; whether they block stays as it is, workers may be
 * accepting from them. What is meant for others must have been taken out of `in` before: a
 * listener in there that nobody asked for is closed, and told in `notes`. May block in the
 * resolver: for before the loop. 0, or -1 with `err` and nothing left open.
 */
NODISCARD int listeners_open(const struct config *config, struct inherited *in,
			     struct listener_set *set, struct error *err);

/*
 * What the next daemon shall know it by: FDNAME= in systemd's store, the name in its
 * inherited_add(). The same from daemon to daemon. Those with `origins` LISTENER_PASSED need no
 * place in the store, systemd passes them anyway. Borrowed from the set.
 */
const char *listeners_store_name(const struct listener_set *set, size_t i);

/* What becomes of the files of unix sockets. Those that systemd passed always stay. */
enum listeners_end {
	LISTENERS_FAILED, /* we never began: those that we opened go */
	LISTENERS_ENDED,  /* nobody serves any more: those of a daemon before us go, too */
	LISTENERS_LEFT,   /* workers go on serving: they stay */
};

void listeners_close(struct listener_set *set, enum listeners_end end);

/* Connections that wait to be accepted, over all; -1 where the kernel doesn't tell. */
int listeners_queued(const struct listener_set *set);
