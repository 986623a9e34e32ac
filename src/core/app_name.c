#include "core/app_name.h"

#include <string.h>

#include "util/text.h"
#include "util/utf8.h"

static int refuse(struct error *err, const char *name, const char *what) {
	char quoted[200];
	struct text text = TEXT_IN(quoted);
	utf8_print(name, 60, &text);
	return error_at(err, 0, 0, "\"%s\" %s", quoted, what);
}

int app_name_check(const char *name, struct error *err) {
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-";
	size_t n = strlen(name);
	if (n == 0 || name[strspn(name, allowed)] != '\0')
		return refuse(err, name,
			      "is not a name; expected letters, digits, `.`, `_` and `-`");
	if (name[0] == '.' || name[0] == '-')
		return refuse(err, name, "is not a name; it must not start with a dot or a dash");
	if (n > APP_NAME_MAX)
		return error_at(err, 0, 0, "is a name of %zu bytes; expected at most %d", n,
				APP_NAME_MAX);
	return 0;
}

/* One part of a path: where it is, without slashes. */
struct part {
	const char *at;
	size_t len;
};

static struct part last_part(const char *path, size_t len) {
	while (len > 0 && path[len - 1] == '/')
		len--;
	size_t begin = len;
	while (begin > 0 && path[begin - 1] != '/')
		begin--;
	return (struct part){ path + begin, len - begin };
}

static bool part_is(struct part part, const char *word) {
	return part.len == strlen(word) && memcmp(part.at, word, part.len) == 0;
}

/* The part in front of a `releases` that has something below it; the last such, or no part. */
static struct part above_releases(const char *directory, struct part from) {
	while (from.len > 0) {
		struct part parent = last_part(directory, (size_t)(from.at - directory));
		if (part_is(parent, "releases"))
			return last_part(directory, (size_t)(parent.at - directory));
		from = parent;
	}
	return from;
}

static struct part name_part(const char *directory) {
	struct part part = last_part(directory, strlen(directory));
	struct part above = above_releases(directory, part);
	if (above.len > 0)
		part = above;
	while (part_is(part, "current") || part_is(part, "."))
		part = last_part(directory, (size_t)(part.at - directory));
	return part;
}

static int derive(const char *directory, char name[APP_NAME_MAX + 1], struct error *err) {
	struct part part = directory != NULL ? name_part(directory) : (struct part){ 0 };
	struct error why;
	if (part.len == 0)
		return error_at(err, 0, 0,
				"the app has no name: its directory %s gives none; write app.name",
				directory != NULL ? directory : "is not known and");
	if (part.len <= APP_NAME_MAX) {
		memcpy(name, part.at, part.len);
		name[part.len] = '\0';
		if (app_name_check(name, &why) == 0)
			return 0;
	}
	return error_at(err, 0, 0,
			"the app has no name: \"%.*s\", from its directory, can't be one; write "
			"app.name (at most %d letters, digits, `.`, `_` and `-`)",
			(int)(part.len > 100 ? 100 : part.len), part.at, APP_NAME_MAX);
}

int app_name(const struct config *config, const char *directory, char *name, size_t size,
	     struct error *err) {
	assert(size > APP_NAME_MAX);
	char derived[APP_NAME_MAX + 1];
	const char *chosen = config->app.name;
	if (chosen != NULL && app_name_check(chosen, err) != 0)
		return -1;
	if (chosen == NULL) {
		if (derive(directory, derived, err) != 0)
			return -1;
		chosen = derived;
	}
	memcpy(name, chosen, strlen(chosen) + 1);
	return 0;
}
