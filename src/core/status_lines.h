/* What stands above and below the workers in `status`, and words that both need. Pure. */
#pragma once

#include <jansson.h>

#include "core/paint.h"

void status_print_head(const json_t *status, const struct style *style, struct text *out);

/* The counters, then everything that is not as it should be. */
void status_print_foot(const json_t *status, const struct style *style, struct text *out);

/* Of a worker's or the herd's state; NULL is fine. */
enum ink status_ink(const char *state);

/* `jemalloc 5.3.0 proved`; `allocator` may be NULL. */
void status_put_allocator(const json_t *allocator, const struct style *style, struct text *out);

/* The last part of a release's path; NULL stays NULL. */
const char *status_release_name(const char *path);
