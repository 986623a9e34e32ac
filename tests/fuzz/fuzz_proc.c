/*
 * Everything that reads /proc: no text may break it, and a refused one must leave no trace.
 * Corpus: tests/fixtures/proc, tests/fixtures/cgroup.
 */
#include <stdlib.h>
#include <string.h>

#include "core/cgroup.h"
#include "core/proc.h"
#include "core/proc_title.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What every output is filled with before. */
#define FILL 0x5a

/* `error` and the output agree: untouched exactly when it was refused. */
static void check(int error, const void *output, size_t size) {
	const unsigned char *bytes = output;
	bool untouched = true;
	for (size_t i = 0; i < size; i++)
		untouched = untouched && bytes[i] == FILL;
	assert(error == 0 || untouched);
	/* Numbers are at most 2^60, so that the fill can't have come from the text. */
	assert(error != 0 || !untouched);
}

/* Parses `text` into a `type` of its own. */
#define TRY(type, call)                         \
	do {                                    \
		type out;                       \
		memset(&out, FILL, sizeof out); \
		int error = (call);             \
		check(error, &out, sizeof out); \
	} while (0)

static void try_meminfo(const char *text) {
	uint64_t total, swap;
	memset(&total, FILL, sizeof total);
	memset(&swap, FILL, sizeof swap);
	int error = proc_meminfo(text, &total, &swap);
	check(error, &total, sizeof total);
	check(error, &swap, sizeof swap);
}

/* The first half is taken for /proc/self/cgroup, the second for mountinfo. */
static void try_cgroup(char *text, size_t size) {
	static struct cgroup cgroup;
	char *second = memchr(text, '\f', size);
	if (second == NULL)
		return;
	*second++ = '\0';
	if (cgroup_find(text, second, &cgroup) != 0)
		return;
	assert(cgroup.directory[0] == '/' && strlen(cgroup.directory) < sizeof cgroup.directory);
	do
		assert(strlen(cgroup.directory) >= cgroup.top);
	while (cgroup_up(&cgroup));
}

static void try_title(const char *text, size_t len, size_t size) {
	char title[64];
	memset(title, FILL, sizeof title);
	proc_title(text, len, title, size);
	assert(memchr(title, '\0', size) != NULL);
	for (const char *c = title; *c != '\0'; c++)
		assert((unsigned char)*c >= ' ' && *c != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	char *text = malloc(size + 1);
	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	TRY(struct memory, proc_rollup(text, &out));
	TRY(uint64_t, proc_statm(text, 4096, &out));
	TRY(uint64_t, cgroup_limit(CGROUP_V1, text, &out));
	TRY(uint64_t, cgroup_limit(CGROUP_V2, text, &out));
	TRY(struct proc_status, proc_status(text, &out));
	TRY(struct proc_stat, proc_stat(text, &out));
	try_meminfo(text);
	for (size_t room = 1; room <= 64; room *= 4)
		try_title(text, size, room);
	try_cgroup(text, size);
	free(text);
	return 0;
}
