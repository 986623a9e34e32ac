/* The herd's listening sockets: opened once, kept, handed to every worker. */
#pragma once

#include "core/config.h"
#include "core/connections.h"
#include "os/spawn.h"
#include "util/base.h"
#include "util/error.h"

struct listener_set {
	int fds[SPAWN_FDS_MAX];                    /* -1 is none */
	struct listener_name names[SPAWN_FDS_MAX]; /* of the same */
	char urls[SPAWN_FDS_MAX][128];             /* as Puma would write them */
	size_t len;
};

/*
 * Opens every address of app.listen; with TCP_DEFER_ACCEPT where app.defer_accept says so. May
 * block in the resolver: for before the loop. 0, or -1 with `err` and nothing left open.
 */
NODISCARD int listeners_open(const struct config *config, struct listener_set *set,
			     struct error *err);

/* Removes the files of unix sockets and closes all. */
void listeners_close(struct listener_set *set);

/* Connections that wait to be accepted, over all; -1 where the kernel doesn't tell. */
int listeners_queued(const struct listener_set *set);
