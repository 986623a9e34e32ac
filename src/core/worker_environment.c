#include "core/worker_environment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/release_path.h"
#include "util/heap.h"

/* allocator.md: what keeps Ruby's memory flat. Later pairs win, so the user's come after. */
#define OUR_MALLOC_CONF "narenas:2,dirty_decay_ms:1000,muzzy_decay_ms:0"

/* sd_listen_fds(3) reads a pid; its digits are known to the child only. */
#define LISTEN_PID_SLOT "00000000000000000000"

/* Told to the daemon by whoever started it; the prefixes also stop a stale re-exec's. */
static const char *const not_for_workers[] = {
	"NOTIFY_SOCKET=", "WATCHDOG_", "LISTEN_", "FDSTORE=", "PUMA_INHERIT_", "PUMAKEEPER_",
};

static bool is_for_workers(const char *variable) {
	for (size_t i = 0; i < ARRAY_LEN(not_for_workers); i++) {
		if (strncmp(variable, not_for_workers[i], strlen(not_for_workers[i])) == 0)
			return false;
	}
	return strchr(variable, '=') != NULL;
}

/* strings_set() for a variable that is already KEY=value. */
static int set_pair(struct strings *envp, const char *pair) {
	AUTOFREE char *key = strdup(pair);
	if (key == NULL)
		return -ENOMEM;
	char *equals = strchr(key, '=');
	if (equals == NULL)
		return 0;
	*equals = '\0';
	return strings_set(envp, key, equals + 1);
}

static int add_users_own(const struct worker_environment *w, struct strings *envp) {
	for (size_t i = 0; w->inherited != NULL && w->inherited[i] != NULL; i++) {
		if (is_for_workers(w->inherited[i]) && set_pair(envp, w->inherited[i]) != 0)
			return -ENOMEM;
	}
	for (size_t i = 0; w->app != NULL && i < w->app->len; i++) {
		if (set_pair(envp, w->app->items[i]) != 0)
			return -ENOMEM;
	}
	return 0;
}

/*
 * Puma execs itself in $PWD where that is the directory it is in: a link in there (`current`)
 * would take a worker to another release than the one it was started from.
 */
static int add_directory(const struct worker_environment *w, struct strings *envp) {
	if (w->directory == NULL)
		return 0;
	strings_unset(envp, "OLDPWD");
	return strings_set(envp, "PWD", w->directory);
}

/*
 * BUNDLE_GEMFILE often leads through `current` (capistrano's way): once that has moved on, a
 * replacement would run this release on the Gemfile of another. The rest is for ruby/worker.rb.
 */
static int pin_release(const struct worker_environment *w, struct strings *envp) {
	if (w->directory == NULL || w->current == NULL || strcmp(w->current, w->directory) == 0)
		return 0;
	for (size_t i = 0; i < envp->len; i++) {
		if (strncmp(envp->items[i], "BUNDLE_", strlen("BUNDLE_")) != 0)
			continue;
		char *pinned = release_path_pin(envp->items[i], w->current, w->directory);
		if (pinned == NULL)
			return -ENOMEM;
		free(envp->items[i]);
		envp->items[i] = pinned;
	}
	int error = strings_set(envp, "PUMAKEEPER_CURRENT", w->current);
	return error != 0 ? error : strings_set(envp, "PUMAKEEPER_RELEASE", w->directory);
}

/* What the user has, then ours, or the other way round; NULL and "" are nothing. */
static char *join(const char *first, const char *separator, const char *second) {
	bool both = first != NULL && *first != '\0' && second != NULL && *second != '\0';
	char *joined = NULL;
	if (asprintf(&joined, "%s%s%s", first != NULL ? first : "", both ? separator : "",
		     second != NULL ? second : "") < 0)
		return NULL;
	return joined;
}

/* The user's value is kept beside it, for the worker's own children. Empty: there was none. */
static int set_for_worker_only(struct strings *envp, const char *key, const char *value) {
	char keep[64];
	snprintf(keep, sizeof keep, "PUMAKEEPER_USER_%s", key);
	const char *users = strings_get(envp, key);
	if (value == NULL || strings_set(envp, keep, users != NULL ? users : "") != 0)
		return -ENOMEM;
	return strings_set(envp, key, value);
}

