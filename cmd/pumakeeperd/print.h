/* What pumakeeperd prints without becoming a daemon. */
#pragma once

#include <stdbool.h>

#include "cmd/pumakeeperd/options.h"

struct plan;

/* --help, --version, --sample, --manual: true when that was all. */
bool print_and_leave(const struct daemon_options *given);

/* --check: the configuration in effect, and what it means on this machine. */
void print_plan(const struct plan *plan);
