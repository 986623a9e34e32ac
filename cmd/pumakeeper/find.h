/* Which daemon is meant? */
#pragma once

#include <stddef.h>

/*
 * The path of the socket: of `wanted` (a path, or an app's name), else of $PUMAKEEPER_SOCKET,
 * else of the only daemon that answers. EXIT_DONE; or what to exit with, the reason said on
 * stderr. A path that was named is not tried here.
 */
int find_daemon(const char *wanted, char *path, size_t size);

/* Says why no daemon answers at `path`, and returns what to exit with. */
int find_failed(const char *path, int error);
