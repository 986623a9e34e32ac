/* What an app is called: its place below /run/pumakeeper, its word in logs and lists. Pure. */
#pragma once

#include "core/config.h"
#include "util/base.h"
#include "util/error.h"

/* With it the paths of all places fit into what runtime_dir_open() takes (79 bytes). */
#define APP_NAME_MAX 48 /* bytes */

/* Only [A-Za-z0-9._-], no leading dot, 1 to APP_NAME_MAX bytes. 0, or -1 with `err`. */
NODISCARD int app_name_check(const char *name, struct error *err);

/*
 * `app.name`, else the last part of `directory` that is not `current` nor `releases` with what
 * is below it: /srv/shop/current and /srv/shop/releases/42 are both "shop". `directory` is
 * absolute, NULL when there is none. `size` above APP_NAME_MAX. 0, or -1 with `err` and `name`
 * untouched.
 */
NODISCARD int app_name(const struct config *config, const char *directory, char *name, size_t size,
		       struct error *err);
