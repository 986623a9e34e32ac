/*
 * An ELF file, or a library as it lies in a process's memory, read as bytes: for which machine
 * it is, what it defines, and where it keeps the address of a function that it calls.
 *
 * Pure, and every offset in it is checked: any bytes at all may be given. See elf(5) and the
 * processors' ABI supplements for the numbers. What isn't 64-bit little-endian is named, not read.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/base.h"

enum elf_fault {
	ELF_FINE,
	ELF_NOT,         /* something else: a text, a linker script, too short */
	ELF_UNSUPPORTED, /* ELF, but of 32 bits or big-endian: machine and bits are known */
	ELF_BROKEN,      /* it says things that can't be */
};

/* A part of the file; len 0: there is none. */
struct elf_part {
	size_t at, len;
};

struct elf {
	const uint8_t *bytes; /* borrowed */
	size_t len;
	uint16_t machine; /* EM_* */
	uint8_t bits;     /* 32 or 64 */
	uint16_t type;    /* ET_* */
	uint64_t base;    /* the address of the file's first byte before relocation */
	struct elf_part segments, dynamic, symbols, strings, hash, gnu_hash, rela, plt_rela;
};

/*
 * `moved_by`: 0 for a file. For an image out of a running process (each mapping's bytes put at
 * its file offset) what was added to every address, because ld.so relocates the dynamic section
 * in place. A missing or odd dynamic section is no fault: then nothing is found in it.
 */
enum elf_fault elf_read(struct elf *elf, const void *bytes, size_t len, uint64_t moved_by);

/* The address of the file's first byte, from the headers alone: a process's mapping of offset 0
 * less this is `moved_by`. 0 when it can't be told. */
uint64_t elf_base(const void *bytes, size_t len);

/* Whether the symbol is defined here; `value`, if not NULL, is its address before relocation. */
bool elf_defines(const struct elf *elf, const char *symbol, uint64_t *value);

/*
 * Where the address of `symbol` is kept for this object's own calls: a slot of its global offset
 * table, as an address before relocation. One that is bound at load is preferred to one that may
 * wait for the first call.
 */
bool elf_slot(const struct elf *elf, const char *symbol, uint64_t *address);

/* The nth library that it needs by name (DT_NEEDED), or NULL when there are no more. */
const char *elf_needed(const struct elf *elf, size_t n);

/* "x86_64", "aarch64", …; "machine" for one without a name here. */
const char *elf_machine_name(uint16_t machine);
