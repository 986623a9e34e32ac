#include "daemon/allocator_find.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "core/elf.h"
#include "os/file.h"
#include "util/heap.h"
#include "util/text.h"

#define LIBRARY_MAX ((size_t)64 * 1024 * 1024)

/* 5.x is .so.2; .so.1 is 3.x, which the servers of long ago have. The newer one anywhere first. */
static const char *const names[] = { "libjemalloc.so.2", "libjemalloc.so.1" };

/* What the administrator put there first. */
static const struct {
	const char *dir;
	bool multiarch; /* Debian's: with a folder per machine */
} places[] = {
	{ "/usr/local/lib", false }, { "/usr/lib", true }, { "/lib", true },
	{ "/usr/lib64", false },     { "/lib64", false },  { "/usr/lib", false },
	{ "/lib", false },
};

/* Our own header, where the linker put it: tells what this program, and so its workers, are. */
extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));

static struct elf ourselves(void) {
	/* No more than the header is there, so it reads as broken; machine and bits are set. */
	struct elf elf;
	elf_read(&elf, &__ehdr_start, sizeof __ehdr_start, 0);
	return elf;
}

/* The nth place to look in: "/usr/lib/x86_64-linux-gnu". */
static void print_place(size_t n, struct text *out) {
	struct elf us = ourselves();
	const char *machine = us.machine == EM_PPC64 ? "powerpc64le" : elf_machine_name(us.machine);
	text_puts(out, places[n].dir);
	if (places[n].multiarch)
		text_printf(out, "/%s-linux-gnu", machine);
}

/* A library names its C library; one that needs none (linked with -nostdlib) fits any. */
static bool is_for_musl(const struct elf *elf) {
	const char *needed;
	for (size_t i = 0; (needed = elf_needed(elf, i)) != NULL; i++) {
		if (strncmp(needed, "libc.musl-", 10) == 0 || strcmp(needed, "libc.so") == 0)
			return true;
	}
	return false;
}

static bool is_for_glibc(const struct elf *elf) {
	const char *needed;
	for (size_t i = 0; (needed = elf_needed(elf, i)) != NULL; i++) {
		if (strcmp(needed, "libc.so.6") == 0)
			return true;
	}
	return false;
}

static int check_c_library(const char *path, const struct elf *elf, struct error *err) {
#ifdef __GLIBC__
	if (is_for_musl(elf) && !is_for_glibc(elf))
		return error_at(err, 0, 0, "%s is for musl, this system runs on glibc", path);
#else
	if (is_for_glibc(elf) && !is_for_musl(elf))
		return error_at(err, 0, 0, "%s is for glibc, this system runs on musl", path);
#endif
	return 0;
}

static int check_elf(const char *path, const char *bytes, size_t len, struct error *err) {
	struct elf elf, us = ourselves();
	enum elf_fault fault = elf_read(&elf, bytes, len, 0);
	if (fault == ELF_NOT)
		return error_at(err, 0, 0, "%s is not a shared library", path);
	if (elf.machine != us.machine || elf.bits != us.bits)
		return error_at(err, 0, 0, "%s is for %s (%u bits), this is %s (%u bits)", path,
				elf_machine_name(elf.machine), elf.bits,
				elf_machine_name(us.machine), us.bits);
	if (fault == ELF_UNSUPPORTED) /* then we are such a machine ourselves: as good as it gets */
		return 0;
	if (fault == ELF_BROKEN)
		return error_at(err, 0, 0, "%s is damaged: its ELF headers make no sense", path);
	if (elf.type != ET_DYN)
		return error_at(err, 0, 0, "%s is not a shared library", path);
	if (check_c_library(path, &elf, err) != 0)
		return -1;
	if (!elf_defines(&elf, "malloc", NULL))
		return error_at(err, 0, 0, "%s defines no malloc: to preload it changes nothing",
				path);
	return 0;
}

static int check_library(const char *path, struct error *err) {
	AUTOFREE char *bytes = NULL;
	size_t len;
	int error = file_read(path, LIBRARY_MAX, &bytes, &len);
	if (error != 0)
		return error_at(err, 0, 0, "%s: %s", path, strerror(-error));
	return check_elf(path, bytes, len, err);
}

static int not_found(struct error *err) {
	char searched[256];
	struct text text = TEXT_IN(searched);
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		text_puts(&text, i > 0 ? ", " : "");
		print_place(i, &text);
	}
	return error_at(err, 0, 0,
			"no %s (nor %s) in %s; `apt install libjemalloc2`, or set "
			"allocator.preload to a library's path, or to none",
			names[0], names[1], searched);
}

static int put(const char *found, char *path, size_t size, struct error *err) {
	if (strlen(found) >= size)
		return error_at(err, 0, 0, "%s: %s", found, strerror(ENAMETOOLONG));
	strcpy(path, found);
	return 0;
}

/* One that is there and doesn't fit is passed over, but told when nothing else is found. */
static int find_jemalloc(char *path, size_t size, struct error *err) {
	bool complained = false;
	for (size_t i = 0; i < ARRAY_LEN(names) * ARRAY_LEN(places); i++) {
		char buffer[128];
		struct text candidate = TEXT_IN(buffer);
		print_place(i % ARRAY_LEN(places), &candidate);
		text_printf(&candidate, "/%s", names[i / ARRAY_LEN(places)]);
		if (access(buffer, F_OK) != 0)
			continue;
		if (check_library(buffer, err) == 0)
			return put(buffer, path, size, err);
		complained = true;
	}
	return complained ? -1 : not_found(err);
}

static int take_path(const char *preload, char *path, size_t size, struct error *err) {
	/* ld.so takes both for the end of a name, and has no quoting (ld.so(8)). */
	if (preload[strcspn(preload, ": \t\n")] != '\0')
		return error_at(err, 0, 0,
				"%s: LD_PRELOAD can't name a path with a blank or a colon; "
				"a link from elsewhere will do",
				preload);
	return check_library(preload, err) != 0 ? -1 : put(preload, path, size, err);
}

int allocator_find(const char *preload, char *path, size_t size, struct error *err) {
	assert(size > 0);
	path[0] = '\0';
	if (strcmp(preload, "none") == 0)
		return 0;
	if (strcmp(preload, "jemalloc") == 0)
		return find_jemalloc(path, size, err);
	if (preload[0] == '/')
		return take_path(preload, path, size, err);
	return error_at(err, 0, 0, "%s: expected jemalloc, none or a library's absolute path",
			preload);
}
