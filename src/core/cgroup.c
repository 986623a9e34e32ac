#include "core/cgroup.h"

#include <errno.h>
#include <string.h>

#include "util/digits.h"
#include "util/span.h"

/* No limit is 2^63 less a page on v1, whatever the page: anything near it is none. */
#define LIMIT_NONE ((uint64_t)1 << 62)

static bool lists(struct span list, const char *word) {
	while (list.len > 0) {
		if (span_is(span_cut(&list, ','), word))
			return true;
	}
	return false;
}

static bool has_dots(struct span path) {
	while (path.len > 0) {
		if (span_is(span_cut(&path, '/'), ".."))
			return true;
	}
	return false;
}

/*
 * Our own path in the hierarchy that has the memory controller. Its v1 line names it; on v2 the
 * line is `0::/path`, and in a hybrid tree it is there too, without the controller.
 */
static int find_own(const char *text, enum cgroup_version *version, struct span *path) {
	struct span lines = { text, strlen(text) };
	int found = -ENOENT;
	while (lines.len > 0) {
		struct span line = span_cut(&lines, '\n');
		struct span id = span_cut(&line, ':'), controllers = span_cut(&line, ':');
		if (line.len == 0 || line.at[0] != '/')
			continue;
		bool v1 = lists(controllers, "memory");
		if (!v1 && !(found != 0 && span_is(id, "0") && controllers.len == 0))
			continue;
		*version = v1 ? CGROUP_V1 : CGROUP_V2;
		*path = line;
		found = 0;
	}
	return found;
}

struct mount {
	struct span point; /* still escaped */
	char root[sizeof((struct cgroup *)0)->directory];
};

static bool is_octal(char c) {
	return c >= '0' && c <= '7';
}

/* The next byte, with mountinfo's \040 and the like undone; takes it off `from`. */
static char next_byte(struct span *from) {
	const char *c = from->at;
	size_t n = 1;
	unsigned byte = (unsigned char)c[0];
	if (c[0] == '\\' && from->len >= 4 && c[1] <= '3' && is_octal(c[1]) && is_octal(c[2]) &&
	    is_octal(c[3])) {
		byte = (unsigned)(c[1] - '0') << 6 | (unsigned)(c[2] - '0') << 3 |
		       (unsigned)(c[3] - '0');
		n = 4;
	}
	*from = (struct span){ from->at + n, from->len - n };
	return (char)byte;
}

/* False when it does not fit, or is no absolute path. */
static bool unescape(struct span from, char *to, size_t size) {
	size_t n = 0;
	while (from.len > 0 && n + 1 < size)
		to[n++] = next_byte(&from);
	to[n] = '\0';
	return from.len == 0 && to[0] == '/';
}

/* `36 35 98:0 ROOT POINT options… - TYPE source SUPEROPTIONS`: is it the one with the controller? */
static bool parse_mount(struct span line, enum cgroup_version version, struct mount *m) {
	for (int i = 0; i < 3; i++)
		span_cut(&line, ' ');
	struct span root = span_cut(&line, ' ');
	m->point = span_cut(&line, ' ');
	while (line.len > 0 && !span_is(span_cut(&line, ' '), "-"))
		;
	struct span type = span_cut(&line, ' ');
	span_cut(&line, ' ');
	bool wanted = version == CGROUP_V2 ? span_is(type, "cgroup2")
					   : span_is(type, "cgroup") && lists(line, "memory");
	return wanted && unescape(root, m->root, sizeof m->root);
}

/* Does `path` lie below `root`? Then `rest` is what is left of it, else it is empty. */
static bool below(struct span path, const char *root, struct span *rest) {
	size_t n = strcmp(root, "/") == 0 ? 0 : strlen(root);
	*rest = (struct span){ path.at + path.len, 0 };
	if (path.len < n || memcmp(path.at, root, n) != 0 || (path.len > n && path.at[n] != '/'))
		return false;
	if (path.len - n > 1) /* else it is just the slash */
		*rest = (struct span){ path.at + n, path.len - n };
	return true;
}

static bool join(struct span mount_point, struct span rest, struct cgroup *c) {
	if (!unescape(mount_point, c->directory, sizeof c->directory))
		return false;
	c->top = strlen(c->directory);
	if (rest.len >= sizeof c->directory - c->top)
		return false;
	memcpy(c->directory + c->top, rest.at, rest.len);
	c->directory[c->top + rest.len] = '\0';
	return true;
}

/*
 * Several mounts may show our group (a container's bind of its own subtree, a monitor's bind of
 * the whole): the widest, for the limits of our ancestors count too; of equals the later, which
 * may hide the earlier. If none shows it, the paths are seen from different namespaces and the
 * mount point itself is what we were given to see (Cloud Foundry does that).
 */
int cgroup_find(const char *self_cgroup, const char *mountinfo, struct cgroup *cgroup) {
	struct cgroup candidate;
	struct span path = { 0 };
	size_t widest = SIZE_MAX;
	int error = -ENOENT;
	if (find_own(self_cgroup, &candidate.version, &path) != 0)
		return -ENOENT;
	/* `..`: outside of our namespace's root; what is mounted need not be ours. */
	bool outside = has_dots(path);
	struct span lines = { mountinfo, strlen(mountinfo) };
	while (lines.len > 0) {
		struct mount m;
		struct span rest;
		if (!parse_mount(span_cut(&lines, '\n'), candidate.version, &m))
			continue;
		bool shows_us = below(path, m.root, &rest) && !has_dots(rest);
		size_t width = shows_us ? strlen(m.root) : SIZE_MAX;
		if (outside && !shows_us)
			continue;
		if (width <= widest && join(m.point, rest, &candidate)) {
			widest = width;
			*cgroup = candidate;
			error = 0;
		}
	}
	return error;
}

bool cgroup_up(struct cgroup *cgroup) {
	char *slash = strrchr(cgroup->directory + cgroup->top, '/');
	if (slash == NULL)
		return false;
	*slash = '\0';
	return true;
}

/*
 * memory.high counts as a limit: above it the kernel throttles the group, almost to a stop, so
 * a budget beyond it would never be reached. v1: memory.limit_in_bytes ignores the ancestors.
 */
const char *cgroup_limit_file(enum cgroup_version version, size_t n) {
	static const char *const files[][3] = {
		[CGROUP_V1] = { "memory.stat" },
		[CGROUP_V2] = { "memory.max", "memory.high" },
	};
	assert(n < ARRAY_LEN(files[version]));
	return files[version][n];
}

int cgroup_limit(enum cgroup_version version, const char *text, uint64_t *bytes) {
	static const char key[] = "hierarchical_memory_limit ";
	const char *at = text;
	uint64_t limit;
	if (version == CGROUP_V1) {
		while (at != NULL && strncmp(at, key, sizeof key - 1) != 0)
			at = (at = strchr(at, '\n')) != NULL ? at + 1 : NULL;
		at = at != NULL ? at + sizeof key - 1 : "";
	} else if (strcmp(text, "max\n") == 0) {
		*bytes = 0;
		return 0;
	}
	if ((at = digits_read(at, UINT64_MAX, &limit)) == NULL || *at != '\n')
		return -EBADMSG;
	*bytes = limit < LIMIT_NONE ? limit : 0;
	return 0;
}
