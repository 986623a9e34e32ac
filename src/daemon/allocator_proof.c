#include "daemon/allocator_proof.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/loaded.h"
#include "os/bytes.h"
#include "os/pages.h"
#include "os/text_file.h"
#include "util/fd.h"

/* vm.max_map_count's default of lines, the libraries being the last. Untouched, it costs nothing. */
#define MAPS_SIZE ((size_t)8 * 1024 * 1024)

/* Whose calls of malloc are asked for, by what they tell: Ruby's own first. */
enum caller { CALLER_LIBRUBY, CALLER_PROGRAM, CALLER_LIBC, CALLER_OLD_LIBC, CALLER_COUNT };

static bool find_program(const struct looked_at *p, struct mapping *mapping) {
	static const char deleted[] = " (deleted)";
	char path[PATH_MAX];
	ssize_t n = readlinkat(p->dir, "exe", path, sizeof path);
	if (n <= 0)
		return false;
	size_t len = (size_t)n, tail = sizeof deleted - 1;
	if (len > tail && memcmp(path + len - tail, deleted, tail) == 0)
		len -= tail;
	return maps_of_path(&p->maps, path, len, mapping);
}

static bool find_caller(const struct looked_at *p, enum caller caller, struct mapping *mapping) {
	switch (caller) {
	case CALLER_LIBRUBY: return maps_named(&p->maps, "libruby", mapping);
	case CALLER_PROGRAM: return find_program(p, mapping);
	case CALLER_LIBC: return maps_named(&p->maps, "libc.so.6", mapping);
	case CALLER_OLD_LIBC: return maps_named(&p->maps, "libc-2.", mapping); /* before 2.34 */
	case CALLER_COUNT: break;
	}
	return false;
}

static void name_it(struct allocator *a, const struct loaded *loaded, const struct mapping *file) {
	size_t len;
	const char *name = mapping_name(file, &len);
	if (loaded->kind != NULL)
		snprintf(a->name, sizeof a->name, "%s", loaded->kind->name);
	else
		snprintf(a->name, sizeof a->name, "%.*s", (int)(len < 31 ? len : 31), name);
	snprintf(a->version, sizeof a->version, "%s", loaded->version);
}

/*
 * A slot that isn't bound yet points to a stub of its own object, and a program that takes
 * malloc's address may be what others' slots point to: neither is the malloc defined there.
 */
static bool decide(const struct looked_at *p, uint64_t target, struct allocator *a) {
	struct mapping file;
	struct loaded loaded;
	uint64_t moved_by;
	if (!maps_at(&p->maps, target, &file) || !file.execute ||
	    !loaded_look(p, &file, &loaded, &moved_by) || !loaded.has_malloc ||
	    moved_by + loaded.malloc != target)
		return false;
	name_it(a, &loaded, &file);
	a->proof = loaded.kind != NULL && loaded.kind->own ? PROOF_NO : PROOF_PROVED;
	return true;
}

static bool prove_by(const struct looked_at *p, enum caller caller, struct allocator *a) {
	struct mapping mapping;
	struct loaded loaded;
	uint64_t moved_by, target = 0;
	if (!find_caller(p, caller, &mapping) || !loaded_look(p, &mapping, &loaded, &moved_by) ||
	    !loaded.has_slot)
		return false;
	return bytes_read(p->memory, &target, sizeof target, moved_by + loaded.slot) ==
		       (ssize_t)sizeof target &&
	       decide(p, target, a);
}

static bool contains_allocator(const struct looked_at *p, enum caller caller, struct allocator *a) {
	struct mapping mapping;
	struct loaded loaded;
	uint64_t moved_by;
	if (!find_caller(p, caller, &mapping) || !loaded_look(p, &mapping, &loaded, &moved_by) ||
	    loaded.kind == NULL || loaded.kind->own)
		return false;
	name_it(a, &loaded, &mapping);
	return true;
}

/* What is loaded, or linked in, and perhaps used. */
static bool is_mapped(const struct looked_at *p, struct allocator *a) {
	struct mapping file;
	const struct allocator_kind *kind = allocator_kind_mapped(&p->maps, &file);
	if (kind != NULL) {
		struct loaded loaded;
		uint64_t moved_by;
		if (!loaded_look(p, &file, &loaded, &moved_by))
			loaded = (struct loaded){ 0 };
		loaded.kind = kind;
		name_it(a, &loaded, &file);
		return true;
	}
	return contains_allocator(p, CALLER_PROGRAM, a) || contains_allocator(p, CALLER_LIBRUBY, a);
}

static void look(const struct looked_at *p, struct allocator *a) {
	for (enum caller c = 0; p->memory >= 0 && c < CALLER_COUNT; c++) {
		if (prove_by(p, c, a))
			return;
	}
	a->proof = is_mapped(p, a) ? PROOF_MAPPED : PROOF_NO;
}

static bool is_gone(int proc_dir) {
	char some[256];
	return text_read_at(proc_dir, "maps", some, sizeof some) <= 0;
}

void allocator_prove(int proc_dir, struct allocator *allocator) {
	*allocator = (struct allocator){ .proof = PROOF_UNKNOWN };
	/* Before maps: after an exec in between nothing fits together, so nothing is proved. */
	AUTOCLOSE int memory = bytes_open(proc_dir, "mem", NULL);
	AUTOUNMAP struct pages text = { 0 };
	if (memory == -ESRCH || pages_map(MAPS_SIZE, &text) != 0)
		return;
	ssize_t len = text_read_at(proc_dir, "maps", text.at, MAPS_SIZE);
	/* Empty: a zombie's. Full: what is missing may be the very library. */
	if (len <= 0 || (size_t)len == MAPS_SIZE - 1)
		return;
	struct looked_at process = { proc_dir, memory, { text.at, (size_t)len } };
	look(&process, allocator);
	/* What its memory didn't show because it ended meanwhile is no sign of anything. */
	if (allocator->proof != PROOF_PROVED && is_gone(proc_dir))
		*allocator = (struct allocator){ .proof = PROOF_UNKNOWN };
}
