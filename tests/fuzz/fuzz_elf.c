/*
 * Any bytes as an ELF file, and as an image out of a process: the first 8 are how far it was
 * moved. Corpus: a few small real libraries (libdl.so.2, libutil.so.1).
 */
#include <string.h>

#include "core/allocator.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const uint8_t *bytes, size_t len, uint64_t moved_by) {
	static const struct mapping nameless = { .path = "" };
	struct elf elf;
	uint64_t value;
	char version[32];
	elf_base(bytes, len);
	if (elf_read(&elf, bytes, len, moved_by) == ELF_FINE) {
		elf_slot(&elf, "malloc", &value);
		elf_defines(&elf, "malloc", &value);
		for (size_t i = 0; i < 8 && elf_needed(&elf, i) != NULL; i++)
			;
	}
	const struct allocator_kind *kind = allocator_kind_of(&elf, &nameless);
	if (kind != NULL)
		allocator_read_version(kind, bytes, len, version, sizeof version);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	uint64_t moved_by = 0;
	ask(data, size, 0);
	if (size < sizeof moved_by)
		return 0;
	memcpy(&moved_by, data, sizeof moved_by);
	ask(data + sizeof moved_by, size - sizeof moved_by, moved_by);
	return 0;
}
