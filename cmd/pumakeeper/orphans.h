/* `stop --orphans`: ends whom a daemon has left that is no more. */
#pragma once

#include "cmd/pumakeeper/arguments.h"

/* What to exit with. */
int orphans(const struct arguments *arguments);
