#include "daemon/loaded.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "core/elf.h"
#include "os/bytes.h"
#include "os/pages.h"
#include "util/fd.h"

/* libruby with YJIT has 15 MB; more than this isn't a library worth holding in memory. */
#define IMAGE_MAX ((size_t)64 * 1024 * 1024)

/*
 * A file's first page has its headers and, as linkers lay it out, its build id: with the inode,
 * a fingerprint that an upgrade in place or a reused inode can't keep.
 */
#define HEAD_SIZE ((size_t)4096)

struct key {
	uint64_t inode, print;
	unsigned major, minor;
	bool from_memory;
};

/* Program, libc, libruby and the allocator, of a few releases; the oldest goes. */
static struct {
	pthread_mutex_t lock;
	struct {
		struct key key;
		struct loaded loaded;
	} entries[16];
	size_t len; /* ever remembered */
} known = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool key_equal(const struct key *a, const struct key *b) {
	return a->inode == b->inode && a->print == b->print && a->major == b->major &&
	       a->minor == b->minor && a->from_memory == b->from_memory;
}

static bool recall(const struct key *key, struct loaded *loaded) {
	bool found = false;
	pthread_mutex_lock(&known.lock);
	for (size_t i = 0; !found && i < known.len && i < ARRAY_LEN(known.entries); i++) {
		found = key_equal(&known.entries[i].key, key);
		if (found)
			*loaded = known.entries[i].loaded;
	}
	pthread_mutex_unlock(&known.lock);
	return found;
}

/* Two threads may learn the same at the same time; then it is remembered twice, no harm. */
static void remember(const struct key *key, const struct loaded *loaded) {
	pthread_mutex_lock(&known.lock);
	size_t i = known.len++ % ARRAY_LEN(known.entries);
	known.entries[i].key = *key;
	known.entries[i].loaded = *loaded;
	pthread_mutex_unlock(&known.lock);
}

/* FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint64_t fingerprint(const uint8_t *bytes, size_t n) {
	uint64_t h = 14695981039346656037u;
	for (size_t i = 0; i < n; i++)
		h = (h ^ bytes[i]) * 1099511628211u;
	return h;
}

/* The file as the process sees it: in its own root, which may be a container's. */
static int open_file(const struct looked_at *process, const struct mapping *m, uint64_t *size) {
	char path[PATH_MAX + 8];
	if (m->deleted || m->path_len >= PATH_MAX)
		return -1;
	snprintf(path, sizeof path, "root%.*s", (int)m->path_len, m->path);
	return bytes_open(process->dir, path, size);
}

struct image {
	struct pages pages; /* owned */
	uint64_t moved_by;
};

/* The next mapping of one load of a file; it ends where the file is loaded once more. */
static bool next_part(const struct looked_at *process, const struct mapping *head, size_t *at,
		      struct mapping *part) {
	while (maps_next(&process->maps, at, part)) {
		if (part->start < head->start || !mapping_same_file(part, head))
			continue;
		if (part->start > head->start && part->offset == 0)
			return false;
		if (part->offset <= IMAGE_MAX &&
		    part->end - part->start <= IMAGE_MAX - part->offset)
			return true;
	}
	return false;
}

/*
 * The file's bytes, each mapping put at its offset: what the process runs, even when the file
 * was deleted, or lies in a filesystem that gives stat(2) other numbers than maps (overlayfs,
 * btrfs). What isn't mapped stays zero.
 */
static int image_of_memory(const struct looked_at *process, const struct mapping *head,
			   struct image *image) {
	struct mapping part;
	size_t size = 0;
	for (size_t at = 0; next_part(process, head, &at, &part);) {
		size_t end = part.offset + (part.end - part.start);
		size = end > size ? end : size;
	}
	if (pages_map(size, &image->pages) != 0)
		return -1;
	for (size_t at = 0; next_part(process, head, &at, &part);) {
		/* A part that can't be read leaves a hole, and what is missing in it isn't found. */
		char *to = (char *)image->pages.at + part.offset;
		if (part.read &&
		    bytes_read(process->memory, to, part.end - part.start, part.start) < 0)
			continue;
	}
	return 0;
}

static int image_of_file(int fd, uint64_t size, struct image *image) {
	if (size > IMAGE_MAX || pages_map(size, &image->pages) != 0)
		return -1;
	return bytes_read(fd, image->pages.at, size, 0) > 0 ? 0 : -1;
}

static void learn(const struct image *image, const struct mapping *file, struct loaded *l) {
	struct elf elf;
	*l = (struct loaded){ 0 };
	enum elf_fault fault = elf_read(&elf, image->pages.at, image->pages.len, image->moved_by);
	l->kind = allocator_kind_of(&elf, file);
	if (l->kind != NULL)
		allocator_read_version(l->kind, image->pages.at, image->pages.len, l->version,
				       sizeof l->version);
	if (fault != ELF_FINE)
		return;
	l->has_slot = elf_slot(&elf, "malloc", &l->slot);
	l->has_malloc = elf_defines(&elf, "malloc", &l->malloc);
}

static bool learn_afresh(const struct looked_at *process, const struct mapping *head, int file,
			 uint64_t size, uint64_t moved_by, struct loaded *loaded) {
	struct image image = { .moved_by = moved_by };
	int error = file < 0 ? image_of_memory(process, head, &image)
			     : image_of_file(file, size, &image);
	if (error == 0)
		learn(&image, head, loaded);
	pages_unmap(&image.pages);
	return error == 0;
}

bool loaded_look(const struct looked_at *process, const struct mapping *mapping,
		 struct loaded *loaded, uint64_t *moved_by) {
	struct mapping head;
	uint64_t size = 0;
	uint8_t page[HEAD_SIZE];
	bool from_memory = process->memory >= 0;
	AUTOCLOSE int file = from_memory ? -1 : open_file(process, mapping, &size);
	if (!maps_head_of(&process->maps, mapping, &head) || (!from_memory && file < 0))
		return false;
	ssize_t n = from_memory ? bytes_read(process->memory, page, sizeof page, head.start)
				: bytes_read(file, page, sizeof page, 0);
	if (n <= 0)
		return false;
	*moved_by = from_memory ? head.start - elf_base(page, (size_t)n) : 0;

	struct key key = { head.inode, fingerprint(page, (size_t)n), head.major, head.minor,
			   from_memory };
	if (recall(&key, loaded))
		return true;
	if (!learn_afresh(process, &head, file, size, *moved_by, loaded))
		return false;
	/* One that ld.so is just mapping shows less than there is: not to be remembered. */
	if (loaded->has_slot || loaded->has_malloc)
		remember(&key, loaded);
	return true;
}
