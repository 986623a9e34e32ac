#include "core/option_path.h"

#include <string.h>

#include "util/edit_distance.h"

const struct option *option_find(const char *path) {
	for (size_t i = 0; i < options_len; i++) {
		if (strcmp(options[i].path, path) == 0)
			return &options[i];
	}
	return NULL;
}

const struct section *section_find(const char *path) {
	for (size_t i = 0; i < sections_len; i++) {
		if (strcmp(sections[i].path, path) == 0)
			return &sections[i];
	}
	return NULL;
}

const char *section_child(const char *section, const char *path) {
	size_t n = strlen(section);
	if (strncmp(path, section, n) != 0 || (n > 0 && path[n] != '.'))
		return NULL;
	const char *child = path + n + (n > 0 ? 1 : 0);
	return strchr(child, '.') == NULL ? child : NULL;
}

/* Every path there is: the options', then the sections'. */
static const char *path_at(size_t i) {
	return i < options_len ? options[i].path : sections[i - options_len].path;
}

static size_t path_count(void) {
	return options_len + sections_len;
}

void section_print_children(const char *section, struct text *out) {
	const char *between = "";
	for (size_t i = 0; i < path_count(); i++) {
		const char *child = section_child(section, path_at(i));
		if (child == NULL)
			continue;
		text_printf(out, "%s%s", between, child);
		between = ", ";
	}
}

void section_print_word(const struct section *section, struct text *out) {
	text_printf(out, "`%s: %s` is short for %s: %s.", path_key(section->path), section->word,
		    section->word_for, section->word);
}

static const char *nearest_child(const char *section, const char *key) {
	const char *best = NULL;
	unsigned least = EDIT_DISTANCE_FAR;
	for (size_t i = 0; i < path_count(); i++) {
		const char *child = section_child(section, path_at(i));
		unsigned distance = child != NULL ? edit_distance(key, child) : EDIT_DISTANCE_FAR;
		if (distance >= least || !edit_near(distance, strlen(child)))
			continue;
		least = distance;
		best = child;
	}
	return best;
}

/* The right word in the wrong section. */
static const char *same_elsewhere(const char *key) {
	for (size_t i = 0; i < path_count(); i++) {
		if (edit_distance(key, path_key(path_at(i))) == 0)
			return path_at(i);
	}
	return NULL;
}

const char *section_nearest(const char *section, const char *key) {
	const char *child = nearest_child(section, key);
	return child != NULL ? child : same_elsewhere(key);
}

unsigned path_depth(const char *path) {
	unsigned depth = 0;
	for (; *path != '\0'; path++)
		depth += *path == '.' ? 1 : 0;
	return depth;
}

const char *path_key(const char *path) {
	const char *dot = strrchr(path, '.');
	return dot != NULL ? dot + 1 : path;
}
