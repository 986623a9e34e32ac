/*
 * Root on another's behalf: what their files say is done with their rights, so that it can't be
 * used to have done what only root may.
 */
#pragma once

#include <sys/types.h>

#include "util/base.h"

/*
 * That user and group, and no other group; the way back is kept (the saved ids). The real ids as
 * well, as kill(2) looks at either one. Nothing is done where we aren't root, or they are. 0 or
 * -errno.
 */
NODISCARD int act_as(uid_t uid, gid_t gid);

/* Who we were; but for the other groups. 0 or -errno. */
NODISCARD int act_as_ourselves(void);
