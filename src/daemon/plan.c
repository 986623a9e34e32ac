#include "daemon/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/allocator_find.h"
#include "daemon/machine.h"
#include "daemon/plan_parts.h"
#include "os/allocator_trial.h"
#include "os/control_socket.h"
#include "os/file.h"
#include "os/ruby_dir.h"
#include "os/runtime_dir.h"
#include "util/fd.h"
#include "util/heap.h"

#define PIPE_SECONDS 5

struct runtime_bases plan_runtime_bases(void) {
	return (struct runtime_bases){ .run = "/run",
				       .xdg = getenv("XDG_RUNTIME_DIR"),
				       .tmp = "/tmp" };
}

int plan_fail(struct errors *errors, const char *what, int error) {
	return error_at(errors_next(errors), 0, 0, "%s: %s", what, strerror(error));
}

/* At the start a pipe (`-c <(…)`) is waited for; in a reload nobody is, and it can't come again. */
static int read_file(const char *path, bool patient, struct config *config, struct errors *errors) {
	AUTOFREE char *text = NULL;
	size_t len = 0;
	int error = patient ? file_read_within(path, CONFIG_MAX_BYTES, PIPE_SECONDS * MSEC_SECOND,
					       &text, &len)
			    : file_read(path, CONFIG_MAX_BYTES, &text, &len);
	if (error == -ETIMEDOUT)
		return error_at(
			errors_next(errors), 0, 0,
			"is a pipe or the like that was not written and closed within %d s; "
			"expected a file, or a writer such as -c <(COMMAND)",
			PIPE_SECONDS);
	if (error == -ENOTSUP)
		return error_at(
			errors_next(errors), 0, 0,
			"is a pipe or a device, which is read at the start only; for reloads "
			"start pumakeeper with a file");
	if (error == -EFBIG)
		return error_at(errors_next(errors), 0, 0,
				"is larger than 1 MiB: that is no configuration of pumakeeper's");
	if (error != 0)
		return error_at(errors_next(errors), 0, 0, "%s", strerror(-error));
	return config_parse(text, len, config, errors);
}

static int read_words(char *const *argv, struct config *config, struct errors *errors) {
	if (config_defaults(config) != 0)
		return plan_fail(errors, "pumakeeperd", ENOMEM);
	for (; *argv != NULL; argv++) {
		if (strings_add(&config->app.command, *argv) != 0)
			return plan_fail(errors, "pumakeeperd", ENOMEM);
	}
	return 0;
}

/*
 * A shell's $PWD leads through `current`, if that is how a person came here, so that a later
 * `restart --all` finds the next release; the kernel knows only where it led to. One that leads
 * elsewhere is somebody else's.
 */
static int find_here(char here[PATH_MAX]) {
	char behind[PATH_MAX];
	const char *pwd = getenv("PWD");
	if (getcwd(here, PATH_MAX) == NULL)
		return -errno;
	if (pwd != NULL && pwd[0] == '/' && strlen(pwd) < PATH_MAX &&
	    realpath(pwd, behind) != NULL && strcmp(behind, here) == 0)
		memcpy(here, pwd, strlen(pwd) + 1);
	return 0;
}

