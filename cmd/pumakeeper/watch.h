/* `status --watch`: the table, drawn again in place until somebody has seen enough. */
#pragma once

#include "cmd/pumakeeper/arguments.h"

/* What to exit with. A daemon that restarts meanwhile is waited for. */
int watch(const char *path, const struct arguments *arguments);
