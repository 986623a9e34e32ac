/* Small files, read whole. Blocks as long as the disk does. */
#pragma once

#include <stddef.h>

#include "util/base.h"
#include "util/msec.h"

/*
 * The bytes of `path`, whatever they are: `*text` is the caller's to free and ends with a NUL
 * behind its `*len` bytes. 0, or -errno with both untouched: -EFBIG when there are more than
 * `max_bytes`; -ENOTSUP, without having opened it, when it is a pipe, a terminal or a device,
 * which may have its bytes whenever it likes.
 */
NODISCARD int file_read(const char *path, size_t max_bytes, char **text, size_t *len);

/*
 * Of a pipe as well: waits, for at most `patience` in all, for somebody to write and to close.
 * -ETIMEDOUT when that took longer.
 */
NODISCARD int file_read_within(const char *path, size_t max_bytes, msec_t patience, char **text,
			       size_t *len);
