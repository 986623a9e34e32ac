#include "core/allocator.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static size_t digits(const char *s, const char *end) {
	size_t n = 0;
	while (s + n < end && isdigit((unsigned char)s[n]))
		n++;
	return n;
}

/* The length of "5.3.0" when "-0-g" and forty digits of a commit follow; else 0. */
static size_t git_version(const char *s, const char *end) {
	const char *at = s;
	static const char after[] = { '.', '.', '-', '-' };
	size_t version = 0;
	for (size_t i = 0; i < sizeof after; i++) {
		size_t n = digits(at, end);
		at += n;
		if (n == 0 || at == end || *at != after[i])
			return 0;
		if (i == 2)
			version = (size_t)(at - s);
		at++;
	}
	if (end - at < 41 || *at != 'g')
		return 0;
	for (size_t i = 1; i <= 40; i++) {
		if (!isxdigit((unsigned char)at[i]))
			return 0;
	}
	return version;
}

/* jemalloc is built from git, and keeps what `git describe` said ("5.3.0-0-g54eaed1d…"). */
static void read_jemalloc(const char *bytes, const char *end, char *version, size_t size) {
	for (const char *at = bytes; (at = memmem(at, (size_t)(end - at), "-g", 2)) != NULL; at++) {
		const char *from = at; /* back to where digits, dots and the dash began */
		while (from > bytes && at - from < 24 &&
		       (isdigit((unsigned char)from[-1]) || from[-1] == '.' || from[-1] == '-'))
			from--;
		size_t n = git_version(from, end);
		if (n == 0)
			continue;
		snprintf(version, size, "%.*s", (int)n, from);
		return;
	}
}

/* "GNU C Library (Debian GLIBC 2.36-9) stable release version 2.36." */
static void read_glibc(const char *bytes, const char *end, char *version, size_t size) {
	static const char banner[] = "GNU C Library", release[] = " release version ";
	const char *at = memmem(bytes, (size_t)(end - bytes), banner, sizeof banner - 1);
	if (at != NULL)
		at = memmem(at, (size_t)(end - at), release, sizeof release - 1);
	if (at == NULL)
		return;
	at += sizeof release - 1;
	size_t n = digits(at, end);
	if (n > 0 && at + n < end && at[n] == '.')
		n += 1 + digits(at + n + 1, end);
	snprintf(version, size, "%.*s", (int)n, at);
}

/* The order matters: what else a ruby with jemalloc inside defines is of no interest. */
static const struct allocator_kind kinds[] = {
	{ "jemalloc", { "libjemalloc" }, { "mallctl", "je_mallctl" }, false, read_jemalloc },
	{ "tcmalloc", { "libtcmalloc" }, { "tc_malloc", "tc_version" }, false, NULL },
	{ "mimalloc", { "libmimalloc" }, { "mi_malloc" }, false, NULL },
	{ "glibc", { "libc.so.6", "libc-2." }, { "gnu_get_libc_version" }, true, read_glibc },
	{ "musl", { "ld-musl-", "libc.musl-" }, { NULL }, true, NULL },
};

const char *allocator_proof_name(enum allocator_proof proof) {
	switch (proof) {
	case PROOF_UNKNOWN: return "unknown";
	case PROOF_NO: return "no";
	case PROOF_MAPPED: return "mapped";
	case PROOF_PROVED: return "proved";
	}
	return "?";
}

static bool defines_one_of(const struct elf *elf, const char *const symbols[3]) {
	for (size_t i = 0; i < 3 && symbols[i] != NULL; i++) {
		if (elf_defines(elf, symbols[i], NULL))
			return true;
	}
	return false;
}

static bool is_named(const struct mapping *file, const char *const prefixes[3]) {
	size_t len;
	const char *name = mapping_name(file, &len);
	for (size_t i = 0; i < 3 && prefixes[i] != NULL; i++) {
		size_t n = strlen(prefixes[i]);
		if (len >= n && memcmp(name, prefixes[i], n) == 0)
			return true;
	}
	return false;
}

const struct allocator_kind *allocator_kind_of(const struct elf *elf, const struct mapping *file) {
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (defines_one_of(elf, kinds[i].symbols))
			return &kinds[i];
	}
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (is_named(file, kinds[i].files))
			return &kinds[i];
	}
	return NULL;
}

const struct allocator_kind *allocator_kind_mapped(const struct maps *maps, struct mapping *file) {
	for (size_t at = 0; maps_next(maps, &at, file);) {
		if (!file->execute || file->inode == 0)
			continue;
		for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
			if (!kinds[i].own && is_named(file, kinds[i].files))
				return &kinds[i];
		}
	}
	return NULL;
}

void allocator_read_version(const struct allocator_kind *kind, const void *bytes, size_t len,
			    char *version, size_t size) {
	version[0] = '\0';
	const char *from = bytes;
	if (kind->read_version != NULL && len > 0)
		kind->read_version(from, from + len, version, size);
}
