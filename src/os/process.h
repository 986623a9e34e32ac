/*
 * A handle on one process: kept descriptors of its /proc directory, which never follow a pid
 * that was given to somebody else. Brings bytes; core/proc.h understands them.
 *
 * Everywhere -ESRCH: it is gone and reaped (and for what belongs to its memory, a zombie is
 * gone too). Buffers are filled and terminated as by os/text_file.h.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "util/base.h"

struct process {
	int pid;
	int dir;    /* O_PATH, /proc/PID */
	int statm;  /* its two cheap readings take no lock of the process's */
	int status; /* -1 until it is first asked for */
};

#define PROCESS_NONE ((struct process){ .dir = -1, .statm = -1, .status = -1 })

/*
 * 0, or -errno. The pid may have been reused before: whoever needs to know compares the start
 * time in `stat`, or holds a pidfd. Where /proc is mounted with hidepid, a process of another
 * user's gives -ESRCH as well.
 */
NODISCARD int process_open(int pid, struct process *p);

/* Takes PROCESS_NONE and a closed one too. */
void process_close(struct process *p);

/* Microseconds, and never blocks: fit for the loop. A zombie's statm is all zeros. */
NODISCARD ssize_t process_read_statm(const struct process *p, char *buf, size_t size);
NODISCARD ssize_t process_read_status(struct process *p, char *buf, size_t size);

/*
 * A file of /proc/PID by its name, opened afresh. smaps_rollup, smaps, maps and cmdline wait for
 * the process's mmap_lock, which a fork of gigabytes holds for a second: not on the loop.
 */
NODISCARD ssize_t process_read(const struct process *p, const char *name, char *buf, size_t size);

/*
 * How many threads have a name (comm) that starts with `prefix`: "puma srv"; or -errno. It ends with a
 * newline: "puma srv\n" is that name alone.
 */
NODISCARD int process_threads(const struct process *p, const char *prefix);

/*
 * A number that changes when the same pid execs, and doesn't when it forks: a hash of its auxv,
 * whose addresses the kernel chooses anew (with ASLR off, only a changed program or environment
 * shows). 0, or -EACCES (needs the right to ptrace-read), -EAGAIN (it is just now exec'ing).
 * 3 µs, and never blocks.
 */
NODISCARD int process_image(const struct process *p, uint64_t *image);
