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

/* What is to be started, and how. */
struct start {
	const struct launcher *launcher;
	const char *directory;
	struct inheritance in;
	const char *mold; /* its generation; NULL: a worker */
	unsigned master;  /* of a cluster, with so many workers; 0: no */
	int output;
};

/* What we have of Ruby for it. */
static const char *role(const struct start *start) {
	if (start->master > 0)
		return "master";
	return start->mold != NULL ? "mold" : "worker";
}

/*
 * A worker's word counts where it isn't asked; a master has no other way to tell. Without our Ruby it
 * would end where nobody listens.
 */
static bool speaks(const struct start *start) {
	const struct plan *plan = start->launcher->plan;
	if (start->launcher->notify_path == NULL || start->mold != NULL)
		return false;
	return start->master > 0 ? plan->ruby_dir[0] != '\0' : plan->config.app.probe.path == NULL;
}

static int build(const struct start *start, struct strings *argv, struct strings *envp) {
	const struct launcher *l = start->launcher;
	const struct plan *plan = l->plan;
	bool puma = plan->command.kind == COMMAND_PUMA;
	bool preload = strcmp(plan->config.allocator.preload, "none") != 0;
	char file[PATH_MAX + 16];
	snprintf(file, sizeof file, "%s/%s.rb", plan->ruby_dir, role(start));
	const struct worker_environment wish = {
		.inherited = environ,
		.app = &plan->config.app.environment,
		.directory = start->directory,
		.current = plan->wished_directory,
		.fd_names = start->in.names,
		.n_fds = start->mold != NULL ? 0 : start->in.n,
		.mold = start->mold,
		.preload = plan->preload[0] != '\0' ? plan->preload : NULL,
		.malloc_conf = plan->config.allocator.malloc_conf,
		.few_arenas = preload,
		.ruby_file = plan->ruby_dir[0] != '\0' ? file : NULL,
		.single = puma && start->master == 0,
	};
	const char *urls[SPAWN_FDS_MAX];
	for (size_t i = 0; i < l->listeners->len; i++)
		urls[i] = l->listeners->urls[i];
	const struct command_puma own = {
		.workers = start->master,
		.binds = urls,
		.n_binds = start->master > 0 ? l->listeners->len : 0,
	};
	int error = worker_environment_build(&wish, envp);
	if (error == 0 && speaks(start))
		error = strings_set(envp, "NOTIFY_SOCKET", l->notify_path);
	if (error == 0)
		error = command_puma_argv(&plan->config.app.command, &plan->command, &own, argv);
	return error != 0 ? error
			  : release_path_pin_all(argv, plan->wished_directory, start->directory);
}

static int spawn_it(const struct start *start, struct launched *launched, struct text *why,
		    bool *missing) {
	struct strings argv = { 0 }, envp = { 0 };
	enum spawn_step step = SPAWN_FORK;
	struct spawned spawned = { .pidfd = -1 };
	int error = build(start, &argv, &envp);
	if (error == 0) {
		const struct spawn program = {
			.argv = argv.items,
			.envp = envp.items,
			.directory = start->directory,
			.fds = start->in.fds,
			.n_fds = start->in.n,
			.output = start->output,
		};
		error = spawn_start(&program, &spawned, &step);
	}
	*missing = error == -ENOENT && step == SPAWN_CHDIR;
	if (error != 0) {
		const struct command_failure failure = { .step = spawn_step_name(step),
							 .error = -error,
							 .path = strings_get(&envp, "PATH"),
							 .directory = start->directory };
		command_explain(&start->launcher->plan->config.app.command, &failure, why);
	}
	strings_finish(&argv);
	strings_finish(&envp);
	launched->pid = spawned.pid;
	launched->pidfd = spawned.pidfd;
	return error;
}

int launcher_open_probe(const struct launcher *l, unsigned id, char path[108], int *probe,
			struct text *why) {
	struct error err = { 0 };
	*probe = -1;
	path[0] = '\0';
	if (l->plan->config.app.probe.path == NULL)
		return 0;
	snprintf(path, 108, "%s/probe-%u", l->runtime_dir, id);
	*probe = listen_unix(path, PROBE_MODE, &err);
	if (*probe >= 0)
		return 0;
	path[0] = '\0';
	text_puts(why, err.text);
	return -EADDRNOTAVAIL;
}

int launcher_start(const struct launcher *l, unsigned id, const char *directory,
		   struct launched *launched, struct text *why, bool *missing) {
	struct start start = { .launcher = l, .directory = directory, .output = l->output };
	AUTOCLOSE int probe = -1;
	*launched = (struct launched){ .pidfd = -1 };
	*missing = false;
	int error = launcher_open_probe(l, id, launched->probe_path, &probe, why);
	if (error != 0)
		return error;
	collect(l, probe, &start.in);
	error = spawn_it(&start, launched, why, missing);
	if (error != 0 && probe >= 0)
		unlink(launched->probe_path);
	return error;
}

int launcher_start_mold(const struct launcher *l, unsigned generation, const char *directory,
			int channel, int boot, struct launched *launched, struct text *why,
			bool *missing) {
	char number[16];
	snprintf(number, sizeof number, "%u", generation);
	const struct start start = {
		.launcher = l,
		.directory = directory,
		.in = { .fds = { channel, l->output >= 0 ? l->output : STDOUT_FILENO,
				 l->output >= 0 ? l->output : STDERR_FILENO },
			.n = 3 },
		.mold = number,
		.output = boot,
	};
	*launched = (struct launched){ .pidfd = -1 };
	*missing = false;
	return spawn_it(&start, launched, why, missing);
}

int launcher_start_master(const struct launcher *l, unsigned workers, const char *directory,
			  struct launched *launched, struct text *why, bool *missing) {
	struct start start = {
		.launcher = l, .directory = directory, .master = workers, .output = l->output
	};
	*launched = (struct launched){ .pidfd = -1 };
	*missing = false;
	collect(l, -1, &start.in);
	return spawn_it(&start, launched, why, missing);
}
