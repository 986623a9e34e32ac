/* The releases that workers were started from, by number: paths without links. */
#pragma once

#include <limits.h>
#include <stddef.h>

#include "util/base.h"

#define RELEASES_KEPT 8 /* more than one herd ever has at the same time */

struct releases {
	unsigned last; /* the newest number; 0: none yet */
	char paths[RELEASES_KEPT][PATH_MAX];
};

/* Its number: a new one, unless it is the newest already. */
unsigned releases_add(struct releases *r, const char *path);

/* Always a new one: the same path may have other code by now. */
unsigned releases_renew(struct releases *r, const char *path);

/* NULL when it is not known any more. Borrowed until that many others were added. */
const char *releases_path(const struct releases *r, unsigned number);
