#include "core/elf.h"

#include <elf.h>
#include <string.h>

/* The two relocations that fill a slot with a function's address. */
static const struct machine {
	uint16_t machine;
	const char *name;
	uint32_t at_load, on_call; /* …_GLOB_DAT or plain 64-bit, …_JUMP_SLOT; 0: unknown */
} machines[] = {
	{ EM_386, "i386", 0, 0 },
	{ EM_AARCH64, "aarch64", R_AARCH64_GLOB_DAT, R_AARCH64_JUMP_SLOT },
	{ EM_ARM, "arm", 0, 0 },
	{ EM_LOONGARCH, "loongarch64", R_LARCH_64, R_LARCH_JUMP_SLOT },
	{ EM_PPC64, "ppc64", R_PPC64_GLOB_DAT, R_PPC64_JMP_SLOT },
	{ EM_RISCV, "riscv64", R_RISCV_64, R_RISCV_JUMP_SLOT },
	{ EM_S390, "s390", 0, 0 },
	{ EM_X86_64, "x86_64", R_X86_64_GLOB_DAT, R_X86_64_JUMP_SLOT },
};

static const struct machine *machine_of(uint16_t number) {
	static const struct machine unknown = { 0, "machine", 0, 0 };
	for (size_t i = 0; i < ARRAY_LEN(machines); i++) {
		if (machines[i].machine == number)
			return &machines[i];
	}
	return &unknown;
}

const char *elf_machine_name(uint16_t machine) {
	return machine_of(machine)->name;
}

static bool inside(const struct elf *e, uint64_t at, uint64_t n) {
	return at <= e->len && n <= e->len - at;
}

/* The nth entry of a table; memcpy because hostile tables need not be aligned. */
#define ENTRY(elf, part, n, entry) entry_read((elf), (part), (n), (entry), sizeof *(entry))
static bool entry_read(const struct elf *e, struct elf_part part, size_t n, void *entry,
		       size_t size) {
	if (n >= part.len / size)
		return false;
	memcpy(entry, e->bytes + part.at + n * size, size);
	return true;
}

static enum elf_fault read_header(struct elf *e, Elf64_Ehdr *header) {
	if (e->len < EI_NIDENT || memcmp(e->bytes, ELFMAG, SELFMAG) != 0)
		return ELF_NOT;
	bool little = e->bytes[EI_DATA] == ELFDATA2LSB;
	e->bits = e->bytes[EI_CLASS] == ELFCLASS64 ? 64 : 32;
	if (e->len < sizeof(Elf32_Ehdr))
		return ELF_BROKEN;
	/* e_type and e_machine are in the same place in both classes. */
	const uint8_t *type = e->bytes + offsetof(Elf64_Ehdr, e_type);
	const uint8_t *machine = e->bytes + offsetof(Elf64_Ehdr, e_machine);
	e->type = (uint16_t)(little ? type[0] | type[1] << 8 : type[0] << 8 | type[1]);
	e->machine =
		(uint16_t)(little ? machine[0] | machine[1] << 8 : machine[0] << 8 | machine[1]);
	if (!little || e->bits != 64 || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
		return ELF_UNSUPPORTED;
	if (e->len < sizeof *header)
		return ELF_BROKEN;
	memcpy(header, e->bytes, sizeof *header);
	if (header->e_phentsize != sizeof(Elf64_Phdr) ||
	    !inside(e, header->e_phoff, (uint64_t)header->e_phnum * sizeof(Elf64_Phdr)))
		return ELF_BROKEN;
	e->segments = (struct elf_part){ header->e_phoff, header->e_phnum * sizeof(Elf64_Phdr) };
	return ELF_FINE;
}

/* Segments are in the order of their addresses (elf(5)), so the first one is the lowest. */
static void find_base(struct elf *e) {
	Elf64_Phdr segment;
	for (size_t i = 0; ENTRY(e, e->segments, i, &segment); i++) {
		if (segment.p_type == PT_LOAD) {
			e->base = segment.p_vaddr - segment.p_offset;
			return;
		}
	}
}

uint64_t elf_base(const void *bytes, size_t len) {
	struct elf e = { .bytes = bytes, .len = len };
	Elf64_Ehdr header;
	if (read_header(&e, &header) != ELF_FINE)
		return 0;
	find_base(&e);
	return e.base;
}

/* From an address to the bytes in the file; none when it, or its end, isn't there. */
static struct elf_part locate(const struct elf *e, uint64_t address, uint64_t len) {
	Elf64_Phdr segment;
	for (size_t i = 0; ENTRY(e, e->segments, i, &segment); i++) {
		uint64_t into = address - segment.p_vaddr;
		if (segment.p_type != PT_LOAD || address < segment.p_vaddr ||
		    into >= segment.p_filesz || len > segment.p_filesz - into)
			continue;
		uint64_t at = segment.p_offset + into;
		if (at >= segment.p_offset && inside(e, at, len))
			return (struct elf_part){ at, len };
	}
	return (struct elf_part){ 0 };
}

/* A hash table's own length is in no header: up to the end of the file must do. */
static struct elf_part locate_to_end(const struct elf *e, uint64_t address) {
	struct elf_part part = locate(e, address, 1);
	if (part.len > 0)
		part.len = e->len - part.at;
	return part;
}

static void read_dynamic(struct elf *e, uint64_t moved_by) {
	uint64_t values[DT_NUM] = { 0 };
	uint64_t gnu_hash = 0;
	Elf64_Dyn d;
	for (size_t i = 0; ENTRY(e, e->dynamic, i, &d) && d.d_tag != DT_NULL; i++) {
		if (d.d_tag > 0 && d.d_tag < DT_NUM)
			values[d.d_tag] = d.d_un.d_val;
		else if (d.d_tag == DT_GNU_HASH)
			gnu_hash = d.d_un.d_ptr;
	}
	uint64_t *const addresses[] = { &values[DT_STRTAB], &values[DT_SYMTAB], &values[DT_HASH],
					&values[DT_RELA],   &values[DT_JMPREL], &gnu_hash };
	for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
		if (*addresses[i] >= moved_by)
			*addresses[i] -= moved_by;
	}
	e->strings = locate(e, values[DT_STRTAB], values[DT_STRSZ]);
	e->symbols = locate_to_end(e, values[DT_SYMTAB]);
	e->hash = locate_to_end(e, values[DT_HASH]);
	e->gnu_hash = locate_to_end(e, gnu_hash);
	e->rela = locate(e, values[DT_RELA], values[DT_RELASZ]);
	if (values[DT_PLTREL] == DT_RELA)
		e->plt_rela = locate(e, values[DT_JMPREL], values[DT_PLTRELSZ]);
}

