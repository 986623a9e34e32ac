#include "os/act_as.h"

#include <errno.h>
#include <grp.h>
#include <unistd.h>

int act_as(uid_t uid, gid_t gid) {
	if (geteuid() != 0 || uid == 0)
		return 0;
	if (setgroups(0, NULL) != 0 || setresgid(gid, gid, 0) != 0 || setresuid(uid, uid, 0) != 0)
		return -errno;
	return 0;
}

int act_as_ourselves(void) {
	uid_t real, effective, saved;
	if (getresuid(&real, &effective, &saved) != 0)
		return -errno;
	if (effective == saved)
		return 0;
	if (setresuid(saved, saved, saved) != 0 || setresgid(saved, saved, saved) != 0)
		return -errno;
	return 0;
}
