/* Can a hook be started? Better said now than at night. */
#include <stdlib.h>
#include <string.h>

#include "daemon/plan_parts.h"
#include "os/program.h"
#include "os/spawn.h"

static int look_for(struct plan *plan, const char *option, const struct strings *words) {
	char buffer[300];
	struct text why = TEXT_IN(buffer);
	const char *path = strings_get(&plan->config.app.environment, "PATH");
	if (words->len == 0)
		return 0;
	if (path == NULL)
		path = getenv("PATH");
	int error = program_look(words->items[0], path, plan->directory);
	if (error == 0)
		return 0;
	const struct command_failure failure = { .step = spawn_step_name(SPAWN_EXEC),
						 .error = -error,
						 .path = path,
						 .directory = plan->directory,
						 .option = option };
	command_explain(words, &failure, &why);
	return strings_printf(&plan->notes, "%s: %s", option, buffer);
}

/* It may well come with the next release, and workers have to serve until then. */
int plan_look_for_hooks(struct plan *plan, const struct plan *before UNUSED,
			struct errors *errors) {
	const struct config *c = &plan->config;
	int error = look_for(plan, "hooks.before_restart", &c->hooks.before_restart);
	if (error == 0)
		error = look_for(plan, "hooks.after_sample", &c->hooks.after_sample);
	return error == 0 ? 0 : plan_fail(errors, "hooks", -error);
}