static int add_allocator(const struct worker_environment *w, struct strings *envp) {
	if (w->few_arenas && strings_get(envp, "MALLOC_ARENA_MAX") == NULL &&
	    set_for_worker_only(envp, "MALLOC_ARENA_MAX", "2") != 0)
		return -ENOMEM;
	if (w->preload == NULL)
		return 0;
	AUTOFREE char *preload = join(strings_get(envp, "LD_PRELOAD"), ":", w->preload);
	AUTOFREE char *ours = join(OUR_MALLOC_CONF, ",", w->malloc_conf);
	AUTOFREE char *conf = join(ours, ",", strings_get(envp, "MALLOC_CONF"));
	if (preload == NULL || ours == NULL || conf == NULL)
		return -ENOMEM;
	int error = set_for_worker_only(envp, "LD_PRELOAD", preload);
	return error != 0 ? error : set_for_worker_only(envp, "MALLOC_CONF", conf);
}

/* What we added is kept beside it, for worker.rb to take out again. */
static int append(struct strings *envp, const char *key, const char *separator, const char *ours) {
	char keep[64];
	snprintf(keep, sizeof keep, "PUMAKEEPER_%s", key);
	AUTOFREE char *all = join(strings_get(envp, key), separator, ours);
	if (all == NULL || strings_set(envp, keep, ours) != 0)
		return -ENOMEM;
	return strings_set(envp, key, all);
}

/* RUBYOPT has no quoting: what of a path is behind its last blank; NULL: not even its name. */
static const char *behind_blanks(const char *path) {
	size_t last = strlen(path);
	while (last > 0 && strchr(" \t\n\v\f\r", path[last - 1]) == NULL)
		last--;
	const char *slash = strchr(path + last, '/');
	if (last == 0)
		return path;
	return slash != NULL ? slash + 1 : NULL;
}

/* RUBYLIB says where the rest of the name is; it may hold blanks, but splits at colons. */
static int add_ruby_lib(const char *path, const char *name, struct strings *envp) {
	AUTOFREE char *dir = strndup(path, (size_t)(name - path) - 1);
	if (dir == NULL)
		return -ENOMEM;
	return strchr(dir, ':') != NULL ? -EINVAL : append(envp, "RUBYLIB", ":", dir);
}

/* Behind the user's own -r: what they load for Ruby itself comes first, as without us. */
static int add_ruby(const struct worker_environment *w, struct strings *envp) {
	if (w->ruby_file == NULL)
		return 0;
	const char *name = behind_blanks(w->ruby_file);
	if (name == NULL)
		return -EINVAL;
	AUTOFREE char *option = join("-r", "", name);
	if (option == NULL)
		return -ENOMEM;
	int error = name != w->ruby_file ? add_ruby_lib(w->ruby_file, name, envp) : 0;
	return error != 0 ? error : append(envp, "RUBYOPT", " ", option);
}

static int add_sockets(const struct worker_environment *w, struct strings *envp) {
	if (w->n_fds == 0)
		return 0;
	char count[24];
	snprintf(count, sizeof count, "%zu", w->n_fds);
	int error = strings_set(envp, "LISTEN_FDS", count);
	if (error == 0)
		error = strings_set(envp, "LISTEN_PID", LISTEN_PID_SLOT);

	AUTOFREE char *names = NULL;
	for (size_t i = 0; error == 0 && w->fd_names != NULL && i < w->n_fds; i++) {
		char *more = join(names, ":", w->fd_names[i]);
		free(names);
		names = more;
		error = names == NULL ? -ENOMEM : 0;
	}
	return error != 0 || names == NULL ? error : strings_set(envp, "LISTEN_FDNAMES", names);
}

/* It has no sockets, but must be the process that was started, too. */
static int add_mold(const struct worker_environment *w, struct strings *envp) {
	if (w->mold == NULL)
		return 0;
	int error = strings_set(envp, "PUMAKEEPER_MOLD", w->mold);
	return error != 0 ? error : strings_set(envp, "LISTEN_PID", LISTEN_PID_SLOT);
}

int worker_environment_build(const struct worker_environment *w, struct strings *envp) {
	int error = add_users_own(w, envp);
	if (error == 0)
		error = add_directory(w, envp);
	if (error == 0)
		error = pin_release(w, envp);
	if (error == 0)
		error = add_allocator(w, envp);
	if (error == 0)
		error = add_ruby(w, envp);
	if (error == 0)
		error = add_sockets(w, envp);
	if (error == 0)
		error = add_mold(w, envp);
	if (error == 0 && w->single)
		error = strings_set(envp, "WEB_CONCURRENCY", "0");
	if (error != 0)
		strings_finish(envp);
	return error;
}
