/*
 * A hook: a command of a person's that is run at a moment (hooks.*), and what it is told, in its
 * environment. Pure. When it runs is decided in core/herd_hooks.c.
 */
#pragma once

#include <stdbool.h>

#include "core/herd.h"
#include "util/base.h"
#include "util/strings.h"

/* "before_restart", of a worker that is to go, or "after_sample", of the herd. */
const char *hook_name(bool of_worker);

/*
 * Adds the variables PUMAKEEPER_EVENT, _PID and so on, as pumakeeper.yml(5) lists them, to an envp. A
 * figure that is not known has none. `id` is ORDER_HOOK's, in the same step. 0; -ESRCH when it
 * isn't to run any more; -ENOMEM.
 */
NODISCARD int hook_environment(const struct herd *h, unsigned id, struct strings *envp);
