/*
 * Which boot of the machine, or of the container, this is: a pid and its start time mean nothing in
 * another one.
 */
#pragma once

#include "util/base.h"

#define BOOT_ID_SIZE 64 /* 36 letters, a dot, a number and a NUL, and room */

/*
 * /proc/sys/kernel/random/boot_id (random(4)), without its newline; and, where that may be seen,
 * behind a dot when process 1 was started: with it everybody ends in a container. 0, or -errno with `id` as "":
 * -EBADMSG when it holds something else.
 */
NODISCARD int boot_id_read(char id[BOOT_ID_SIZE]);
