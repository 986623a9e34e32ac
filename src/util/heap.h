/* Memory that is freed when its name goes out of scope. */
#pragma once

#include <stdlib.h>

#include "util/base.h"

static inline void heap_free(void *slot) {
	free(*(void **)slot);
}

#define AUTOFREE CLEANUP(heap_free)
