/*
 * What a program printed before it ended, short enough to be quoted: its last lines, none of
 * them endless (Ruby puts a whole object into a NoMethodError), and no backtrace. Pure.
 */
#pragma once

#include "util/base.h"
#include "util/text.h"

/* As many of the last lines as fit into `room` bytes, at least the last one; no newline behind. */
void last_words(const char *output, size_t room, struct text *out);
