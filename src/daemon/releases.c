#include "daemon/releases.h"

#include <stdio.h>
#include <string.h>

const char *releases_path(const struct releases *r, unsigned number) {
	if (number == 0 || number > r->last || r->last - number >= RELEASES_KEPT)
		return NULL;
	return r->paths[number % RELEASES_KEPT];
}

unsigned releases_add(struct releases *r, const char *path) {
	const char *newest = releases_path(r, r->last);
	if (newest != NULL && strcmp(newest, path) == 0)
		return r->last;
	r->last++;
	snprintf(r->paths[r->last % RELEASES_KEPT], PATH_MAX, "%s", path);
	return r->last;
}
