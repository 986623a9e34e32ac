/*
 * allocator_prove() on a /proc/PID that we planted: its maps, and a file for its memory.
 * What real processes show is in test_allocator_proof.c.
 */
#include "daemon/loaded.h"

#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/elf.h"
#include "daemon/allocator_proof.h"
#include "os/file.h"
#include "suite.h"
#include "util/fd.h"
#include "util/heap.h"
#include "util/text.h"

/* Where it is installed; NULL: then the test says so and is passed over. */
static const char *jemalloc(void) {
	static const char *const paths[] = { "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2",
					     "/usr/lib/aarch64-linux-gnu/libjemalloc.so.2",
					     "/usr/lib64/libjemalloc.so.2",
					     "/usr/lib/libjemalloc.so.2" };
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		if (access(paths[i], R_OK) == 0)
			return paths[i];
	}
	printf("skip: jemalloc is not installed\n");
	return NULL;
}

static void assert_is(const struct allocator *a, enum allocator_proof proof, const char *name) {
	ck_assert_str_eq(allocator_proof_name(a->proof), allocator_proof_name(proof));
	ck_assert_str_eq(a->name, name);
}

/* A /proc/PID as we plant it. */
struct planted {
	char dir[32];
	int fd;
};

static struct planted plant(const char *maps) {
	struct planted p = { .dir = "/tmp/test-proof-XXXXXX" };
	ck_assert_ptr_nonnull(mkdtemp(p.dir));
	p.fd = open(p.dir, O_PATH | O_DIRECTORY);
	AUTOCLOSE int fd = openat(p.fd, "maps", O_WRONLY | O_CREAT, 0600);
	ck_assert_int_eq(write(fd, maps, strlen(maps)), (ssize_t)strlen(maps));
	ck_assert_int_eq(symlinkat("/", p.fd, "root"), 0);
	return p;
}

static struct allocator prove_planted(struct planted *p) {
	struct allocator a;
	allocator_prove(p->fd, &a);
	unlinkat(p->fd, "maps", 0);
	unlinkat(p->fd, "root", 0);
	unlinkat(p->fd, "mem", 0);
	close(p->fd);
	rmdir(p->dir);
	return a;
}

/* As where Yama or a seccomp profile forbids it: `mem` can't be opened. */
START_TEST(where_memory_may_not_be_read_a_loaded_library_is_mapped)
{
	if (jemalloc() == NULL)
		return;
	char maps[600];
	snprintf(maps, sizeof maps, "1000-2000 r--p 0 8:1 5 %s\n2000-3000 r-xp 1000 8:1 5 %s\n",
		 jemalloc(), jemalloc());
	struct planted p = plant(maps);
	struct allocator a = prove_planted(&p);
	assert_is(&a, PROOF_MAPPED, "jemalloc");
	ck_assert_str_ne(a.version, "");
}
END_TEST

START_TEST(a_version_is_not_read_from_the_file_that_took_a_deleted_ones_place)
{
	if (jemalloc() == NULL)
		return;
	char maps[600];
	snprintf(maps, sizeof maps,
		 "1000-2000 r--p 0 8:1 6 %s (deleted)\n2000-3000 r-xp 1000 8:1 6 %s (deleted)\n",
		 jemalloc(), jemalloc());
	struct planted p = plant(maps);
	struct allocator a = prove_planted(&p);
	assert_is(&a, PROOF_MAPPED, "jemalloc");
	ck_assert_str_eq(a.version, "");
}
END_TEST

START_TEST(where_memory_may_not_be_read_nothing_loaded_is_no_and_nameless)
{
	struct planted p = plant("1000-2000 r-xp 0 8:1 5 /usr/lib/libc.so.6\n");
	struct allocator a = prove_planted(&p);
	assert_is(&a, PROOF_NO, "");
}
END_TEST

START_TEST(maps_too_long_to_be_read_whole_prove_nothing)
{
	struct planted p = plant("1000-2000 r-xp 0 8:1 5 /usr/lib/libc.so.6\n");
	AUTOCLOSE int fd = openat(p.fd, "maps", O_WRONLY);
	ck_assert_int_eq(ftruncate(fd, 9 * 1024 * 1024), 0);
	struct allocator a = prove_planted(&p);
	assert_is(&a, PROOF_UNKNOWN, "");
}
END_TEST

static void plant_memory(const struct planted *p, const void *bytes, size_t len, off_t at) {
	AUTOCLOSE int fd = openat(p->fd, "mem", O_WRONLY | O_CREAT, 0600);
	ck_assert_int_eq(pwrite(fd, bytes, len, at), (ssize_t)len);
}

