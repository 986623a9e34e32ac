/*
 * The proof, per worker: which malloc does a process really use? Asking its environment is no
 * answer (a launcher may have dropped the preload, ld.so may have ignored it).
 */
#pragma once

#include "core/allocator.h"

/*
 * Looks where the address of malloc points that libruby, the program and libc have for their own
 * calls, in the process whose /proc/PID is the descriptor `proc_dir`. It is PROVED, or refuted
 * (NO), when that is the very malloc which the object there defines; a call not yet bound proves
 * nothing. Where only memory may not be read (Yama), what is mapped must do: MAPPED, or NO
 * without a name. UNKNOWN: gone, another user's, or not dumpable (a ruby with file capabilities),
 * whose maps can't be read either.
 *
 * Waits for the process's mmap_lock, and the first time reads a few megabytes: for a reader
 * thread. Any number of threads may call. Keeps no memory.
 */
void allocator_prove(int proc_dir, struct allocator *allocator);
