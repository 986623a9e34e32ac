/*
 * Memory for a moment, by the page: zeroed, costs nothing before it is touched, and goes back to
 * the kernel at once. malloc keeps what a large block once took, in a daemon that should be small.
 */
#pragma once

#include "util/base.h"

struct pages {
	void *at; /* NULL: none */
	size_t len;
};

/* 0, -EINVAL for `len` 0, or -ENOMEM; then `pages` is none. */
NODISCARD int pages_map(size_t len, struct pages *pages);

/* Takes none as well, and leaves none. */
void pages_unmap(struct pages *pages);

#define AUTOUNMAP CLEANUP(pages_unmap)
