#include "core/elf.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

#include "suite.h"

/* A file of this very process, whole, with where ld.so put it. */
struct loaded {
	uint8_t *bytes;
	size_t len;
	uintptr_t moved_by;
};

static int find_libc(struct dl_phdr_info *info, size_t size UNUSED, void *context) {
	struct loaded *l = context;
	if (strstr(info->dlpi_name, "/libc.so") == NULL)
		return 0;
	FILE *file = fopen(info->dlpi_name, "rb");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
	l->len = (size_t)ftell(file);
	rewind(file);
	l->bytes = malloc(l->len);
	ck_assert_uint_eq(fread(l->bytes, 1, l->len, file), l->len);
	fclose(file);
	l->moved_by = info->dlpi_addr;
	return 1;
}

static struct loaded libc(void) {
	struct loaded l = { 0 };
	ck_assert_int_eq(dl_iterate_phdr(find_libc, &l), 1);
	return l;
}

START_TEST(the_slot_of_malloc_holds_what_ld_so_put_there)
{
	struct loaded l = libc();
	struct elf e;
	uint64_t slot = 0;
	ck_assert_int_eq(elf_read(&e, l.bytes, l.len, 0), ELF_FINE);
	ck_assert(elf_slot(&e, "malloc", &slot));
	/* In a build with sanitizers that is the sanitizer's, and so it should be. */
	void *held = *(void **)(l.moved_by + slot);
	ck_assert_ptr_eq(held, dlsym(RTLD_DEFAULT, "malloc"));
	free(l.bytes);
}
END_TEST

START_TEST(a_defined_symbol_has_its_address)
{
	struct loaded l = libc();
	struct elf e;
	uint64_t value = 0;
	ck_assert_int_eq(elf_read(&e, l.bytes, l.len, 0), ELF_FINE);
	ck_assert(elf_defines(&e, "gnu_get_libc_version", &value));
	ck_assert_ptr_eq((void *)(l.moved_by + value), dlsym(RTLD_DEFAULT, "gnu_get_libc_version"));
	ck_assert(elf_defines(&e, "malloc", NULL));
	ck_assert(!elf_defines(&e, "mallctl", NULL));
	ck_assert(!elf_defines(&e, "", NULL));
	ck_assert(!elf_defines(&e, "__tls_get_addr", NULL)); /* of ld.so: named here, not defined */
	free(l.bytes);
}
END_TEST

START_TEST(both_hash_tables_lead_to_the_symbols)
{
	struct loaded l = libc();
	struct elf e;
	ck_assert_int_eq(elf_read(&e, l.bytes, l.len, 0), ELF_FINE);
	struct elf_part none = { 0 }, gnu = e.gnu_hash;
	ck_assert_uint_gt(gnu.len, 0);
	e.hash = none;
	ck_assert(elf_defines(&e, "malloc", NULL));
	e.gnu_hash = none;
	ck_assert(!elf_defines(&e, "malloc", NULL));
	free(l.bytes);
}
END_TEST

START_TEST(an_image_out_of_memory_reads_like_the_file)
{
	/* What ld.so does to the dynamic section of a library that it has moved. */
	struct loaded l = libc();
	struct elf e;
	uint64_t in_file = 0, in_image = 1;
	const uint64_t moved_by = 0x7ffff0000000;
	ck_assert_int_eq(elf_read(&e, l.bytes, l.len, 0), ELF_FINE);
	ck_assert(elf_slot(&e, "malloc", &in_file));
	for (size_t at = e.dynamic.at; at < e.dynamic.at + e.dynamic.len; at += sizeof(Elf64_Dyn)) {
		Elf64_Dyn *d = (Elf64_Dyn *)(void *)(l.bytes + at);
		if (d->d_tag == DT_STRTAB || d->d_tag == DT_SYMTAB || d->d_tag == DT_RELA)
			d->d_un.d_ptr += moved_by;
	}
	ck_assert_int_eq(elf_read(&e, l.bytes, l.len, moved_by), ELF_FINE);
	ck_assert(elf_slot(&e, "malloc", &in_image));
	ck_assert_uint_eq(in_file, in_image);
	free(l.bytes);
}
END_TEST

START_TEST(what_it_needs_is_listed)
{
	struct loaded l = libc();
	struct elf e;
	ck_assert_int_eq(elf_read(&e, l.bytes, l.len, 0), ELF_FINE);
	const char *first = elf_needed(&e, 0);
	ck_assert_ptr_nonnull(first);
	ck_assert_int_eq(strncmp(first, "ld-linux", 8), 0);
	ck_assert_ptr_null(elf_needed(&e, 1));
	free(l.bytes);
}
END_TEST

