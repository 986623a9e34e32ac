/*
 * A worker that does nothing, for where scale needs more of them than Ruby allows: takes its
 * sockets, says READY=1, sleeps until TERM. With a file as argument it maps that privately and
 * reads all of it, so that it holds as much memory that is shared with its siblings.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static volatile unsigned char sink;

static int hold(const char *path) {
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0)
		return -1;
	const unsigned char *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return -1;
	for (off_t at = 0; at < st.st_size; at += 4096)
		sink = bytes[at];
	return 0;
}

static int say_ready(void) {
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (path == NULL || fd < 0 || strlen(path) >= sizeof to.sun_path)
		return -1;
	memcpy(to.sun_path, path, strlen(path));
	return sendto(fd, "READY=1", 7, 0, (const struct sockaddr *)&to, sizeof to) == 7 ? 0 : -1;
}

int main(int argc, char *argv[]) {
	if ((argc > 1 && hold(argv[1]) != 0) || say_ready() != 0) {
		perror("sleeper");
		return EXIT_FAILURE;
	}
	for (;;)
		pause();
}
