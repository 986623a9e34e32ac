#include "cmd/pumakeeper/orphans.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/pumakeeper/exit.h"
#include "daemon/keep.h"
#include "daemon/orphans.h"
#include "os/runtime_dir.h"
#include "util/strings.h"

/* …/NAME/FILE: …/NAME */
static void cut_file(char *path) {
	char *slash = strrchr(path, '/');
	if (slash != NULL && slash != path)
		*slash = '\0';
}

/* …/NAME: NAME */
static const char *name_of(const char *directory) {
	const char *slash = strrchr(directory, '/');
	return slash != NULL ? slash + 1 : directory;
}

static int let_choose(const struct strings *states) {
	if (states->len == 0) {
		printf("no daemon has left anybody here\n");
		return EXIT_DONE;
	}
	fprintf(stderr, "pumakeeper: say whose with -s NAME:\n");
	for (size_t i = 0; i < states->len; i++) {
		cut_file(states->items[i]);
		fprintf(stderr, "  %s\n", name_of(states->items[i]));
	}
	return EXIT_USAGE;
}

/* EXIT_DONE with `directory` filled, or what to exit with; "" where there is none. */
static int choose(const struct strings *states, const char *name, char *directory, size_t size) {
	directory[0] = '\0';
	if (name == NULL && states->len != 1)
		return let_choose(states);
	for (size_t i = 0; i < states->len && directory[0] == '\0'; i++) {
		snprintf(directory, size, "%s", states->items[i]);
		cut_file(directory);
		if (name != NULL && strcmp(name_of(directory), name) != 0)
			directory[0] = '\0';
	}
	return EXIT_DONE;
}

static int find(const char *wanted, char *directory, size_t size) {
	CLEANUP(strings_finish) struct strings states = { 0 };
	const struct runtime_bases bases = { "/run", getenv("XDG_RUNTIME_DIR"), "/tmp" };
	if (wanted != NULL && strchr(wanted, '/') != NULL) {
		snprintf(directory, size, "%s", wanted);
		cut_file(directory);
		return EXIT_DONE;
	}
	if (runtime_dir_list(&bases, KEEP_NAME, S_IFREG, &states) != 0) {
		fprintf(stderr, "pumakeeper: %s\n", strerror(ENOMEM));
		return EXIT_FAILED;
	}
	return choose(&states, wanted, directory, size);
}

int orphans(const struct arguments *a) {
	char directory[256];
	const char *wanted = a->socket != NULL ? a->socket : getenv("PUMAKEEPER_SOCKET");
	int code = find(wanted, directory, sizeof directory);
	if (code != EXIT_DONE)
		return code;
	/* Without a state there may be somebody in the unit still. */
	const struct orphans_wish wish = {
		.directory = directory,
		.unit = a->display.unit,
	};
	if (directory[0] == '\0' && !wish.unit) {
		printf("no daemon has left anybody of that name here\n");
		return EXIT_DONE;
	}
	return orphans_end(&wish) ? EXIT_DONE : EXIT_FAILED;
}
