#include "cmd/pumakeeper/find.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/pumakeeper/exit.h"
#include "os/control_socket.h"
#include "os/runtime_dir.h"

int find_failed(const char *path, int error) {
	switch (-error) {
	case ENOENT:
	case ECONNREFUSED:
		fprintf(stderr, "pumakeeper: no daemon answers at %s\n", path);
		return EXIT_NO_DAEMON;
	case EACCES:
	case EPERM:
		fprintf(stderr,
			"pumakeeper: %s: you may not; ask as root, as the app's user, or as a "
			"member of its control.group\n",
			path);
		return EXIT_FAILED;
	default:
		fprintf(stderr, "pumakeeper: %s: %s\n", path, strerror(-error));
		return EXIT_FAILED;
	}
}

/* …/NAME/control: the name, `*n` bytes. */
static const char *name_of(const char *path, size_t *n) {
	const char *end = strrchr(path, '/'), *begin = end;
	while (begin > path && begin[-1] != '/')
		begin--;
	*n = (size_t)(end - begin);
	return begin;
}

static int use(const char *found, char *path, size_t size) {
	if ((size_t)snprintf(path, size, "%s", found) < size)
		return EXIT_DONE;
	fprintf(stderr, "pumakeeper: %s: too long for a socket\n", found);
	return EXIT_USAGE;
}

static int use_name(const struct strings *sockets, const char *wanted, char *path, size_t size) {
	for (size_t i = 0; i < sockets->len; i++) {
		size_t n;
		const char *name = name_of(sockets->items[i], &n);
		if (strlen(wanted) == n && strncmp(name, wanted, n) == 0)
			return use(sockets->items[i], path, size);
	}
	fprintf(stderr, "pumakeeper: no daemon of that name: %s\n", wanted);
	return EXIT_NO_DAEMON;
}

/* Whose sockets are there; and who of them answers? */
struct survey {
	struct strings alive, forbidden;
};

static int look(const struct strings *sockets, struct survey *survey) {
	for (size_t i = 0; i < sockets->len; i++) {
		const char *path = sockets->items[i];
		int fd = control_socket_connect(path), error = 0;
		if (fd >= 0) {
			close(fd);
			error = strings_add(&survey->alive, path);
		} else if (fd == -EACCES) {
			error = strings_add(&survey->forbidden, path);
		}
		if (error != 0)
			return error;
	}
	return 0;
}

static int let_choose(const struct strings *alive) {
	fprintf(stderr, "pumakeeper: there are several daemons; say which with -s NAME:\n");
	for (size_t i = 0; i < alive->len; i++) {
		size_t n;
		const char *name = name_of(alive->items[i], &n);
		fprintf(stderr, "  %-16.*s %s\n", (int)n, name, alive->items[i]);
	}
	return EXIT_USAGE;
}

static int choose(const struct survey *survey, char *path, size_t size) {
	if (survey->alive.len == 1)
		return use(survey->alive.items[0], path, size);
	if (survey->alive.len > 1)
		return let_choose(&survey->alive);
	if (survey->forbidden.len > 0)
		return find_failed(survey->forbidden.items[0], -EACCES);
	fprintf(stderr, "pumakeeper: no daemon is running here\n");
	return EXIT_NO_DAEMON;
}

int find_daemon(const char *wanted, char *path, size_t size) {
	CLEANUP(strings_finish) struct strings sockets = { 0 };
	const struct runtime_bases bases = { "/run", getenv("XDG_RUNTIME_DIR"), "/tmp" };
	if (wanted == NULL)
		wanted = getenv("PUMAKEEPER_SOCKET");
	if (wanted != NULL && wanted[0] != '\0' && strchr(wanted, '/') != NULL)
		return use(wanted, path, size);
	if (runtime_dir_list(&bases, "control", S_IFSOCK, &sockets) != 0)
		return find_failed("sockets", -ENOMEM);
	if (wanted != NULL && wanted[0] != '\0')
		return use_name(&sockets, wanted, path, size);

	struct survey survey = { 0 };
	int error = look(&sockets, &survey);
	int code = error != 0 ? find_failed("sockets", error) : choose(&survey, path, size);
	strings_finish(&survey.alive);
	strings_finish(&survey.forbidden);
	return code;
}
