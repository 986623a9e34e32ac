/* Which boot of the machine this is: a pid and its start time mean nothing in another one. */
#pragma once

#include "util/base.h"

#define BOOT_ID_SIZE 40 /* 36 letters and a NUL, and room */

/*
 * /proc/sys/kernel/random/boot_id (random(4)), without its newline. 0, or -errno with `id` as "":
 * -EBADMSG when it holds something else.
 */
NODISCARD int boot_id_read(char id[BOOT_ID_SIZE]);
