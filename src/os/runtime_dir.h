/*
 * The place of one daemon while it runs: its control socket, its lock, its workers' probe
 * sockets. The first of these that can be ours:
 *
 *     /run/pumakeeper/NAME                0755: `control.group` may come in
 *     $XDG_RUNTIME_DIR/pumakeeper/NAME    0700
 *     /tmp/pumakeeper-UID/NAME            0700, and never somebody else's
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "util/base.h"
#include "util/strings.h"

struct runtime_bases {
	const char *run; /* "/run" */
	const char *xdg; /* $XDG_RUNTIME_DIR, or NULL */
	const char *tmp; /* "/tmp" */
};

struct runtime_dir {
	int fd;        /* CLOEXEC, the caller's */
	char path[80]; /* leaves room for a file's name in a unix socket's 107 bytes */
};

/*
 * Creates what is missing. `name` has no slash and is not `.` or `..`. 0, or -errno of the last
 * place tried: -EPERM when it belongs to somebody else or others may write there,
 * -ENAMETOOLONG when its path would not hold in 79 bytes. `dir->path` names that place, then.
 */
NODISCARD int runtime_dir_open(const struct runtime_bases *bases, const char *name,
			       struct runtime_dir *dir);

/*
 * Is it at its path still, and `fd` (of a file that was opened there) what `name` leads to? A
 * cleaner of /tmp, or a person, may have removed the one or the other.
 */
bool runtime_dir_is_there(const struct runtime_dir *dir);
bool runtime_dir_has(const struct runtime_dir *dir, const char *name, int fd);

/*
 * `old` is not there any more: the same place once more, with its mode, in `dir`. 0, or -errno as
 * above; other places are not tried, as nobody would look for this daemon there.
 */
NODISCARD int runtime_dir_again(const struct runtime_bases *bases, const char *name,
				const struct runtime_dir *old, struct runtime_dir *dir);

/*
 * The files of that name and type (`…/NAME/control`, S_IFSOCK) that there are, in the order of the
 * places, appended to `found`. Whether somebody still answers there is for the caller to find out.
 * 0 or -ENOMEM; places that can't be read hold none.
 */
NODISCARD int runtime_dir_list(const struct runtime_bases *bases, const char *file, mode_t type,
			       struct strings *found);
