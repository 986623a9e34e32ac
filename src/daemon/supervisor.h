/*
 * The daemon: everything that happens ends in feed(), the herd decides, and what it orders is
 * performed. One timer serves every patience there is.
 */
#pragma once

#include "daemon/plan.h"
#include "util/base.h"
#include "util/error.h"

/*
 * Takes what an app has one of (its lock, its place, its control socket, its listeners), launches
 * and keeps the workers, and returns what to exit with when every one is gone. -1 with what is
 * wrong in `err` when it could not begin; then nothing is left behind. `plan` is destroyed;
 * `source` is read again at a reload.
 */
NODISCARD int supervisor_run(struct plan *plan, const struct plan_source *source,
			     struct error *err);