static bool same_wish(const char *a, const char *b) {
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static int look_at_directory(struct plan *plan, const struct plan *before, struct errors *errors) {
	const char *wished = plan->config.app.directory;
	char here[PATH_MAX];
	int error = find_here(here);
	if (error != 0)
		return plan_fail(errors, "the current directory", -error);
	/* By now `current` may have moved on, and $PWD doesn't lead here any more. */
	if (before != NULL && same_wish(before->config.app.directory, wished))
		memcpy(plan->wished_directory, before->wished_directory, PATH_MAX);
	else if (wished == NULL)
		snprintf(plan->wished_directory, sizeof plan->wished_directory, "%s", here);
	else if (snprintf(plan->wished_directory, sizeof plan->wished_directory, "%s%s%s",
			  wished[0] == '/' ? "" : here, wished[0] == '/' ? "" : "/",
			  wished) >= PATH_MAX)
		return plan_fail(errors, "app.directory", ENAMETOOLONG);
	error = plan_resolve_directory(plan, plan->directory);
	if (error != 0)
		return error_at(errors_next(errors), 0, 0, "app.directory %s: %s",
				plan->wished_directory, strerror(-error));
	return 0;
}

int plan_resolve_directory(const struct plan *plan, char path[PATH_MAX]) {
	return realpath(plan->wished_directory, path) != NULL ? 0 : -errno;
}

/* Other daemons on this machine share its memory with us; what is stale answers nobody. */
static unsigned count_keepers(const char *name) {
	struct runtime_bases bases = plan_runtime_bases();
	struct strings sockets = { 0 };
	char own[APP_NAME_MAX + 16];
	unsigned n = 0;
	snprintf(own, sizeof own, "/%s/control", name);
	if (runtime_dir_list(&bases, "control", S_IFSOCK, &sockets) != 0)
		return 0;
	for (size_t i = 0; i < sockets.len; i++) {
		const char *path = sockets.items[i];
		size_t len = strlen(path), tail = strlen(own);
		if (len >= tail && strcmp(path + len - tail, own) == 0)
			continue;
		AUTOCLOSE int fd = control_socket_connect(path);
		n += fd >= 0;
	}
	strings_finish(&sockets);
	return n;
}

int plan_resolve_limits(struct plan *plan, struct errors *errors) {
	struct error err = { 0 };
	if (limits_resolve(&plan->config, &plan->machine, &plan->limits, &err) == 0)
		return 0;
	*errors_next(errors) = err;
	return -1;
}

static int look_at_machine(struct plan *plan, const struct plan *before UNUSED,
			   struct errors *errors) {
	machine_look(&plan->machine);
	plan->machine.other_keepers = count_keepers(plan->name);
	return plan_resolve_limits(plan, errors);
}

int plan_note_cut(struct plan *plan, unsigned wished, const char *from) {
	if (wished <= CONFIG_WORKERS_MAX)
		return 0;
	return strings_printf(&plan->notes,
			      "%u workers (%s) are more than a herd holds: there will be %u",
			      wished, from, CONFIG_WORKERS_MAX);
}

static int note_auto(struct plan *plan, struct errors *errors) {
	int error = plan_note_cut(plan, plan->limits.workers_wished,
				  "app.workers: auto, one for each processor");
	return error == 0 ? 0 : plan_fail(errors, "app.workers", -error);
}

/* Found is not enough: some fit, and still don't work here (os/allocator_trial.h). */
static int find_allocator(struct plan *plan, struct error *err) {
	const struct config *c = &plan->config;
	char output[400];
	if (allocator_find(c->allocator.preload, plan->preload, sizeof plan->preload, err) != 0)
		return -1;
	if (plan->preload[0] == '\0' || allocator_trial(plan->preload, c->allocator.malloc_conf,
							output, sizeof output) != -ELIBBAD)
		return 0;
	return error_at(err, 0, 0, "%s does not work here: %.200s", plan->preload, output);
}

/* An error only where it is required, or was chosen by name. */
static int look_for_allocator(struct plan *plan, const struct plan *before, struct errors *errors) {
	struct error err = { 0 };
	const struct config *c = &plan->config;
	bool chosen = strcmp(c->allocator.preload, "jemalloc") != 0;
	if (before != NULL && before->preload[0] != '\0' &&
	    strcmp(before->config.allocator.preload, c->allocator.preload) == 0) {
		snprintf(plan->preload, sizeof plan->preload, "%s", before->preload);
		return 0;
	}
	if (find_allocator(plan, &err) == 0)
		return 0;
	plan->preload[0] = '\0';
	if (c->allocator.require || chosen)
		return error_at(errors_next(errors), 0, 0, "allocator.preload: %.300s", err.text);
	if (strings_printf(&plan->notes, "workers run on the C library's malloc: %.300s",
			   err.text) != 0)
		return plan_fail(errors, "allocator.preload", ENOMEM);
	plan->missing = plan->notes.items[plan->notes.len - 1];
	return 0;
}

static int look_for_ruby(struct plan *plan, const struct plan *before UNUSED,
			 struct errors *errors) {
	/* Somebody's own script may well run Puma. What is not Ruby, or not Puma, never notices. */
	bool needed = plan->command.kind == COMMAND_PUMA;
	int error =
		ruby_dir_find(getenv("PUMAKEEPER_RUBY_DIR"), plan->ruby_dir, sizeof plan->ruby_dir);
	if (error != 0)
		plan->ruby_dir[0] = '\0';
	if (error == 0 || !needed)
		return 0;
	return error_at(errors_next(errors), 0, 0,
			"pumakeeper's own Ruby files are not where they should be: %s; install "
			"it anew, or set PUMAKEEPER_RUBY_DIR",
			strerror(-error));
}

/* What can't be had from outside is said where everybody looks (puma.md, fact 8). */
static int agree_cluster(struct plan *plan, struct errors *errors) {
	const struct config *c = &plan->config;
	bool in_reach = plan->command.kind == COMMAND_PUMA &&
			plan->command.puma < c->app.command.len; /* of options of ours */
	if (!in_reach)
		return error_at(errors_next(errors), 0, 0,
				"app.mode: a cluster is Puma's: write an app.command such as "
				"[bundle, exec, puma, -C, config/puma.rb]");
	if (c->app.preload || c->app.refork.after > 0 || c->app.refork.requests > 0)
		return error_at(
			errors_next(errors), 0, 0,
			"app.preload, app.refork: in mode cluster it is Puma that preloads: "
			"write preload_app! in its configuration, or app.mode: pool");
	int error = strings_add(
		&plan->notes,
		"in mode cluster no single worker can be asked: ready means that its server runs, "
		"even if a boot hook has failed in it (`WARNING hook ... failed` in its output); "
		"app.mode: pool with app.preload: true proves each worker");
	return error == 0 ? 0 : plan_fail(errors, "app.mode", -error);
}

/* What the command is, and what shall be done with it. */
static int agree(struct plan *plan, struct errors *errors) {
	const struct config *c = &plan->config;
	bool preload = c->app.preload;
	if (c->app.mode == MODE_CLUSTER)
		return agree_cluster(plan, errors);
	if (preload && plan->command.kind != COMMAND_PUMA)
		return error_at(errors_next(errors), 0, 0,
				"app.preload: only Puma can be preloaded, and app.command is "
				"something else");
	if (!preload && (c->app.refork.after > 0 || c->app.refork.requests > 0))
		return error_at(errors_next(errors), 0, 0,
				"app.refork: only workers of a mold can be forked anew; it needs "
				"app.preload: true");
	return 0;
}

static int understand(struct plan *plan, const struct plan *before UNUSED, struct errors *errors) {
	struct error err = { 0 };
	if (command_understand(&plan->config.app.command, &plan->command, &err) == 0)
		return agree(plan, errors);
	*errors_next(errors) = err;
	return -1;
}

static int name_it(struct plan *plan, const struct plan *before UNUSED, struct errors *errors) {
	struct error err = { 0 };
	if (app_name(&plan->config, plan->wished_directory, plan->name, sizeof plan->name, &err) ==
	    0)
		return 0;
	*errors_next(errors) = err;
	return -1;
}

static int resolve(struct plan *plan, const struct plan *before, struct errors *errors) {
	int (*const steps[])(struct plan *, const struct plan *, struct errors *) = {
		understand,    look_at_directory,   name_it, look_at_machine, look_for_allocator,
		look_for_ruby, plan_look_for_hooks,
	};
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		if (steps[i](plan, before, errors) != 0)
			return -1;
	}
	return 0;
}

