#include "core/releases.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

const char *releases_path(const struct releases *r, unsigned number) {
	if (number == 0 || number > r->last || r->last - number >= RELEASES_KEPT)
		return NULL;
	const char *path = r->paths[number % RELEASES_KEPT];
	return *path != '\0' ? path : NULL; /* "": it was lost with a daemon */
}

unsigned releases_renew(struct releases *r, const char *path) {
	char copy[PATH_MAX]; /* `path` may be what is overwritten */
	snprintf(copy, sizeof copy, "%s", path);
	r->last++;
	snprintf(r->paths[r->last % RELEASES_KEPT], PATH_MAX, "%s", copy);
	return r->last;
}

unsigned releases_add(struct releases *r, const char *path) {
	const char *newest = releases_path(r, r->last);
	bool same = newest != NULL && strcmp(newest, path) == 0;
	return same ? r->last : releases_renew(r, path);
}