START_TEST(other_machines_are_told_apart_and_not_read)
{
	static const struct {
		uint8_t class, data;
		uint16_t machine;
		uint8_t bits;
		const char *name;
	} cases[] = {
		{ ELFCLASS32, ELFDATA2LSB, EM_386, 32, "i386" },
		{ ELFCLASS32, ELFDATA2LSB, EM_ARM, 32, "arm" },
		{ ELFCLASS32, ELFDATA2LSB, EM_X86_64, 32, "x86_64" }, /* x32 */
		{ ELFCLASS64, ELFDATA2MSB, EM_S390, 64, "s390" },
		{ ELFCLASS64, ELFDATA2MSB, 0x1234, 64, "machine" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t bytes[64] = { 0x7f, 'E', 'L', 'F', cases[i].class, cases[i].data, 1 };
		bool big = cases[i].data == ELFDATA2MSB;
		bytes[18] = (uint8_t)(big ? cases[i].machine >> 8 : cases[i].machine);
		bytes[19] = (uint8_t)(big ? cases[i].machine : cases[i].machine >> 8);
		struct elf e;
		ck_assert_int_eq(elf_read(&e, bytes, sizeof bytes, 0), ELF_UNSUPPORTED);
		ck_assert_uint_eq(e.machine, cases[i].machine);
		ck_assert_uint_eq(e.bits, cases[i].bits);
		ck_assert_str_eq(elf_machine_name(e.machine), cases[i].name);
		ck_assert(!elf_defines(&e, "malloc", NULL));
		ck_assert(!elf_slot(&e, "malloc", &(uint64_t){ 0 }));
		ck_assert_ptr_null(elf_needed(&e, 0));
	}
}
END_TEST

START_TEST(a_linker_script_is_not_an_elf_file)
{
	static const char *const texts[] = { "", "\177", "\177ELF",
					     "/* GNU ld script */ GROUP ( /lib )", "#!/bin/sh\n" };
	struct elf e;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		ck_assert_int_eq(elf_read(&e, texts[i], strlen(texts[i]), 0), ELF_NOT);
	uint8_t header[] = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1, 0,
			     0,    0,   0,   0,   0,          0,           0, 0 };
	ck_assert_int_eq(elf_read(&e, header, sizeof header, 0), ELF_BROKEN);
}
END_TEST

/* Everything that can be asked; a sanitizer says when an answer looked too far. */
static void ask(const void *bytes, size_t len, uint64_t moved_by) {
	struct elf e;
	uint64_t value;
	elf_base(bytes, len);
	if (elf_read(&e, bytes, len, moved_by) != ELF_FINE)
		return;
	if (elf_slot(&e, "malloc", &value))
		elf_defines(&e, "malloc", &value);
	elf_defines(&e, "mallctl", &value);
	for (size_t i = 0; elf_needed(&e, i) != NULL; i++)
		;
}

/* Of its own size, so that a sanitizer sees the end. */
static uint8_t *copy_of(const struct loaded *l, size_t len) {
	uint8_t *copy = malloc(len + (len == 0));
	memcpy(copy, l->bytes, len);
	return copy;
}

START_TEST(a_file_cut_off_anywhere_is_survived)
{
	/* Finely where the headers are, then at odd places all over. */
	struct loaded l = libc();
	for (size_t len = 0; len < l.len; len += len < 8192 ? 64 : 64 * 257) {
		uint8_t *copy = copy_of(&l, len);
		ask(copy, len, 0);
		ask(copy, len, UINT64_MAX);
		free(copy);
	}
	free(l.bytes);
}
END_TEST

/* Each word of the headers and of the dynamic section becomes every kind of absurd. */
static void spoil(uint8_t *bytes, size_t len, struct elf_part part) {
	static const uint64_t absurd[] = { 0, 1, 0xffff, 0xffffffff, INT64_MAX, UINT64_MAX };
	for (size_t at = part.at; at + 8 <= part.at + part.len; at += 4) {
		uint8_t kept[8];
		memcpy(kept, bytes + at, 8);
		for (size_t i = 0; i < ARRAY_LEN(absurd); i++) {
			memcpy(bytes + at, &absurd[i], 8);
			struct elf e;
			if (elf_read(&e, bytes, len, 0) == ELF_FINE) {
				elf_slot(&e, "malloc", &(uint64_t){ 0 });
				elf_defines(&e, "", NULL);
			}
		}
		memcpy(bytes + at, kept, 8);
	}
}

START_TEST(absurd_headers_are_survived)
{
	struct loaded l = libc();
	struct elf e;
	ck_assert_int_eq(elf_read(&e, l.bytes, l.len, 0), ELF_FINE);
	spoil(l.bytes, l.len, (struct elf_part){ 0, sizeof(Elf64_Ehdr) });
	spoil(l.bytes, l.len, e.dynamic);
	e.segments.len = 6 * sizeof(Elf64_Phdr);
	spoil(l.bytes, l.len, e.segments);
	free(l.bytes);
}
END_TEST

START_TEST(absurd_hash_tables_are_survived)
{
	struct loaded l = libc();
	struct elf e;
	ck_assert_int_eq(elf_read(&e, l.bytes, l.len, 0), ELF_FINE);
	struct elf_part gnu = e.gnu_hash, hash = e.hash;
	gnu.len = 32;
	spoil(l.bytes, l.len, gnu);
	if (hash.len > 0) {
		hash.len = 16;
		spoil(l.bytes, l.len, hash);
	}
	free(l.bytes);
}
END_TEST

SUITE("elf", the_slot_of_malloc_holds_what_ld_so_put_there, a_defined_symbol_has_its_address,
      both_hash_tables_lead_to_the_symbols, an_image_out_of_memory_reads_like_the_file,
      what_it_needs_is_listed, other_machines_are_told_apart_and_not_read,
      a_linker_script_is_not_an_elf_file, a_file_cut_off_anywhere_is_survived,
      absurd_headers_are_survived, absurd_hash_tables_are_survived)
