/* What nobody can foresee. */
#pragma once

#include <stdint.h>

/* From the kernel; before it has any to give, the time: it is for spreading, not for secrets. */
uint64_t chance(void);
