#include "os/borrow.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/listen.h"
#include "os/socket_inodes.h"
#include "util/fd.h"

int borrow_socket(int pidfd, int fd, uint64_t inode) {
	AUTOCLOSE int borrowed = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	struct stat st;
	if (borrowed < 0 || fstat(borrowed, &st) != 0)
		return -errno;
	if (!S_ISSOCK(st.st_mode) || st.st_ino != inode)
		return -ESTALE;
	return fd_take(&borrowed);
}

int borrow_socket_of(int pidfd, int proc_dir, uint64_t inode) {
	struct socket_inodes sockets = { 0 };
	int result = socket_inodes_read(proc_dir, &sockets);
	if (result == 0)
		result = -ENOENT;
	for (size_t i = 0; i < sockets.len; i++) {
		if (sockets.inodes[i] != inode)
			continue;
		result = borrow_socket(pidfd, sockets.fds[i], inode);
		break;
	}
	socket_inodes_finish(&sockets);
	return result;
}

int borrow_listener(int pidfd, int proc_dir, uint64_t inode) {
	AUTOCLOSE int fd = borrow_socket_of(pidfd, proc_dir, inode);
	if (fd < 0)
		return fd;
	return listen_kind(fd) == LISTEN_LISTENS ? fd_take(&fd) : -EINVAL;
}
