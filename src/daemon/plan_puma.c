/* What Puma itself is asked, before anything starts: see plan.h. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/last_words.h"
#include "core/worker_environment.h"
#include "daemon/plan_parts.h"
#include "os/preflight.h"
#include "os/spawn.h"

#define PREFLIGHT_SECONDS 60

static int build_preflight(const struct plan *plan, struct strings *argv, struct strings *envp) {
	char file[PATH_MAX + 16];
	snprintf(file, sizeof file, "%s/inspect.rb", plan->ruby_dir);
	const struct worker_environment wish = {
		.inherited = environ,
		.app = &plan->config.app.environment,
		.directory = plan->directory,
		.current = plan->wished_directory,
		.ruby_file = file,
	};
	int error = worker_environment_build(&wish, envp);
	if (error == 0)
		error = strings_set(envp, "PUMAKEEPER_INSPECT_FD", "3");
	return error != 0 ? error : strings_copy(argv, &plan->config.app.command);
}

/* The end of what it printed says more than any words of ours. */
static int explain_preflight(const struct plan *plan, int error, enum spawn_step step,
			     const char *path, const struct preflight *result,
			     struct errors *errors) {
	struct error *err = errors_next(errors);
	if (error == -ENODATA || error == -ETIMEDOUT) {
		char buffer[sizeof err->text];
		struct text words = TEXT_IN(buffer);
		last_words(result->output, 250, &words);
		return error_at(err, 0, 0, "app.command %s%s%s",
				error == -ENODATA ? "ended before Puma could tell its configuration"
						  : "told nothing of Puma's configuration in time",
				words.len > 0 ? "; it printed:\n" : "", buffer);
	}
	const struct command_failure failure = { .step = spawn_step_name(step),
						 .error = -error,
						 .path = path,
						 .directory = plan->directory };
	struct text out = text_in(err->text, sizeof err->text);
	err->line = err->column = 0;
	command_explain(&plan->config.app.command, &failure, &out);
	return -1;
}

static int understand_settings(struct plan *plan, const struct preflight *result,
			       struct errors *errors) {
	struct error err = { 0 };
	if (puma_settings_parse(result->told, &plan->settings, &err) == 0) {
		plan->has_settings = true;
		if (puma_settings_check(&plan->settings, result->pid, &err) == 0)
			return 0;
	}
	*errors_next(errors) = err;
	return -1;
}

static int run_preflight(struct plan *plan, const struct strings *argv, const struct strings *envp,
			 struct errors *errors) {
	struct preflight result = { 0 };
	enum spawn_step step = SPAWN_FORK;
	const struct spawn program = { .argv = argv->items,
				       .envp = envp->items,
				       .directory = plan->directory };
	int error = preflight_run(&program, PREFLIGHT_SECONDS * MSEC_SECOND, &result, &step);
	if (error != 0)
		return explain_preflight(plan, error, step, strings_get(envp, "PATH"), &result,
					 errors);
	error = understand_settings(plan, &result, errors);
	free(result.told);
	return error;
}

static int look_at_puma(struct plan *plan, struct errors *errors) {
	struct strings argv = { 0 }, envp = { 0 };
	int error = build_preflight(plan, &argv, &envp);
	if (error == -EINVAL)
		error = error_at(errors_next(errors), 0, 0,
				 "pumakeeper's own Ruby files are in %.300s: Ruby can't be told of "
				 "a path with a blank and a colon; install it elsewhere",
				 plan->ruby_dir);
	else
		error = error != 0 ? plan_fail(errors, "app.command", -error)
				   : run_preflight(plan, &argv, &envp, errors);
	strings_finish(&argv);
	strings_finish(&envp);
	return error;
}

/* What app.listen doesn't say Puma's own configuration does. */
static int take_binds(struct plan *plan) {
	const struct puma_settings *s = &plan->settings;
	int error = puma_settings_listen(s, &plan->config.app.listen);
	for (size_t i = 0; error == 0 && i < plan->config.app.listen.len; i++)
		error = strings_printf(&plan->puma_notes, "listening on %s (%s)",
				       plan->config.app.listen.items[i],
				       settings_source_name(s, s->binds_from));
	return error;
}

