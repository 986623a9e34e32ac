#include "os/hand_over.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/text.h"

/* `PID`, then a line `FD NAME` for each. Of another pid's nothing holds here. */
#define VARIABLE "PUMAKEEPER_HANDED_OVER"

static sigset_t handled(void) {
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR2, SIGCHLD };
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		sigaddset(&set, signals[i]);
	return set;
}

void hand_over_hold(void) {
	const sigset_t set = handled();
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

void hand_over_listen(void) {
	const sigset_t set = handled();
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static int keep_open(const struct handed_over *list, size_t n, bool open) {
	for (size_t i = 0; i < n; i++) {
		if (fcntl(list[i].fd, F_SETFD, open ? 0 : FD_CLOEXEC) != 0)
			return -errno;
	}
	return 0;
}

static int describe(const struct handed_over *list, size_t n) {
	char value[HANDED_OVER_MAX * (INHERITED_NAME_SIZE + 12) + 16];
	struct text out = TEXT_IN(value);
	text_printf(&out, "%d\n", (int)getpid());
	for (size_t i = 0; i < n; i++)
		text_printf(&out, "%d %s\n", list[i].fd, list[i].name);
	if (out.cut)
		return -E2BIG;
	return setenv(VARIABLE, value, 1) != 0 ? -errno : 0;
}

int hand_over(const char *path, char *const argv[], const struct handed_over *list, size_t n) {
	int error = describe(list, n);
	if (error == 0)
		error = keep_open(list, n, true);
	if (error == 0) {
		hand_over_hold();
		execve(path, argv, environ);
		error = -errno;
	}
	hand_over_listen();
	(void)!keep_open(list, n, false);
	unsetenv(VARIABLE);
	return error;
}

/* `FD NAME`; the next line, or NULL behind the last one. */
static const char *take_line(const char *line, struct inherited *in, int *error) {
	char name[INHERITED_NAME_SIZE];
	size_t len = strcspn(line, "\n");
	int fd, at = 0;
	if (sscanf(line, "%d %n", &fd, &at) == 1 && at > 0 && (size_t)at <= len &&
	    fcntl(fd, F_GETFD) >= 0) {
		snprintf(name, sizeof name, "%.*s", (int)(len - (size_t)at), line + at);
		int one = inherited_add(in, name, fd);
		*error = *error == 0 ? one : *error;
	}
	return line[len] == '\n' && line[len + 1] != '\0' ? line + len + 1 : NULL;
}

int hand_over_take(struct inherited *in) {
	const char *value = getenv(VARIABLE);
	int error = 0;
	if (value != NULL && strtol(value, NULL, 10) == getpid()) {
		const char *line = strchr(value, '\n');
		line = line != NULL && line[1] != '\0' ? line + 1 : NULL;
		while (line != NULL)
			line = take_line(line, in, &error);
	}
	unsetenv(VARIABLE);
	return error;
}
