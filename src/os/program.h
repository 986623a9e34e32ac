/* Whether a program could be started: what spawn_start() would find, before it is to. */
#pragma once

#include "util/base.h"

/*
 * `word` without a slash is searched in `path` (NULL or empty: as spawn_start() then does); with
 * one it is a file, from `directory` if it is relative. 0, or -errno: -ENOENT, -EACCES where it may
 * not be executed, or is none that could be.
 */
NODISCARD int program_look(const char *word, const char *path, const char *directory);
