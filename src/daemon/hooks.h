/*
 * Commands of a person's that run beside the herd (hooks.*): their processes. What they are for,
 * and when the time of one is over, is decided in core/herd_hooks.c.
 */
#pragma once

#include <ev.h>
#include <stdbool.h>
#include <sys/types.h>

#include "os/spawn.h"
#include "util/base.h"

struct hooks;

/* One has ended by itself: `why` it has failed, for a person; NULL: it has not. */
typedef void hooks_ended(void *context, unsigned id, const char *why);

/* NULL: no memory. */
NODISCARD struct hooks *hooks_create(struct ev_loop *loop, hooks_ended *ended, void *context);

/* Kills those that run, and doesn't wait for their end. Takes NULL. */
void hooks_destroy(struct hooks *hooks);

/* 0, or -errno as spawn_start(): then it will not be told of. */
NODISCARD int hooks_start(struct hooks *hooks, unsigned id, const struct spawn *program,
			  enum spawn_step *failed);

/*
 * Kills it, with its process group: its session is its own (os/spawn.h). It isn't told of any more.
 * What has left that group is not found.
 */
void hooks_end(struct hooks *hooks, unsigned id);

/* The same, but each is told of, if there is somebody yet who hears it. */
void hooks_end_all(struct hooks *hooks);

/* Is that one of them? */
bool hooks_own(const struct hooks *hooks, pid_t pid);
