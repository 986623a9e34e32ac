#include "core/maps.h"

#include <stdio.h>
#include <string.h>

#include "suite.h"
#include "util/base.h"

/* A Puma with the library preloaded, Linux 6.1; then an upgrade took the library's file away. */
static const char worker[] =
	"555555554000-555555555000 r--p 00000000 fe:00 248123                     /usr/bin/ruby3.1\n"
	"555555555000-555555556000 r-xp 00001000 fe:00 248123                     /usr/bin/ruby3.1\n"
	"555555559000-555555990000 rw-p 00000000 00:00 0                          [heap]\n"
	"7ffff4a00000-7ffff5200000 rw-p 00000000 00:00 0 \n"
	"7ffff7000000-7ffff7026000 r--p 00000000 fe:00 355428                     /usr/lib/x86_64-linux-gnu/libc.so.6\n"
	"7ffff7026000-7ffff717c000 r-xp 00026000 fe:00 355428                     /usr/lib/x86_64-linux-gnu/libc.so.6\n"
	"7ffff7400000-7ffff7408000 r--p 00000000 103:02 77                        /srv/my app/lib/libjemalloc.so.2 (deleted)\n"
	"7ffff7408000-7ffff74a0000 r-xp 00008000 103:02 77                        /srv/my app/lib/libjemalloc.so.2 (deleted)\n"
	"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n";

static struct maps of(const char *text) {
	return (struct maps){ text, strlen(text) };
}

static bool path_is(const struct mapping *m, const char *path) {
	return m->path_len == strlen(path) && memcmp(m->path, path, m->path_len) == 0;
}

START_TEST(every_field_of_a_line_is_read)
{
	struct maps maps = of(worker);
	struct mapping m;
	ck_assert(maps_named(&maps, "libjemalloc", &m));
	ck_assert_uint_eq(m.start, 0x7ffff7408000);
	ck_assert_uint_eq(m.end, 0x7ffff74a0000);
	ck_assert_uint_eq(m.offset, 0x8000);
	ck_assert_uint_eq(m.major, 0x103);
	ck_assert_uint_eq(m.minor, 2);
	ck_assert_uint_eq(m.inode, 77);
	ck_assert(m.read && !m.write && m.execute);
}
END_TEST

START_TEST(blanks_belong_to_a_path_and_deleted_does_not)
{
	struct maps maps = of(worker);
	struct mapping m;
	ck_assert(maps_named(&maps, "libjemalloc", &m));
	ck_assert(path_is(&m, "/srv/my app/lib/libjemalloc.so.2"));
	ck_assert(m.deleted);
	ck_assert(maps_named(&maps, "libc.so.6", &m));
	ck_assert(!m.deleted);
}
END_TEST

START_TEST(an_address_is_found_in_its_mapping_and_not_at_its_end)
{
	struct maps maps = of(worker);
	struct mapping m;
	ck_assert(maps_at(&maps, 0x7ffff7408000, &m));
	ck_assert(m.execute);
	ck_assert(path_is(&m, "/srv/my app/lib/libjemalloc.so.2"));
	ck_assert(maps_at(&maps, 0x7ffff749ffff, &m));
	ck_assert(!maps_at(&maps, 0x7ffff74a0000, &m));
	ck_assert(!maps_at(&maps, 0, &m));
	ck_assert(maps_at(&maps, 0xffffffffff600000, &m));
	ck_assert(path_is(&m, "[vsyscall]"));
}
END_TEST

START_TEST(a_prefix_is_of_the_name_and_not_of_the_folder)
{
	struct maps maps = of("1000-2000 r-xp 0 0:1 9 /opt/libjemalloc/ruby\n"
			      "3000-4000 r-xp 0 0:1 8 libruby.so\n"
			      "5000-6000 r-xp 0 0:0 0 [libc.so.6]\n");
	struct mapping m;
	ck_assert(!maps_named(&maps, "libjemalloc", &m));
	ck_assert(maps_named(&maps, "ruby", &m));
	ck_assert(maps_named(&maps, "libruby", &m));
	ck_assert(!maps_named(&maps, "[libc", &m)); /* no file */
}
END_TEST

START_TEST(the_same_file_is_the_same_inode_on_the_same_device_at_the_same_path)
{
	struct maps maps = of("1000-2000 r--p 0 8:1 9 /a\n2000-3000 r-xp 1000 8:1 9 /a\n"
			      "3000-4000 r--p 0 8:1 9 /b\n4000-5000 r--p 0 8:2 9 /a\n"
			      "5000-6000 r--p 0 0:0 0 \n6000-7000 r--p 0 0:0 0 \n");
	struct mapping m[6];
	size_t at = 0;
	for (size_t i = 0; i < ARRAY_LEN(m); i++)
		ck_assert(maps_next(&maps, &at, &m[i]));
	ck_assert(mapping_same_file(&m[0], &m[1]));
	ck_assert(!mapping_same_file(&m[0], &m[2]));
	ck_assert(!mapping_same_file(&m[0], &m[3]));
	ck_assert(!mapping_same_file(&m[4], &m[5])); /* two anonymous ones are not one file */
}
END_TEST

