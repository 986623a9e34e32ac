#include "os/runtime_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/fd.h"

#define PLACES    3
#define PATH_SIZE sizeof(((struct runtime_dir *)0)->path)

/* BASE/family/NAME; what we make has `mode`, what we find must be as closed. */
struct place {
	const char *base;
	char family[32];
	mode_t mode;
};

static void places(const struct runtime_bases *bases, struct place list[PLACES]) {
	list[0] = (struct place){ bases->run, "pumakeeper", 0755 };
	list[1] = (struct place){ bases->xdg, "pumakeeper", 0700 };
	list[2] = (struct place){ bases->tmp, "", 0700 };
	snprintf(list[2].family, sizeof list[2].family, "pumakeeper-%u", geteuid());
}

static int open_dir(int at, const char *name) {
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int make_and_open(int at, const char *name, mode_t mode) {
	if (mkdirat(at, name, mode) != 0) {
		if (errno != EEXIST)
			return -errno;
		return open_dir(at, name);
	}
	int fd = open_dir(at, name);
	if (fd >= 0)
		fchmod(fd, mode); /* the umask may have taken some of it */
	return fd;
}

/* In /tmp anybody may have made it first, or have put a link there (O_NOFOLLOW). */
static int check_ours(int fd, mode_t mode) {
	struct stat st;
	if (fstat(fd, &st) != 0)
		return -errno;
	bool too_open = (st.st_mode & 0777 & ~mode) != 0;
	return st.st_uid != geteuid() || too_open ? -EPERM : 0;
}

static int path_of(const struct place *p, const char *name, char path[PATH_SIZE]) {
	int n = snprintf(path, PATH_SIZE, "%s/%s/%s", p->base, p->family, name);
	return (size_t)n >= PATH_SIZE ? -ENAMETOOLONG : 0;
}

static int open_place(const struct place *p, const char *name, struct runtime_dir *dir) {
	if (p->base == NULL || p->base[0] != '/')
		return -ENOENT;
	int long_one = path_of(p, name, dir->path);
	if (long_one != 0)
		return long_one;

	/* The base may be a link (/var/run); below it nothing may. */
	AUTOCLOSE int base = open(p->base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (base < 0)
		return -errno;
	AUTOCLOSE int family = make_and_open(base, p->family, p->mode);
	if (family < 0)
		return family;
	/* /run/pumakeeper is shared by all apps and their users; the others are one user's own. */
	int error = p->mode == 0755 ? 0 : check_ours(family, p->mode);
	if (error != 0)
		return error;
	AUTOCLOSE int fd = make_and_open(family, name, p->mode);
	if (fd < 0)
		return fd;
	if ((error = check_ours(fd, p->mode)) != 0)
		return error;
	dir->fd = fd_take(&fd);
	return 0;
}

int runtime_dir_open(const struct runtime_bases *bases, const char *name, struct runtime_dir *dir) {
	if (*name == '\0' || strchr(name, '/') != NULL || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0)
		return -EINVAL;
	struct place list[PLACES];
	places(bases, list);
	int error = -ENOENT;
	for (size_t i = 0; i < PLACES; i++) {
		if ((error = open_place(&list[i], name, dir)) == 0)
			break;
	}
	return error;
}

static bool is_same(const struct stat *a, const struct stat *b) {
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

bool runtime_dir_is_there(const struct runtime_dir *dir) {
	struct stat ours, found;
	return fstat(dir->fd, &ours) == 0 && lstat(dir->path, &found) == 0 &&
	       is_same(&ours, &found);
}

bool runtime_dir_has(const struct runtime_dir *dir, const char *name, int fd) {
	struct stat ours, found;
	return fstat(fd, &ours) == 0 && fstatat(dir->fd, name, &found, AT_SYMLINK_NOFOLLOW) == 0 &&
	       is_same(&ours, &found);
}

static const struct place *place_at(const struct place list[PLACES], const char *name,
				    const char *path) {
	char one[PATH_SIZE];
	for (size_t i = 0; i < PLACES; i++) {
		if (list[i].base != NULL && path_of(&list[i], name, one) == 0 &&
		    strcmp(one, path) == 0)
			return &list[i];
	}
	return NULL;
}

int runtime_dir_again(const struct runtime_bases *bases, const char *name,
		      const struct runtime_dir *old, struct runtime_dir *dir) {
	struct place list[PLACES];
	struct stat st;
	places(bases, list);
	const struct place *p = place_at(list, name, old->path);
	int error = p != NULL ? open_place(p, name, dir) : -ENOENT;
	if (error == 0 && fstat(old->fd, &st) == 0) /* it has one as long as it is open */
		fchmod(dir->fd, st.st_mode & 07777);
	return error;
}

static int by_name(const void *a, const void *b) {
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_place(const struct place *p, const char *file, mode_t type, struct strings *found) {
	char path[256];
	if (p->base == NULL ||
	    (size_t)snprintf(path, sizeof path, "%s/%s", p->base, p->family) >= sizeof path)
		return 0;
	DIR *family = opendir(path);
	if (family == NULL)
		return 0;

	size_t before = found->len;
	int error = 0;
	for (struct dirent *e; error == 0 && (e = readdir(family)) != NULL;) {
		char entry[600];
		struct stat st;
		snprintf(entry, sizeof entry, "%s/%s/%s", path, e->d_name, file);
		if (e->d_name[0] != '.' && lstat(entry, &st) == 0 && (st.st_mode & S_IFMT) == type)
			error = strings_add(found, entry);
	}
	closedir(family);
	if (found->len > before)
		qsort(&found->items[before], found->len - before, sizeof(char *), by_name);
	return error;
}

int runtime_dir_list(const struct runtime_bases *bases, const char *file, mode_t type,
		     struct strings *found) {
	struct place list[PLACES];
	places(bases, list);
	for (size_t i = 0; i < PLACES; i++) {
		int error = list_place(&list[i], file, type, found);
		if (error != 0)
			return error;
	}
	return 0;
}
