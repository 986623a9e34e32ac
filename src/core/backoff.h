/* How long to wait before a failed boot is tried again. Pure. */
#pragma once

#include <stdint.h>

#include "util/msec.h"

/*
 * 0 without a failure, then 1 s, 2 s, 4 s … up to 60 s, each up to 10 % shorter or longer so
 * that slots which failed together don't boot together. The same `seed` (a slot's number) and
 * `failures` give the same delay: an order that is computed twice is the same order.
 */
msec_t backoff_delay(unsigned failures, uint32_t seed);