START_TEST(only_what_may_be_run_counts_as_loaded)
{
	struct maps maps = of("1000-2000 r--p 0 8:1 9 /l/libc.so.6\n"
			      "2000-3000 r-xp 1000 8:1 9 /l/libc.so.6\n");
	struct mapping m;
	ck_assert(maps_named(&maps, "libc.so.6", &m));
	ck_assert_uint_eq(m.start, 0x2000);
	ck_assert(maps_of_path(&maps, "/l/libc.so.6", 12, &m));
	ck_assert_uint_eq(m.start, 0x2000);
	ck_assert(!maps_of_path(&maps, "/l/libc.so", 10, &m));
	maps.len = 36; /* the first line */
	ck_assert(!maps_named(&maps, "libc.so.6", &m));
}
END_TEST

START_TEST(a_load_begins_at_its_own_first_byte_and_not_at_a_readers)
{
	struct maps maps = of("1000-9000 r--p 0 8:1 9 /a\n" /* mapped by somebody who reads it */
			      "20000-21000 r--p 0 8:1 9 /a\n"
			      "21000-22000 r-xp 1000 8:1 9 /a\n"
			      "22000-23000 r-xp 0 8:1 7 /old\n" /* one mapping for everything */
			      "30000-31000 r--p 0 8:1 9 /a\n"
			      "40000-41000 r-xp 3000 8:1 8 /c\n");
	struct mapping m, head;
	ck_assert(maps_at(&maps, 0x21000, &m));
	ck_assert(maps_head_of(&maps, &m, &head));
	ck_assert_uint_eq(head.start, 0x20000);
	ck_assert(maps_at(&maps, 0x22000, &m));
	ck_assert(maps_head_of(&maps, &m, &head));
	ck_assert_uint_eq(head.start, 0x22000);
	ck_assert(maps_at(&maps, 0x40000, &m));
	ck_assert(!maps_head_of(&maps, &m, &head));
}
END_TEST

START_TEST(what_is_not_a_mapping_is_passed_over)
{
	static const char *const lines[] = {
		"",
		"\n\n\n",
		"1000-2000\n",
		"1000-2000 r-\n",
		"1000-2000 r-xp zz 8:1 9 /a\n",
		"2000-1000 r-xp 0 8:1 9 /a\n",                           /* backwards */
		"1000-1000 r-xp 0 8:1 9 /a\n",                           /* empty */
		"10000000000000000-20000000000000000 r-xp 0 8:1 9 /a\n", /* too long to be one */
		"1000-2000 r-xp 0 8:1 99999999999999999999999 /a\n",
		"-2000 r-xp 0 8:1 9 /a\n",
		"Size:               1024 kB\n",
	};
	struct mapping m;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct maps maps = of(lines[i]);
		size_t at = 0;
		ck_assert_msg(!maps_next(&maps, &at, &m), "%s", lines[i]);
		char both[200];
		snprintf(both, sizeof both, "%s\n7000-8000 r--p 0 8:1 9 /z\n", lines[i]);
		maps = of(both);
		ck_assert_msg(maps_at(&maps, 0x7000, &m), "%s", lines[i]);
	}
}
END_TEST

START_TEST(a_text_that_ends_anywhere_is_read_as_far_as_it_goes)
{
	for (size_t n = 0; n <= sizeof worker - 1; n++) {
		char *cut = malloc(n + 1); /* of its own size, so that a sanitizer sees the end */
		memcpy(cut, worker, n);
		struct maps maps = { cut, n };
		struct mapping m;
		size_t seen = 0, at = 0;
		while (maps_next(&maps, &at, &m))
			seen++;
		ck_assert_uint_le(seen, 9);
		maps_named(&maps, "libjemalloc", &m);
		free(cut);
	}
}
END_TEST

SUITE("maps", every_field_of_a_line_is_read, blanks_belong_to_a_path_and_deleted_does_not,
      an_address_is_found_in_its_mapping_and_not_at_its_end,
      a_prefix_is_of_the_name_and_not_of_the_folder,
      the_same_file_is_the_same_inode_on_the_same_device_at_the_same_path,
      only_what_may_be_run_counts_as_loaded,
      a_load_begins_at_its_own_first_byte_and_not_at_a_readers,
      what_is_not_a_mapping_is_passed_over, a_text_that_ends_anywhere_is_read_as_far_as_it_goes)
