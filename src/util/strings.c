#include "util/strings.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int append_owned(struct strings *s, char *owned) {
	char **items = reallocarray(s->items, s->len + 2, sizeof *items);
	if (items == NULL) {
		free(owned);
		return -ENOMEM;
	}
	s->items = items;
	items[s->len++] = owned;
	items[s->len] = NULL;
	return 0;
}

int strings_add(struct strings *s, const char *string) {
	char *copy = strdup(string);
	return copy == NULL ? -ENOMEM : append_owned(s, copy);
}

int strings_printf(struct strings *s, const char *fmt, ...) {
	char text[400];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	return strings_add(s, text);
}

static size_t find(const struct strings *s, const char *key) {
	size_t n = strlen(key);
	size_t i = 0;
	while (i < s->len && !(strncmp(s->items[i], key, n) == 0 && s->items[i][n] == '='))
		i++;
	return i;
}

int strings_set(struct strings *s, const char *key, const char *value) {
	size_t k = strlen(key), v = strlen(value);
	char *pair = malloc(k + 1 + v + 1);
	if (pair == NULL)
		return -ENOMEM;
	memcpy(pair, key, k);
	pair[k] = '=';
	memcpy(pair + k + 1, value, v + 1);

	size_t i = find(s, key);
	if (i == s->len)
		return append_owned(s, pair);
	free(s->items[i]);
	s->items[i] = pair;
	return 0;
}

const char *strings_get(const struct strings *s, const char *key) {
	size_t i = find(s, key);
	return i == s->len ? NULL : s->items[i] + strlen(key) + 1;
}

void strings_unset(struct strings *s, const char *key) {
	size_t i = find(s, key);
	if (i == s->len)
		return;
	free(s->items[i]);
	memmove(&s->items[i], &s->items[i + 1], (s->len - i) * sizeof *s->items);
	s->len--;
}

int strings_copy(struct strings *to, const struct strings *from) {
	struct strings fresh = { 0 };
	for (size_t i = 0; i < from->len; i++) {
		if (strings_add(&fresh, from->items[i]) != 0) {
			strings_finish(&fresh);
			return -ENOMEM;
		}
	}
	*to = fresh;
	return 0;
}

bool strings_equal(const struct strings *a, const struct strings *b) {
	if (a->len != b->len)
		return false;
	for (size_t i = 0; i < a->len; i++) {
		if (strcmp(a->items[i], b->items[i]) != 0)
			return false;
	}
	return true;
}

void strings_finish(struct strings *s) {
	for (size_t i = 0; i < s->len; i++)
		free(s->items[i]);
	free(s->items);
	*s = (struct strings){ 0 };
}
