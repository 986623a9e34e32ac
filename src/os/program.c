#include "os/program.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define USUAL_PATH "/usr/local/bin:/bin:/usr/bin" /* os/spawn.c */

static int look_at(const char *file) {
	struct stat st;
	if (stat(file, &st) != 0)
		return -errno;
	return S_ISREG(st.st_mode) && access(file, X_OK) == 0 ? 0 : -EACCES;
}

/* `dir` may be relative itself, and is so to `directory`. */
static int look_in(const char *dir, size_t n, const char *word, const char *directory) {
	char file[PATH_MAX];
	bool absolute = n > 0 && dir[0] == '/';
	int len = snprintf(file, sizeof file, "%s%s%.*s%s%s", absolute ? "" : directory,
			   absolute ? "" : "/", (int)n, dir, n > 0 ? "/" : "", word);
	return len < (int)sizeof file ? look_at(file) : -ENAMETOOLONG;
}

int program_look(const char *word, const char *path, const char *directory) {
	int found = -ENOENT;
	if (*word == '/')
		return look_at(word);
	if (strchr(word, '/') != NULL)
		return look_in("", 0, word, directory);
	if (path == NULL || *path == '\0')
		path = USUAL_PATH;
	for (;; path++) {
		size_t n = strcspn(path, ":");
		int error = *word != '\0' ? look_in(path, n, word, directory) : -ENOENT;
		if (error == 0)
			return 0;
		if (error != -ENOENT && error != -ENOTDIR)
			found = error;
		path += n;
		if (*path == '\0')
			return found;
	}
}
