/*
 * A digest of what workers are launched with: whether those that another daemon has launched are
 * what this one would launch. Pure.
 */
#pragma once

#include "core/config.h"
#include "util/base.h"

#define LAUNCH_DIGEST_SIZE 17 /* 64 bits as hexadecimal digits, and a NUL */

/* `preload`: the allocator's library, "": none. */
void launch_digest(const struct config *config, const char *preload,
		   char digest[LAUNCH_DIGEST_SIZE]);
