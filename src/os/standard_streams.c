#include "os/standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

void standard_streams_ensure(void) {
	int fd;
	/* The lowest number that is free is what open(2) gives: the first gap, until there is none. */
	while ((fd = open("/dev/null", O_RDWR)) >= 0 && fd <= STDERR_FILENO)
		;
	if (fd >= 0)
		close(fd);
}
