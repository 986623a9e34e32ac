/*
 * The tree that the options' paths make: sections, what is below them, what was meant by a key
 * that is not there. Pure.
 */
#pragma once

#include <stdbool.h>

#include "core/config.h"
#include "util/base.h"
#include "util/text.h"

/* The row of "app.probe"; NULL when there is none. */
const struct section *section_find(const char *path);

/* The key of `path` in `section` ("" is the top); NULL when it is elsewhere, or further below. */
const char *section_child(const char *section, const char *path);

/* "interval, figure, soft": all keys of a section. */
void section_print_children(const char *section, struct text *out);

/* What a section's word means, as a sentence: "`probe: none` is short for app.probe.path: none." */
void section_print_word(const struct section *section, struct text *out);

/* What `key` in `section` was meant to be: a key of it, or a whole path; NULL: no idea. */
const char *section_nearest(const char *section, const char *key);

/* How many sections a path is in: 1 for "memory.soft"; its last word: "soft". */
unsigned path_depth(const char *path);
const char *path_key(const char *path);
