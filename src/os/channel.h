/*
 * A line between the daemon and Ruby of ours: a SOCK_SEQPACKET pair, so that a message is a
 * packet and brings its descriptors with it (ruby/channel.rb has the other end).
 */
#pragma once

#include <sys/types.h>

#include "util/base.h"

#define CHANNEL_MESSAGE_MAX 4096
#define CHANNEL_FDS_MAX     72

/*
 * `ours` is non-blocking and told by the kernel who sends; both are CLOEXEC and the caller's.
 * 0 or -errno.
 */
NODISCARD int channel_open(int *ours, int *theirs);

/*
 * Never waits. 0, or -errno: -EAGAIN when the other end doesn't read, -EPIPE when nobody is
 * there. The descriptors stay the caller's.
 */
NODISCARD int channel_send(int fd, const char *text, size_t len, const int *fds, size_t n_fds);

/*
 * The length of a message, terminated in `text`, with the pid of its sender, as the kernel saw it
 * and in our namespace (0: not in it); 0 when nobody is left who could send; -EAGAIN when there is
 * none yet, -EBADMSG for one that is too long, another -errno. Descriptors that come are closed.
 */
NODISCARD ssize_t channel_receive(int fd, char text[CHANNEL_MESSAGE_MAX + 1], pid_t *sender);
