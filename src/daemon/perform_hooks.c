/* What a person wants to be run (hooks.*): its words, environment and place. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/hook.h"
#include "core/release_path.h"
#include "core/worker_environment.h"
#include "daemon/supervisor_parts.h"

/* The app's own: a hook may need all that the app does. And where `pumakeeper` finds us. */
static int build_environment(struct supervisor *s, unsigned id, const char *directory,
			     struct strings *envp) {
	const struct worker_environment wish = {
		.inherited = environ,
		.app = &s->plan->config.app.environment,
		.directory = directory,
		.current = s->plan->wished_directory,
	};
	int error = worker_environment_build(&wish, envp);
	if (error == 0)
		error = strings_set(envp, "PUMAKEEPER_APP", s->plan->name);
	if (error == 0)
		error = strings_set(envp, "PUMAKEEPER_SOCKET", s->control_path);
	return error != 0 ? error : hook_environment(s->herd, id, envp);
}

static int build_words(const struct supervisor *s, const struct strings *words,
		       const char *directory, struct strings *argv) {
	int error = strings_copy(argv, words);
	return error != 0 ? error
			  : release_path_pin_all(argv, s->plan->wished_directory, directory);
}

struct run {
	unsigned id;
	const char *option;
	const struct strings *words;
	const char *directory;
};

static int run(struct supervisor *s, const struct run *r, struct text *why) {
	struct strings argv = { 0 }, envp = { 0 };
	enum spawn_step step = SPAWN_FORK;
	int error = build_words(s, r->words, r->directory, &argv);
	if (error == 0)
		error = build_environment(s, r->id, r->directory, &envp);
	if (error == 0) {
		const struct spawn program = {
			.argv = argv.items,
			.envp = envp.items,
			.directory = r->directory,
			.dies_with_us = true, /* else nobody would end it in time */
			.output = s->output.fd,
		};
		error = hooks_start(s->hooks, r->id, &program, &step);
	}
	if (error != 0) {
		const struct command_failure failure = { .step = spawn_step_name(step),
							 .error = -error,
							 .path = strings_get(&envp, "PATH"),
							 .directory = r->directory,
							 .option = r->option };
		command_explain(r->words, &failure, why);
	}
	strings_finish(&argv);
	strings_finish(&envp);
	return error;
}

void hooks_report(void *context, unsigned id, const char *why) {
	const struct herd_event event = { .kind = HERD_HOOK_ENDED, .number = id, .text = why };
	feed(context, &event);
}

/* In the release that new workers come from: an older one may be gone by now. */
void perform_hook(struct supervisor *s, const struct order *order) {
	const struct config *c = &s->plan->config;
	const char *directory = releases_path(&s->releases, s->herd->release);
	bool of_worker = order->worker != 0;
	char buffer[300];
	struct text why = TEXT_IN(buffer);
	const struct run r = {
		.id = (unsigned)order->number,
		.option = of_worker ? "hooks.before_restart" : "hooks.after_sample",
		.words = of_worker ? &c->hooks.before_restart : &c->hooks.after_sample,
		.directory = directory != NULL ? directory : s->plan->directory,
	};
	if (run(s, &r, &why) != 0)
		hooks_report(s, r.id, buffer);
}

void perform_end_hook(struct supervisor *s, const struct order *order) {
	hooks_end(s->hooks, (unsigned)order->number);
}