struct plan *plan_create(const struct plan_source *source, const struct plan *before,
			 struct errors *errors) {
	struct plan *plan = calloc(1, sizeof *plan);
	if (plan == NULL) {
		(void)plan_fail(errors, "pumakeeperd", ENOMEM);
		return NULL;
	}
	int error = source->path != NULL
			    ? read_file(source->path, before == NULL, &plan->config, errors)
			    : read_words(source->argv, &plan->config, errors);
	if (error == 0)
		error = resolve(plan, before, errors);
	if (error == 0 && source->path != NULL)
		error = note_auto(plan, errors);
	if (error == 0)
		return plan;
	plan_destroy(plan);
	return NULL;
}

int plan_keep_binds(struct plan *new, const struct plan *old) {
	if (new->config.app.listen.len > 0 || old->config.app.listen.len == 0)
		return 0;
	return strings_copy(&new->config.app.listen, &old->config.app.listen);
}

int plan_keep_workers(struct plan *new, const struct plan *old, struct errors *errors) {
	if (new->config.app.mode != MODE_CLUSTER || new->config.app.workers > 0)
		return 0;
	new->config.app.workers = old->config.app.workers;
	return plan_resolve_limits(new, errors);
}

void plan_succeed(struct plan *new, struct plan *old) {
	snprintf(new->directory, sizeof new->directory, "%s", old->directory);
	snprintf(new->name, sizeof new->name, "%s", old->name);
	new->has_settings = old->has_settings;
	new->settings = old->settings;
	new->puma_notes = old->puma_notes;
	old->settings = (struct puma_settings){ 0 };
	old->puma_notes = (struct strings){ 0 };
	plan_destroy(old);
}

void plan_destroy(struct plan *plan) {
	if (plan == NULL)
		return;
	config_finish(&plan->config);
	puma_settings_finish(&plan->settings);
	strings_finish(&plan->notes);
	strings_finish(&plan->puma_notes);
	free(plan);
}

void plan_print_errors(const struct plan_source *source, const struct errors *errors) {
	const char *name = source->path != NULL ? source->path : "pumakeeperd";
	for (size_t i = 0; i < errors->len; i++) {
		const struct error *e = &errors->list[i];
		if (e->line > 0)
			fprintf(stderr, "%s:%zu:%zu: %s\n", name, e->line, e->column, e->text);
		else
			fprintf(stderr, "%s: %s\n", name, e->text);
	}
	if (errors->more)
		fprintf(stderr, "%s: and more\n", name);
}
