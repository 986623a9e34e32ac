/* Small files, read whole. Blocks as long as the disk does; never on a FIFO. */
#pragma once

#include <stddef.h>

#include "util/base.h"

/*
 * The bytes of `path`, whatever they are: `*text` is the caller's to free and ends with a NUL
 * behind its `*len` bytes. 0, or -errno with both untouched: -EFBIG when there are more than
 * `max_bytes`.
 */
NODISCARD int file_read(const char *path, size_t max_bytes, char **text, size_t *len);
