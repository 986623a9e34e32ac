/* What the parts of a plan (daemon/plan.h) share; nobody else's business. */
#pragma once

#include "daemon/plan.h"
#include "util/base.h"

/* -1 with `what`: the words for `error`, a positive errno. */
int plan_fail(struct errors *errors, const char *what, int error);

/* A file can't wish for so many; `auto` and Puma's own configuration can. 0 or -ENOMEM. */
NODISCARD int plan_note_cut(struct plan *plan, unsigned wished, const char *from);

/* plan_hooks.c: those that can't be started are noted; they keep nobody from serving. 0 or -1. */
NODISCARD int plan_look_for_hooks(struct plan *plan, const struct plan *before,
				  struct errors *errors);

/* Of its configuration on its machine. 0 or -1. */
NODISCARD int plan_resolve_limits(struct plan *plan, struct errors *errors);
