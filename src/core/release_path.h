/*
 * Paths that lead through `current`, led to the release that a worker is started from: a link
 * that has moved on would give it another release's Gemfile or config/puma.rb. Pure.
 */
#pragma once

#include "util/base.h"
#include "util/strings.h"

/*
 * `text` with `current` replaced by `release` wherever it stands as a whole path or leads one:
 * in a word, behind a `=`, in a shell's script. The caller's to free; NULL: no memory.
 */
NODISCARD char *release_path_pin(const char *text, const char *current, const char *release);

/* Every word of a list so. 0 or -ENOMEM, then with some of them as they were. */
NODISCARD int release_path_pin_all(struct strings *words, const char *current, const char *release);
