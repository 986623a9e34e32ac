#include "os/standard_streams.h"

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite.h"
#include "util/base.h"

static bool is_null(int fd) {
	struct stat st;
	return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
}

static int next_free(void) {
	int fd = dup(STDIN_FILENO);
	close(fd);
	return fd;
}

/* `closed`: which of 0 to 2 are, a bit each; the others are a pipe's. */
static bool try_without(unsigned closed) {
	int ends[2];
	if (pipe(ends) != 0)
		return false;
	for (int fd = 0; fd <= 2; fd++)
		dup2(ends[1], fd);
	int next = next_free();
	for (int fd = 0; fd <= 2; fd++) {
		if (closed & 1u << fd)
			close(fd);
	}
	standard_streams_ensure();
	for (int fd = 0; fd <= 2; fd++) {
		if (is_null(fd) != ((closed & 1u << fd) != 0))
			return false;
	}
	return next_free() == next; /* nothing else was left open */
}

START_TEST(whichever_is_closed_is_filled_and_the_others_are_left)
{
	for (unsigned closed = 0; closed < 8; closed++) {
		int status;
		pid_t pid = fork();
		if (pid == 0)
			_exit(try_without(closed) ? 0 : 1);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_msg(status == 0, "closed: %u", closed);
	}
}
END_TEST

SUITE("standard_streams", whichever_is_closed_is_filled_and_the_others_are_left)
