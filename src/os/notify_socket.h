/*
 * The receiving end of sd_notify(3): who says what. Decides nothing; what is said is text.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "util/base.h"

/* A datagram socket at `path` (mode 0600), non-blocking and CLOEXEC; the caller's. Or -errno. */
NODISCARD int notify_socket_open(const char *path);

/*
 * The next message, terminated; `pid` is the sender's, as the kernel says (0: it doesn't). Its
 * length, or -errno: -EAGAIN when there is none, -EBADMSG for one that was cut (it is gone).
 * Descriptors that came along (FDSTORE=1, BARRIER=1) are closed.
 */
NODISCARD ssize_t notify_socket_receive(int fd, char *text, size_t size, pid_t *pid);
