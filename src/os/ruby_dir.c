#include "os/ruby_dir.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/heap.h"

/* Seen from the directory of the program; the last two from cmd/ or a folder in it. */
static const char *const places[] = {
	"../share/pumakeeper/ruby",
	"../src/ruby",
	"../../src/ruby",
};

static int try(const char *dir, char *path, size_t size) {
	char file[PATH_MAX];
	if ((size_t)snprintf(file, sizeof file, "%s/worker.rb", dir) >= sizeof file)
		return -ENAMETOOLONG;
	if (access(file, R_OK) != 0)
		return -errno;
	AUTOFREE char *real = realpath(dir, NULL);
	if (real == NULL)
		return -errno;
	if (strlen(real) >= size)
		return -ENAMETOOLONG;
	strcpy(path, real);
	return 0;
}

int ruby_dir_find(const char *wished, char *path, size_t size) {
	if (wished != NULL)
		return try(wished, path, size);

	char self[PATH_MAX], dir[PATH_MAX + 32];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	if (n < 0)
		return -errno;
	self[n] = '\0';
	/* After an upgrade " (deleted)" follows the name; the directory is still right. */
	*strrchr(self, '/') = '\0';

	int error = -ENOENT;
	for (size_t i = 0; error != 0 && i < ARRAY_LEN(places); i++) {
		snprintf(dir, sizeof dir, "%s/%s", self, places[i]);
		error = try(dir, path, size);
	}
	return error;
}
