#include "core/maps.h"

#include <string.h>

/* What is left of one line. */
struct cursor {
	const char *at, *end;
};

static bool take(struct cursor *c, char wanted) {
	if (c->at == c->end || *c->at != wanted)
		return false;
	c->at++;
	return true;
}

static int digit_of(char c, unsigned base) {
	int digit = -1;
	if (c >= '0' && c <= '9')
		digit = c - '0';
	else if (c >= 'a' && c <= 'f')
		digit = c - 'a' + 10;
	return digit < (int)base ? digit : -1;
}

/* At least one digit, and no more than fit. */
static bool take_number(struct cursor *c, unsigned base, uint64_t *number) {
	const char *from = c->at;
	*number = 0;
	for (; c->at < c->end; c->at++) {
		int digit = digit_of(*c->at, base);
		if (digit < 0)
			break;
		if (__builtin_mul_overflow(*number, (uint64_t)base, number) ||
		    __builtin_add_overflow(*number, (uint64_t)digit, number))
			return false;
	}
	return c->at > from;
}

/* "r-xp" */
static bool take_permissions(struct cursor *c, struct mapping *m) {
	if (c->end - c->at < 4)
		return false;
	m->read = c->at[0] == 'r';
	m->write = c->at[1] == 'w';
	m->execute = c->at[2] == 'x';
	c->at += 4;
	return true;
}

static void take_path(struct cursor *c, struct mapping *m) {
	static const char deleted[] = " (deleted)";
	size_t n = sizeof deleted - 1;
	while (take(c, ' '))
		;
	m->path = c->at;
	m->path_len = (size_t)(c->end - c->at);
	if (m->path_len > n && memcmp(c->end - n, deleted, n) == 0) {
		m->deleted = true;
		m->path_len -= n;
	}
}

/* 7fe00948e000-7fe0094b4000 r--p 00000000 fe:00 355428          /usr/lib/libc.so.6 */
static bool parse_line(struct cursor c, struct mapping *m) {
	uint64_t major, minor;
	*m = (struct mapping){ 0 };
	if (!take_number(&c, 16, &m->start) || !take(&c, '-') || !take_number(&c, 16, &m->end) ||
	    !take(&c, ' ') || !take_permissions(&c, m) || !take(&c, ' ') ||
	    !take_number(&c, 16, &m->offset) || !take(&c, ' ') || !take_number(&c, 16, &major) ||
	    !take(&c, ':') || !take_number(&c, 16, &minor) || !take(&c, ' ') ||
	    !take_number(&c, 10, &m->inode))
		return false;
	m->major = (unsigned)major;
	m->minor = (unsigned)minor;
	take_path(&c, m);
	return m->start < m->end;
}

bool maps_next(const struct maps *maps, size_t *at, struct mapping *mapping) {
	while (*at < maps->len) {
		const char *line = maps->text + *at;
		const char *end = memchr(line, '\n', maps->len - *at);
		if (end == NULL)
			end = maps->text + maps->len;
		*at = (size_t)(end - maps->text) + 1;
		if (parse_line((struct cursor){ line, end }, mapping))
			return true;
	}
	return false;
}

bool maps_at(const struct maps *maps, uint64_t address, struct mapping *mapping) {
	for (size_t at = 0; maps_next(maps, &at, mapping);) {
		if (address >= mapping->start && address < mapping->end)
			return true;
	}
	return false;
}

const char *mapping_name(const struct mapping *m, size_t *len) {
	const char *slash = memrchr(m->path, '/', m->path_len);
	const char *name = slash != NULL ? slash + 1 : m->path;
	*len = m->path_len - (size_t)(name - m->path);
	return name;
}

bool maps_named(const struct maps *maps, const char *prefix, struct mapping *mapping) {
	size_t n = strlen(prefix), len;
	for (size_t at = 0; maps_next(maps, &at, mapping);) {
		const char *name = mapping_name(mapping, &len);
		if (mapping->inode != 0 && mapping->execute && len >= n &&
		    memcmp(name, prefix, n) == 0)
			return true;
	}
	return false;
}

bool maps_of_path(const struct maps *maps, const char *path, size_t path_len,
		  struct mapping *mapping) {
	for (size_t at = 0; maps_next(maps, &at, mapping);) {
		if (mapping->execute && mapping->path_len == path_len &&
		    memcmp(mapping->path, path, path_len) == 0)
			return true;
	}
	return false;
}

bool mapping_same_file(const struct mapping *a, const struct mapping *b) {
	return a->inode != 0 && a->inode == b->inode && a->major == b->major &&
	       a->minor == b->minor && a->path_len == b->path_len &&
	       memcmp(a->path, b->path, a->path_len) == 0;
}

bool maps_head_of(const struct maps *maps, const struct mapping *of, struct mapping *head) {
	struct mapping m;
	bool found = false;
	for (size_t at = 0; maps_next(maps, &at, &m) && m.start <= of->start;) {
		if (m.offset != 0 || !mapping_same_file(&m, of))
			continue;
		*head = m;
		found = true;
	}
	return found;
}