enum elf_fault elf_read(struct elf *elf, const void *bytes, size_t len, uint64_t moved_by) {
	*elf = (struct elf){ .bytes = bytes, .len = len };
	Elf64_Ehdr header;
	enum elf_fault fault = read_header(elf, &header);
	if (fault != ELF_FINE)
		return fault;
	find_base(elf);
	Elf64_Phdr segment;
	for (size_t i = 0; ENTRY(elf, elf->segments, i, &segment); i++) {
		if (segment.p_type == PT_DYNAMIC)
			elf->dynamic = locate(elf, segment.p_vaddr, segment.p_filesz);
	}
	read_dynamic(elf, moved_by);
	return ELF_FINE;
}

/* A name in the string table; NULL when it doesn't end in there. */
static const char *string_at(const struct elf *e, uint64_t at) {
	if (at >= e->strings.len)
		return NULL;
	const char *s = (const char *)e->bytes + e->strings.at + at;
	return memchr(s, '\0', e->strings.len - at) != NULL ? s : NULL;
}

/* Not by way of string_at(): names without an end would cost a search to the end for each. */
static bool is_named(const struct elf *e, const Elf64_Sym *symbol, const char *name) {
	size_t n = strlen(name) + 1;
	return symbol->st_name < e->strings.len && n <= e->strings.len - symbol->st_name &&
	       memcmp(e->bytes + e->strings.at + symbol->st_name, name, n) == 0;
}

/*
 * How many symbols there are is nowhere said. The old hash table has as many chain links; in
 * the new one the last chain of the highest bucket ends with the last symbol.
 */
static size_t gnu_hash_count(const struct elf *e) {
	uint32_t word[4]; /* buckets, first symbol, bloom words (of 64 bits), bloom shift */
	if (!ENTRY(e, e->gnu_hash, 0, &word))
		return 0;
	struct elf_part rest = e->gnu_hash;
	uint64_t skip = sizeof word + (uint64_t)word[2] * 8;
	if (skip > rest.len)
		return 0;
	rest.at += skip;
	rest.len -= skip;
	uint32_t last = 0, bucket = 0;
	for (size_t i = 0; i < word[0] && ENTRY(e, rest, i, &bucket); i++)
		last = bucket > last ? bucket : last;
	if (last < word[1])
		return word[1]; /* only symbols that are not hashed, so none that is defined */
	uint32_t link = 0;
	while (ENTRY(e, rest, (size_t)word[0] + (last - word[1]), &link) && (link & 1) == 0)
		last++;
	return (size_t)last + 1;
}

static size_t symbol_count(const struct elf *e) {
	uint32_t word[2]; /* buckets, chain links */
	if (ENTRY(e, e->hash, 0, &word))
		return word[1];
	return gnu_hash_count(e);
}

bool elf_defines(const struct elf *elf, const char *symbol, uint64_t *value) {
	size_t n = symbol_count(elf);
	Elf64_Sym s;
	for (size_t i = 1; i < n && ENTRY(elf, elf->symbols, i, &s); i++) {
		if (s.st_shndx == SHN_UNDEF || !is_named(elf, &s, symbol))
			continue;
		if (value != NULL)
			*value = s.st_value;
		return true;
	}
	return false;
}

static bool find_slot(const struct elf *e, struct elf_part table, uint32_t type, const char *name,
		      uint64_t *address) {
	Elf64_Rela r;
	Elf64_Sym s;
	for (size_t i = 0; ENTRY(e, table, i, &r); i++) {
		if (ELF64_R_TYPE(r.r_info) != type || r.r_addend != 0 ||
		    !ENTRY(e, e->symbols, ELF64_R_SYM(r.r_info), &s) || !is_named(e, &s, name))
			continue;
		*address = r.r_offset;
		return true;
	}
	return false;
}

bool elf_slot(const struct elf *elf, const char *symbol, uint64_t *address) {
	const struct machine *m = machine_of(elf->machine);
	if (m->at_load == 0)
		return false;
	/* With -z now, or a linker that merges the tables, either kind may be in either. */
	return find_slot(elf, elf->rela, m->at_load, symbol, address) ||
	       find_slot(elf, elf->plt_rela, m->on_call, symbol, address) ||
	       find_slot(elf, elf->rela, m->on_call, symbol, address);
}

const char *elf_needed(const struct elf *elf, size_t n) {
	Elf64_Dyn d;
	for (size_t i = 0; ENTRY(elf, elf->dynamic, i, &d) && d.d_tag != DT_NULL; i++) {
		if (d.d_tag == DT_NEEDED && n-- == 0)
			return string_at(elf, d.d_un.d_val);
	}
	return NULL;
}
