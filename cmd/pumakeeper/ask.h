/* One request, its answer shown as it was wished for. */
#pragma once

#include "cmd/pumakeeper/arguments.h"

/* What to exit with. */
int ask(const char *path, const struct arguments *arguments);
