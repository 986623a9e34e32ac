#include "daemon/launcher.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/release_path.h"
#include "core/worker_environment.h"
#include "os/listen.h"
#include "util/fd.h"

#define PROBE_MODE 0600 /* nobody else has a question for it */

struct inheritance {
	int fds[SPAWN_FDS_MAX];
	const char *names[SPAWN_FDS_MAX]; /* LISTEN_FDNAMES */
	size_t n;
};

static void collect(const struct launcher *l, int probe, struct inheritance *in) {
	for (size_t i = 0; i < l->listeners->len; i++) {
		in->fds[in->n] = l->listeners->fds[i];
		in->names[in->n++] = "listener";
	}
	if (probe >= 0) {
		in->fds[in->n] = probe;
		in->names[in->n++] = "probe";
	}
}

static int build(const struct launcher *l, const char *directory, const struct inheritance *in,
		 struct strings *argv, struct strings *envp) {
	const struct plan *plan = l->plan;
	bool puma = plan->command.kind == COMMAND_PUMA;
	bool preload = strcmp(plan->config.allocator.preload, "none") != 0;
	char file[PATH_MAX + 16];
	snprintf(file, sizeof file, "%s/worker.rb", plan->ruby_dir);
	const struct worker_environment wish = {
		.inherited = environ,
		.app = &plan->config.app.environment,
		.directory = directory,
		.current = plan->wished_directory,
		.fd_names = in->names,
		.n_fds = in->n,
		.preload = plan->preload[0] != '\0' ? plan->preload : NULL,
		.malloc_conf = plan->config.allocator.malloc_conf,
		.few_arenas = preload,
		.ruby_file = plan->ruby_dir[0] != '\0' ? file : NULL,
		.single = puma,
	};
	int error = worker_environment_build(&wish, envp);
	bool may_notify = plan->config.app.probe.path == NULL && l->notify_path != NULL;
	if (error == 0 && may_notify)
		error = strings_set(envp, "NOTIFY_SOCKET", l->notify_path);
	if (error == 0)
		error = command_worker_argv(&plan->config.app.command, &plan->command, argv);
	return error != 0 ? error : release_path_pin_all(argv, plan->wished_directory, directory);
}

static int spawn_it(const struct launcher *l, const char *directory, const struct inheritance *in,
		    struct launched *launched, struct text *why, bool *missing) {
	struct strings argv = { 0 }, envp = { 0 };
	enum spawn_step step = SPAWN_FORK;
	struct spawned spawned = { .pidfd = -1 };
	int error = build(l, directory, in, &argv, &envp);
	if (error == 0) {
		const struct spawn program = {
			.argv = argv.items,
			.envp = envp.items,
			.directory = directory,
			.fds = in->fds,
			.n_fds = in->n,
			.output = l->output,
		};
		error = spawn_start(&program, &spawned, &step);
	}
	*missing = error == -ENOENT && step == SPAWN_CHDIR;
	if (error != 0) {
		const struct command_failure failure = { .step = spawn_step_name(step),
							 .error = -error,
							 .path = strings_get(&envp, "PATH"),
							 .directory = directory };
		command_explain(&l->plan->config.app.command, &failure, why);
	}
	strings_finish(&argv);
	strings_finish(&envp);
	launched->pid = spawned.pid;
	launched->pidfd = spawned.pidfd;
	return error;
}

int launcher_start(const struct launcher *l, unsigned id, const char *directory,
		   struct launched *launched, struct text *why, bool *missing) {
	struct inheritance in = { 0 };
	struct error err = { 0 };
	AUTOCLOSE int probe = -1;
	*launched = (struct launched){ .pidfd = -1 };
	*missing = false;
	if (l->plan->config.app.probe.path != NULL) {
		snprintf(launched->probe_path, sizeof launched->probe_path, "%s/probe-%u",
			 l->runtime_dir, id);
		probe = listen_unix(launched->probe_path, PROBE_MODE, &err);
		if (probe < 0) {
			text_puts(why, err.text);
			return -EADDRNOTAVAIL;
		}
	}
	collect(l, probe, &in);
	int error = spawn_it(l, directory, &in, launched, why, missing);
	if (error != 0 && probe >= 0)
		unlink(launched->probe_path);
	return error;
}
