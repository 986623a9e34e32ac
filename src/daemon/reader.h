/*
 * The thread that does the slow readings (smaps_rollup waits for a worker's mmap_lock, a disk
 * for itself), so that the loop never waits. One at a time and in order.
 *
 * Its priority is never lowered: a nice reader that holds a worker's mmap_lock and isn't
 * scheduled stops the worker for seconds.
 */
#pragma once

#include <stdbool.h>

#include "util/base.h"
#include "util/msec.h"

struct ev_loop;
struct reader;

/*
 * Embedded in what it works for, found with container_of. From reader_submit() until `done` the
 * memory belongs to the reader: run() may use it on the thread, nobody else may, nor free it.
 */
struct job {
	void (*run)(struct job *job);  /* on the thread, with 128 KiB of stack and no signals */
	void (*done)(struct job *job); /* on the loop; may submit it again, or free it */
	struct job *next;              /* reader::waiting, then reader::finished */
	bool out;                      /* submitted, and not back yet; only the loop may look */
};

/* NULL, with errno, when there is no memory or no thread to be had. */
NODISCARD struct reader *reader_create(struct ev_loop *loop);

/* False when this job is still out: its last reading is overdue. Both functions `run` and `done`
 * are set; the rest is zeroed before the first time. */
NODISCARD bool reader_submit(struct reader *r, struct job *job);

/*
 * Ends the thread: what has not begun will not run, and no `done` is called any more; every job
 * is its submitter's again. A job in flight is waited for, at most `patience`: then false, the
 * thread is left behind with what it holds, and the one job that is still `out` must stay where
 * it is until the process ends. Not from within `done`. Takes NULL.
 */
bool reader_destroy(struct reader *r, msec_t patience);