static int take_workers(struct plan *plan) {
	const struct puma_settings *s = &plan->settings;
	unsigned wished = s->workers > 0 ? s->workers : plan->machine.processors;
	unsigned workers = wished < CONFIG_WORKERS_MAX ? wished : CONFIG_WORKERS_MAX;
	const char *from = s->workers > 0 ? settings_source_name(s, s->workers_from)
					  : "one for each processor";
	if (s->workers > 0)
		plan->config.app.workers = workers;
	int error = plan_note_cut(plan, wished, from);
	return error != 0 ? error
			  : strings_printf(&plan->puma_notes, "%u workers (%s)", workers, from);
}

/* The app was forked before us: nothing in it minds. */
static int take_preload(struct plan *plan) {
	const struct puma_settings *s = &plan->settings;
	if (!puma_settings_preloads(s))
		return 0;
	plan->config.app.preload = true;
	return strings_printf(&plan->puma_notes,
			      "the app is preloaded, and workers are forked (%s)",
			      settings_source_name(s, s->preload_from));
}

static int note_differences(struct plan *plan, bool workers_taken) {
	const struct puma_plan in_force = { .listen = &plan->config.app.listen,
					    .workers_taken = workers_taken,
					    .preload = plan->config.app.preload,
					    .refork = plan->config.app.refork.after > 0 ||
						      plan->config.app.refork.requests > 0 };
	return puma_settings_notes(&plan->settings, &in_force, &plan->puma_notes);
}

static int miss_listen(bool no_file, struct errors *errors) {
	return error_at(errors_next(errors), 0, 0,
			no_file ? "only Puma can be asked where it shall listen, and this command "
				  "is none that runs it directly; write a configuration file with "
				  "app.command and app.listen (`pumakeeperd --sample` prints one), "
				  "and start pumakeeperd -c FILE"
				: "app.listen: write where a server that is not Puma shall listen, "
				  "such as [tcp://0.0.0.0:9292]");
}

/* As many as Puma itself would have, unless app.workers says. */
static int take_cluster(struct plan *plan, struct errors *errors) {
	const struct puma_settings *s = &plan->settings;
	unsigned wished = plan->config.app.workers > 0 ? plan->config.app.workers : s->workers;
	if (wished == 0)
		return error_at(errors_next(errors), 0, 0,
				"app.mode: a cluster has workers, and Puma's own configuration has "
				"none: write app.workers, or `workers 2` in it; or app.mode: pool");
	plan->config.app.workers = wished < CONFIG_WORKERS_MAX ? wished : CONFIG_WORKERS_MAX;
	int error = plan_note_cut(plan, wished, settings_source_name(s, s->workers_from));
	if (error == 0)
		error = puma_settings_notes_cluster(s, &plan->config.app.listen,
						    plan->config.restart.drain_timeout,
						    &plan->puma_notes);
	return error == 0 ? plan_resolve_limits(plan, errors)
			  : plan_fail(errors, "app.command", -error);
}

int plan_ask_puma(struct plan *plan, const struct plan_source *source, struct errors *errors) {
	bool no_file = source->path == NULL, no_listen = plan->config.app.listen.len == 0;
	if (plan->command.kind != COMMAND_PUMA && no_listen)
		return miss_listen(no_file, errors);
	if (plan->command.kind != COMMAND_PUMA)
		return 0;
	if (look_at_puma(plan, errors) != 0)
		return -1;
	int error = no_listen ? take_binds(plan) : 0;
	if (error == 0 && plan->config.app.mode == MODE_CLUSTER)
		return take_cluster(plan, errors);
	if (error == 0 && no_file)
		error = take_workers(plan);
	if (error == 0 && no_file)
		error = take_preload(plan);
	if (error == 0)
		error = note_differences(plan, no_file);
	return error == 0 ? plan_resolve_limits(plan, errors)
			  : plan_fail(errors, "app.command", -error);
}