START_TEST(hostile_maps_and_memory_are_survived)
{
	static const char *const maps[] = {
		"0-ffffffffffffffff r-xp 0 8:1 5 /l/libc.so.6\n",
		"0-ffffffffffffffff r-xp ffffffffffffffff 8:1 5 /l/libc.so.6\n",
		("1000-2000 r--p 0 8:1 5 /l/libc.so.6\n"
		 "ffffffffffff0000-ffffffffffffffff r-xp 1000 8:1 5 /l/libc.so.6\n"),
		"1000-2000 r-xp 0 8:1 5 libc.so.6\n", /* no path to open */
		"1000-2000 r-xp 0 8:1 5 /../../../../../../dev/zero/libc.so.6\n",
		"1000-2000 r-xp 0 8:1 5 /tmp/%n%s%n/libruby\n",
		"1000-2000 r-xp 1000 8:1 5 /l/libc.so.6\n", /* no beginning */
		"2000-3000 r-xp 0 8:1 5 /l/libruby\n2000-9000 r-xp 0 8:1 5 /l/libruby\n",
		"\n\n\377\377\n",
	};
	for (size_t i = 0; i < ARRAY_LEN(maps); i++) {
		for (int kind = 0; kind < 3; kind++) {
			struct planted p = plant(maps[i]);
			if (kind == 1)
				plant_memory(&p, "\177ELF\2\1\1", 7, 0x1000);
			if (kind == 2)
				plant_memory(&p, "", 1, 1 << 20); /* a megabyte of zeros */
			struct allocator a = prove_planted(&p);
			ck_assert_msg(a.proof != PROOF_PROVED, "%s", maps[i]);
		}
	}
}
END_TEST

/* The real libc as ld.so would load it at BASE, but with malloc's slot as we like. */
#define BASE   0x10000000u
#define READER 0x20000000u
#define PAGE   0x1000u

static int find_libc(struct dl_phdr_info *info, size_t size UNUSED, void *path) {
	if (strstr(info->dlpi_name, "/libc.so") == NULL)
		return 0;
	*(const char **)path = info->dlpi_name;
	return 1;
}

/* Segments into a text of maps and a file of memory. */
static struct planted plant_libc(const char *bytes, const struct elf *elf, uint64_t target) {
	char maps[2000];
	struct text text = TEXT_IN(maps);
	const Elf64_Phdr *s = (const void *)(bytes + elf->segments.at);
	size_t n = elf->segments.len / sizeof *s;
	for (size_t i = 0; i < n; i++) {
		if (s[i].p_type == PT_LOAD)
			text_printf(&text,
				    "%" PRIx64 "-%" PRIx64 " r-%cp %" PRIx64
				    " 8:1 5 /l/libc.so.6\n",
				    BASE + s[i].p_vaddr / PAGE * PAGE,
				    BASE + (s[i].p_vaddr + s[i].p_filesz + PAGE - 1) / PAGE * PAGE,
				    s[i].p_flags & PF_X ? 'x' : '-', s[i].p_offset / PAGE * PAGE);
	}
	/* And once more by somebody who only reads the file, there a single zero. */
	text_printf(&text, "%x-%x r--p 0 8:1 5 /l/libc.so.6\n", READER, READER + PAGE);
	struct planted p = plant(maps);
	for (size_t i = 0; i < n; i++) {
		if (s[i].p_type == PT_LOAD)
			plant_memory(&p, bytes + s[i].p_offset, s[i].p_filesz,
				     (off_t)(BASE + s[i].p_vaddr));
	}
	plant_memory(&p, "", 1, READER);
	uint64_t slot = 0;
	ck_assert(elf_slot(elf, "malloc", &slot));
	plant_memory(&p, &target, sizeof target, (off_t)(BASE + slot));
	return p;
}

START_TEST(only_a_slot_that_points_to_the_malloc_defined_there_decides)
{
	const char *path = NULL;
	AUTOFREE char *bytes = NULL;
	size_t len;
	struct elf elf;
	uint64_t value;
	ck_assert_int_eq(dl_iterate_phdr(find_libc, &path), 1);
	ck_assert_int_eq(file_read(path, 16 << 20, &bytes, &len), 0);
	ck_assert_int_eq(elf_read(&elf, bytes, len, 0), ELF_FINE);
	ck_assert(elf_defines(&elf, "malloc", &value));
	const struct {
		uint64_t target;
		const char *name;
	} cases[] = {
		{ BASE + value, "glibc" },
		{ BASE + value + 8, "" }, /* as a stub: not bound yet */
		{ BASE, "" },             /* nothing to run */
		{ 0, "" },                /* nowhere */
		{ value, "" },            /* not yet moved */
		{ UINT64_MAX, "" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct planted p = plant_libc(bytes, &elf, cases[i].target);
		struct allocator a = prove_planted(&p);
		assert_is(&a, PROOF_NO, cases[i].name);
	}
}
END_TEST

SUITE("loaded", where_memory_may_not_be_read_a_loaded_library_is_mapped,
      a_version_is_not_read_from_the_file_that_took_a_deleted_ones_place,
      where_memory_may_not_be_read_nothing_loaded_is_no_and_nameless,
      maps_too_long_to_be_read_whole_prove_nothing, hostile_maps_and_memory_are_survived,
      only_a_slot_that_points_to_the_malloc_defined_there_decides)
