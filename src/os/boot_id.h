/*
 * Which boot of the machine, or of the container, this is: a pid and its start time mean nothing in
 * another one.
 */
#pragma once

#include <sys/types.h>

#include "util/base.h"

#define BOOT_ID_SIZE 64 /* 36 letters, a dot, a number and a NUL, and room */

/*
 * /proc/sys/kernel/random/boot_id (random(4)), without its newline; and, where that may be seen,
 * behind a dot when process 1 was started: with it everybody ends in a container. 0, or -errno with
 * `id` as "": -EBADMSG when it holds something else.
 */
NODISCARD int boot_id_read(char id[BOOT_ID_SIZE]);

/*
 * As that process sees it: systemd-nspawn mounts one of its own over the kernel's, and a sandbox
 * (ProtectSystem= and the like) with a /proc of its own has the kernel's all the same. As above;
 * -EACCES where we may not look (ptrace(2)'s rules).
 */
NODISCARD int boot_id_read_of(pid_t pid, char id[BOOT_ID_SIZE]);
