#include "core/allocator.h"

#include <string.h>

#include "suite.h"

static struct mapping file(const char *path) {
	return (struct mapping){ .inode = 1, .path = path, .path_len = strlen(path) };
}

static const char *kind_by_name(const char *path) {
	struct elf none = { 0 };
	struct mapping m = file(path);
	const struct allocator_kind *kind = allocator_kind_of(&none, &m);
	return kind != NULL ? kind->name : "";
}

/* The version that is read out of `text`, of the kind that such a file is. */
static const char *version_in(const char *path, const char *text) {
	static char version[32];
	struct elf none = { 0 };
	struct mapping m = file(path);
	allocator_read_version(allocator_kind_of(&none, &m), text, strlen(text), version,
			       sizeof version);
	return version;
}

START_TEST(a_library_is_known_by_its_name)
{
	ck_assert_str_eq(kind_by_name("/usr/lib64/libjemalloc.so.1"), "jemalloc");
	ck_assert_str_eq(kind_by_name("/usr/lib/x86_64-linux-gnu/libjemalloc.so.2"), "jemalloc");
	ck_assert_str_eq(kind_by_name("/usr/lib/libtcmalloc_minimal.so.4.5.10"), "tcmalloc");
	ck_assert_str_eq(kind_by_name("/opt/libmimalloc.so.2.0"), "mimalloc");
	ck_assert_str_eq(kind_by_name("/lib/x86_64-linux-gnu/libc.so.6"), "glibc");
	ck_assert_str_eq(kind_by_name("/lib/x86_64-linux-gnu/libc-2.31.so"), "glibc");
	ck_assert_str_eq(kind_by_name("/lib/ld-musl-x86_64.so.1"), "musl");
	ck_assert_str_eq(kind_by_name("/usr/lib/libcurl.so.4"), "");
	ck_assert_str_eq(kind_by_name("/usr/lib/libc.so.60/x"), "");
}
END_TEST

#define COMMIT "54eaed1d8b56b1aa528be3bdd1877e59c56fa90c"

START_TEST(jemalloc_tells_its_version_as_git_described_it)
{
	static const struct {
		const char *text, *version;
	} cases[] = {
		{ "5.3.0-0-g" COMMIT, "5.3.0" },
		{ "noise 12-g -g 3.6.0-17-g" COMMIT " noise", "3.6.0" },
		{ "x-5.2.1-0-g" COMMIT, "" }, /* digits run into something else */
		{ "5.3.0-0-gdeadbeef", "" },  /* a short one is of something else */
		{ "5.3-0-g" COMMIT, "" },
		{ "0.0.0-0-g000000missing_version_try_git_fetch_tags", "" },
		{ "-g", "" },
		{ "", "" },
		{ "5.3.0-0-g", "" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		ck_assert_str_eq(version_in("libjemalloc.so.2", cases[i].text), cases[i].version);
}
END_TEST

START_TEST(glibc_tells_its_version_in_its_banner)
{
	ck_assert_str_eq(version_in("libc.so.6", "GNU C Library (Debian GLIBC 2.36-9+deb12u14) "
						 "stable release version 2.36.\nCopyright"),
			 "2.36");
	ck_assert_str_eq(version_in("libc.so.6", "GNU C Library (x) development release version 2"),
			 "2");
	ck_assert_str_eq(version_in("libc.so.6", "GNU C Library (x) stable release version "), "");
	ck_assert_str_eq(version_in("libc.so.6", "nothing"), "");
}
END_TEST

START_TEST(what_does_not_tell_has_no_version)
{ ck_assert_str_eq(version_in("libmimalloc.so.2", "5.3.0-0-g" COMMIT), ""); }
END_TEST

START_TEST(only_an_executable_mapping_of_another_allocator_counts_as_loaded)
{
	static const struct {
		const char *maps, *name;
	} cases[] = {
		{ "1000-2000 r--p 0 8:1 5 /l/libjemalloc.so.2\n"
		  "2000-3000 r-xp 1000 8:1 5 /l/libjemalloc.so.2\n",
		  "jemalloc" },
		{ "1000-2000 r--p 0 8:1 5 /l/libjemalloc.so.2\n",
		  "" }, /* somebody reads the file */
		{ "1000-2000 r-xp 0 8:1 5 /l/libc.so.6\n", "" },
		{ "", "" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct maps maps = { cases[i].maps, strlen(cases[i].maps) };
		struct mapping m;
		const struct allocator_kind *kind = allocator_kind_mapped(&maps, &m);
		ck_assert_str_eq(kind != NULL ? kind->name : "", cases[i].name);
		if (kind != NULL)
			ck_assert_uint_eq(m.start, 0x2000);
	}
}
END_TEST

START_TEST(every_proof_has_its_word)
{
	ck_assert_str_eq(allocator_proof_name(PROOF_UNKNOWN), "unknown");
	ck_assert_str_eq(allocator_proof_name(PROOF_NO), "no");
	ck_assert_str_eq(allocator_proof_name(PROOF_MAPPED), "mapped");
	ck_assert_str_eq(allocator_proof_name(PROOF_PROVED), "proved");
}
END_TEST

SUITE("allocator", a_library_is_known_by_its_name, jemalloc_tells_its_version_as_git_described_it,
      glibc_tells_its_version_in_its_banner, what_does_not_tell_has_no_version,
      only_an_executable_mapping_of_another_allocator_counts_as_loaded, every_proof_has_its_word)
