#include "core/proc.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "util/digits.h"

/* No address space is larger; and three of them still add up in 64 bits. */
#define BYTES_MAX ((uint64_t)1 << 60)

/* What follows `Key:` and blanks, on the first line that starts so, or NULL. */
static const char *find(const char *text, const char *key) {
	size_t n = strlen(key);
	for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, n) == 0 && line[n] == ':')
			return line + n + 1 + strspn(line + n + 1, " \t");
	}
	return NULL;
}

/* The end of line is required too: without it the text was cut off somewhere. */
static int kib_line(const char *at, uint64_t *bytes) {
	uint64_t kib;
	if (at == NULL || (at = digits_read(at, BYTES_MAX / 1024, &kib)) == NULL ||
	    strncmp(at, " kB\n", 4) != 0)
		return -EBADMSG;
	*bytes = kib * 1024;
	return 0;
}

static int number_line(const char *at, uint64_t max, uint64_t *value) {
	if (at == NULL || (at = digits_read(at, max, value)) == NULL || *at != '\n')
		return -EBADMSG;
	return 0;
}

/* One header line whose mapping is called [rollup], and no other. */
static bool is_rollup(const char *text) {
	static const char name[] = " [rollup]";
	const char *end = strchr(text, '\n');
	size_t n = sizeof name - 1;
	return end != NULL && (size_t)(end - text) > n && memcmp(end - n, name, n) == 0;
}

int proc_rollup(const char *text, struct memory *m) {
	static const struct {
		const char *key;
		size_t offset;
	} rows[] = {
		{ "Rss", offsetof(struct memory, rss_bytes) },
		{ "Pss", offsetof(struct memory, pss_bytes) },
		{ "Private_Clean", offsetof(struct memory, uss_bytes) },
		{ "Private_Dirty", offsetof(struct memory, uss_bytes) },
		{ "Private_Hugetlb", offsetof(struct memory, uss_bytes) },
		{ "SwapPss", offsetof(struct memory, swap_pss_bytes) },
	};
	struct memory found = { 0 };

	if (!is_rollup(text))
		return -EBADMSG;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t bytes;
		if (kib_line(find(text, rows[i].key), &bytes) != 0)
			return -EBADMSG;
		*(uint64_t *)((char *)&found + rows[i].offset) += bytes;
	}
	*m = found;
	return 0;
}

int proc_statm(const char *text, uint64_t page_bytes, uint64_t *rss_bytes) {
	uint64_t size, rss;
	assert(page_bytes > 0);
	const char *at = digits_read(text, UINT64_MAX, &size);
	if (at == NULL || *at != ' ' ||
	    (at = digits_read(at + 1, BYTES_MAX / page_bytes, &rss)) == NULL || *at != ' ')
		return -EBADMSG;
	*rss_bytes = rss * page_bytes;
	return 0;
}

/* The lines of a process that has given its memory back are missing. */
static int kib_line_or_none(const char *at, uint64_t *bytes) {
	*bytes = 0;
	return at == NULL ? 0 : kib_line(at, bytes);
}

int proc_status(const char *text, struct proc_status *s) {
	struct proc_status found = { 0 };
	uint64_t ppid, threads;
	const char *state = find(text, "State");

	/* Threads comes after Vm…: when it is there, a missing VmRSS was not cut off. */
	if (state == NULL || !isalpha((unsigned char)*state) ||
	    number_line(find(text, "PPid"), INT_MAX, &ppid) != 0 ||
	    number_line(find(text, "Threads"), INT_MAX, &threads) != 0 ||
	    kib_line_or_none(find(text, "VmRSS"), &found.rss_bytes) != 0 ||
	    kib_line_or_none(find(text, "VmSwap"), &found.swap_bytes) != 0)
		return -EBADMSG;
	found.state = *state;
	found.ppid = (int)ppid;
	found.threads = (unsigned)threads;
	*s = found;
	return 0;
}

/*
 * Fields of stat by their number in proc(5). The blank behind the last one that we want
 * proves that it is whole: a cut-off start time would be somebody else's identity.
 */
enum { STAT_PPID = 4, STAT_UTIME = 14, STAT_STIME = 15, STAT_START = 22 };

/* `at` is on the blank before field 4. */
static int stat_fields(const char *at, struct proc_stat *s) {
	for (int field = STAT_PPID; field <= STAT_START; field++) {
		uint64_t value;
		bool negative = at[0] == ' ' && at[1] == '-'; /* tty, nice, … */
		if (*at != ' ' || (at = digits_read(at + 1 + negative, UINT64_MAX, &value)) == NULL)
			return -EBADMSG;
		if (field == STAT_PPID && (negative || value > INT_MAX))
			return -EBADMSG;
		switch (field) {
		case STAT_PPID: s->ppid = (int)value; break;
		case STAT_UTIME: s->utime_ticks = value; break;
		case STAT_STIME: s->stime_ticks = value; break;
		case STAT_START: s->start_ticks = value; break;
		default: break;
		}
	}
	return *at == ' ' || *at == '\n' ? 0 : -EBADMSG;
}

int proc_stat(const char *text, struct proc_stat *s) {
	struct proc_stat found = { 0 };
	/* A program chooses its name: `foo) Z 1 2 (`. No later field can hold a bracket. */
	const char *at = strrchr(text, ')');
	if (at == NULL || at[1] != ' ' || !isalpha((unsigned char)at[2]))
		return -EBADMSG;
	found.state = at[2];
	if (stat_fields(at + 3, &found) != 0)
		return -EBADMSG;
	*s = found;
	return 0;
}

int proc_meminfo(const char *text, uint64_t *total_bytes, uint64_t *swap_total_bytes) {
	uint64_t total, swap;
	if (kib_line(find(text, "MemTotal"), &total) != 0 ||
	    kib_line(find(text, "SwapTotal"), &swap) != 0)
		return -EBADMSG;
	*total_bytes = total;
	*swap_total_bytes = swap;
	return 0;
}
