/*
 * What the kernel says of a process and of the machine: the texts of /proc, understood.
 *
 * Pure: NUL-terminated text in, numbers out, wherever the text came from. Every int here is
 * 0, or -EBADMSG with the output untouched: a text that is cut off, is another file, or has
 * a number that can't be (over 2^60 bytes). Formats: proc(5), Documentation/filesystems/proc.rst.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "util/base.h"

/* uss = Private_Clean + Private_Dirty + Private_Hugetlb; a restart gives back uss + swap_pss. */
struct memory {
	uint64_t rss_bytes, pss_bytes, uss_bytes, swap_pss_bytes;
};

/* /proc/PID/smaps_rollup. The full smaps is refused: its first mapping isn't the process. */
NODISCARD int proc_rollup(const char *text, struct memory *m);

/* /proc/PID/statm counts pages. A zombie has 0. */
NODISCARD int proc_statm(const char *text, uint64_t page_bytes, uint64_t *rss_bytes);

/* /proc/PID/status. What has no memory of its own any more (a zombie) has 0 of both. */
struct proc_status {
	uint64_t rss_bytes, swap_bytes; /* VmSwap: a shared page counts in every process */
	unsigned threads;
	char state; /* R S D T t Z X …, ps(1) */
	int ppid;
};
NODISCARD int proc_status(const char *text, struct proc_status *s);

/* /proc/PID/stat; ticks are sysconf(_SC_CLK_TCK) a second, start_ticks since the boot. */
struct proc_stat {
	char state;
	int ppid;
	uint64_t utime_ticks, stime_ticks, start_ticks;
};
NODISCARD int proc_stat(const char *text, struct proc_stat *s);

/* /proc/meminfo */
NODISCARD int proc_meminfo(const char *text, uint64_t *total_bytes, uint64_t *swap_total_bytes);
