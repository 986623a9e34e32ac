#include "os/processors.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <unistd.h>

/* EINVAL means that the kernel's set is larger than ours; 2^18 is beyond any kernel's NR_CPUS. */
#define SET_MIN ((size_t)1024)
#define SET_MAX ((size_t)1 << 18)

static unsigned count(size_t set_bits, bool *larger) {
	cpu_set_t *set = CPU_ALLOC(set_bits);
	if (set == NULL)
		return 0;
	size_t size = CPU_ALLOC_SIZE(set_bits);
	unsigned n = 0;
	if (sched_getaffinity(0, size, set) == 0)
		n = (unsigned)CPU_COUNT_S(size, set);
	*larger = n == 0 && errno == EINVAL;
	CPU_FREE(set);
	return n;
}

unsigned processors_available(void) {
	unsigned n = 0;
	bool larger = true;
	for (size_t bits = SET_MIN; larger && bits <= SET_MAX; bits *= 2) {
		larger = false;
		n = count(bits, &larger);
	}
	if (n > 0)
		return n;
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	return online > 0 ? (unsigned)online : 1;
}
