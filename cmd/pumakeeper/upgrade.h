/* `upgrade`: asks for it, and waits until the other program has taken over. */
#pragma once

#include "cmd/pumakeeper/arguments.h"

/* What to exit with. */
int upgrade(const char *path, const struct arguments *arguments);
