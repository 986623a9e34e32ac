/*
 * UTF-8 of unknown origin: what is well-formed is known, the rest is never passed on.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "util/base.h"
#include "util/text.h"

#define UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/*
 * The first character of `n` bytes: its length (1 to 4) and `*codepoint`, or 0 when there is
 * none, well-formed (Unicode 15, table 3-7: no surrogates, nothing overlong).
 */
NODISCARD size_t utf8_next(const char *bytes, size_t n, uint32_t *codepoint);

/*
 * What somebody wrote, quoted in a message to a person: at most `characters` of it, `…` when
 * there are more, `?` for what a terminal should not see.
 */
void utf8_print(const char *string, size_t characters, struct text *out);
