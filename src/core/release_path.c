#include "core/release_path.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A shell's words, KEY=value, a:b; and what may stand behind a path. */
static bool is_edge(char c) {
	return c == '\0' || strchr(" \t\n'\"=:;&|(){}<>", c) != NULL;
}

static size_t length_of(const char *path) {
	size_t n = strlen(path);
	while (n > 0 && path[n - 1] == '/')
		n--;
	return n;
}

static bool leads(const char *text, const char *at, const char *current, size_t n) {
	return strncmp(at, current, n) == 0 && (at == text || is_edge(at[-1])) &&
	       (at[n] == '/' || is_edge(at[n]));
}

char *release_path_pin(const char *text, const char *current, const char *release) {
	size_t n = length_of(current), new = strlen(release), len = strlen(text);
	if (n == 0)
		return strdup(text);
	char *pinned = malloc(len + (len / n) * new + 1), *end = pinned;
	if (pinned == NULL)
		return NULL;
	for (const char *at = text; *at != '\0';) {
		if (leads(text, at, current, n)) {
			end = (char *)memcpy(end, release, new) + new;
			at += n;
		} else {
			*end++ = *at++;
		}
	}
	*end = '\0';
	return pinned;
}

int release_path_pin_all(struct strings *words, const char *current, const char *release) {
	for (size_t i = 0; i < words->len; i++) {
		char *pinned = release_path_pin(words->items[i], current, release);
		if (pinned == NULL)
			return -ENOMEM;
		free(words->items[i]);
		words->items[i] = pinned;
	}
	return 0;
}
