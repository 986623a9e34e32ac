/* What a person is told about Puma's own configuration: see puma_settings.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/puma_settings.h"
#include "util/text.h"

/* --bind-to-activated-sockets came with 5.1.0 (its History.md, #2362). */
#define OLDEST_MAJOR 5
#define OLDEST_MINOR 1

static bool too_old(const char *version) {
	int major = 0, minor = 0;
	sscanf(version, "%d.%d", &major, &minor);
	return major < OLDEST_MAJOR || (major == OLDEST_MAJOR && minor < OLDEST_MINOR);
}

static const char *find_tls(const struct strings *binds) {
	for (size_t i = 0; i < binds->len; i++) {
		if (strncmp(binds->items[i], "ssl://", 6) == 0)
			return binds->items[i];
	}
	return NULL;
}

int puma_settings_check(const struct puma_settings *s, int started, struct error *err) {
	const char *tls = find_tls(&s->binds);
	if (s->rack_handler)
		return error_at(
			err, 0, 0,
			"app.command: Puma is started by Rack (`rails server`, `rackup`) and "
			"can't serve on sockets it is given. Write `bundle exec puma -C "
			"config/puma.rb`");
	if (s->pid != started)
		return error_at(
			err, 0, 0,
			"app.command: process %d was started, but %d would serve: something "
			"between them forks. Write `bundle exec puma …` itself, or make the "
			"wrapper's last step an `exec`",
			started, s->pid);
	if (too_old(s->puma_version))
		return error_at(err, 0, 0, "Puma %s can't serve on sockets it is given: 5.1 can",
				s->puma_version);
	if (tls != NULL)
		return error_at(err, 0, 0,
				"%s binds %.*s: a port meant for TLS is not served in plain text. "
				"Terminate TLS in front (nginx, a balancer) and take the bind out",
				settings_source_name(s, s->binds_from), (int)strcspn(tls, "?"),
				tls);
	return 0;
}

int puma_settings_listen(const struct puma_settings *s, struct strings *listen) {
	char entry[1024];
	for (size_t i = 0; i < s->binds.len; i++) {
		const char *bind = s->binds.items[i];
		const char *path = bind + strlen("unix://");
		struct text out = TEXT_IN(entry);
		if (strncmp(bind, "tcp://", 6) == 0)
			text_put(&out, bind, strcspn(bind, "?"));
		else if (strncmp(bind, "unix://", 7) == 0 && *path != '/' && *path != '@')
			text_printf(&out, "unix://%s/%s", s->directory, path);
		else
			text_puts(&out, bind);
		if (strings_add(listen, entry) != 0)
			return -ENOMEM;
	}
	return 0;
}

PRINTF(2, 3) static int say(struct strings *notes, const char *fmt, ...) {
	char *sentence;
	va_list args;
	va_start(args, fmt);
	int n = vasprintf(&sentence, fmt, args);
	va_end(args);
	if (n < 0)
		return -ENOMEM;
	int error = strings_add(notes, sentence);
	free(sentence);
	return error;
}

/* Whatever one says behind `?` (a backlog, a mode) doesn't make it another address. */
static bool is_served(const char *bind, const struct strings *listen) {
	size_t n = strcspn(bind, "?");
	for (size_t i = 0; listen != NULL && i < listen->len; i++) {
		const char *served = listen->items[i];
		if (strcspn(served, "?") == n && strncmp(bind, served, n) == 0)
			return true;
	}
	return false;
}

static int note_binds(const struct puma_settings *s, const struct strings *served,
		      struct strings *notes) {
	struct strings binds = { 0 };
	int error = s->binds_from == FROM_DEFAULT ? 0 : puma_settings_listen(s, &binds);
	for (size_t i = 0; error == 0 && i < binds.len; i++) {
		if (!is_served(binds.items[i], served))
			error = say(notes,
				    "%s (%s) is not served: pumakeeper listens on app.listen",
				    binds.items[i], settings_source_name(s, s->binds_from));
	}
	strings_finish(&binds);
	return error;
}

/* Hooks around what doesn't happen here, or only with app.refork. */
static bool is_never_called(const char *hook, const struct puma_plan *plan) {
	static const char *const names[] = { "after_worker_shutdown", "after_refork", "on_refork",
					     "before_refork" };
	size_t n = plan->refork ? 2 : ARRAY_LEN(names);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(names[i], hook) == 0)
			return true;
	}
	return false;
}

/* All of one kind in one sentence. */
static int note_some_hooks(const struct puma_settings *s, const struct puma_plan *plan, bool never,
			   const char *why, struct strings *notes) {
	char names[400];
	struct text out = TEXT_IN(names);
	for (size_t i = 0; i < s->hooks.len; i++) {
		if (is_never_called(s->hooks.items[i], plan) == never)
			text_printf(&out, "%s`%s`", out.len > 0 ? ", " : "", s->hooks.items[i]);
	}
	return out.len == 0 ? 0
			    : say(notes, "%s in %s: not called, because %s", names,
				  settings_source_name(s, FROM_CONFIG_FILE), why);
}

static int note_hooks(const struct puma_settings *s, const struct puma_plan *plan,
		      struct strings *notes) {
	int error = plan->preload
			    ? 0
			    : note_some_hooks(s, plan, false,
					      "a worker of a pool is a single Puma that nobody "
					      "forks: with `app.preload: true` they are; else what "
					      "must run in every worker belongs in an initializer",
					      notes);
	return error != 0
		       ? error
		       : note_some_hooks(s, plan, true,
					 plan->refork ? "pumakeeper itself sees to workers that "
							"end, and one that became a mold serves "
							"nobody any more"
						      : "pumakeeper itself sees to workers that "
							"end, and without app.refork none becomes "
							"what others are forked from",
					 notes);
}

/* What a person gave up without a word: the memory that workers shared. */
static int note_preload(const struct puma_settings *s, const struct puma_plan *plan,
			struct strings *notes) {
	if (plan->preload || !puma_settings_preloads(s))
		return 0;
	return say(notes,
		   "preload_app (%s) is ignored: each worker loads the app itself, and shares no "
		   "memory with the others; `app.preload: true` keeps the sharing",
		   settings_source_name(s, s->preload_from));
}

/* Known to do no harm when it starts once per worker. */
static bool is_harmless(const char *plugin) {
	return strcmp(plugin, "systemd") == 0; /* finds no NOTIFY_SOCKET */
}

static int note_plugin(const char *plugin, struct strings *notes) {
	if (is_harmless(plugin))
		return 0;
	if (strcmp(plugin, "tmp_restart") == 0)
		return say(notes, "plugin :tmp_restart is not loaded: pumakeeper watches "
				  "tmp/restart.txt and restarts one worker after the other");
	return say(notes,
		   "plugin :%s starts once in each worker: if it binds a port or forks a process, "
		   "take it out and run that beside pumakeeper (README, plugins)",
		   plugin);
}

/* What is a file or a port of one process can't be that of several. */
static int note_single(const char *name, const char *value, const char *instead,
		       struct strings *notes) {
	return value == NULL ? 0 : say(notes, "%s %s is ignored: %s", name, value, instead);
}

int puma_settings_notes(const struct puma_settings *s, const struct puma_plan *plan,
			struct strings *notes) {
	int error = 0;
	if (s->workers > 0 && !plan->workers_taken)
		error = say(notes, "workers %u (%s) is ignored: pumakeeper launches app.workers",
			    s->workers, settings_source_name(s, s->workers_from));
	if (error == 0)
		error = note_preload(s, plan, notes);
	if (error == 0)
		error = note_binds(s, plan->listen, notes);
	if (error == 0)
		error = note_single("pidfile", s->pidfile, "each worker would overwrite it", notes);
	if (error == 0)
		error = note_single("state_path", s->state_path, "each worker would overwrite it",
				    notes);
	if (error == 0)
		error = note_single("activate_control_app", s->control_url,
				    "ask pumakeeper instead of pumactl", notes);
	if (error == 0 && s->drain_on_shutdown)
		error = say(notes, "drain_on_shutdown is ignored: a worker that leaves would take "
				   "requests from those that stay");
	for (size_t i = 0; error == 0 && i < s->plugins.len; i++)
		error = note_plugin(s->plugins.items[i], notes);
	return error != 0 ? error : note_hooks(s, plan, notes);
}

/* Beyond that it is Puma's master that kills a worker which drains (puma.md, fact 2). */
static int note_shutdown_timeout(const struct puma_settings *s, msec_t drain,
				 struct strings *notes) {
	msec_t own = (msec_t)s->worker_shutdown_timeout * MSEC_SECOND;
	if (own == 0 || own >= drain)
		return 0;
	return say(notes,
		   "Puma kills a worker that drains for %u s (worker_shutdown_timeout), before "
		   "restart.drain_timeout (%lld s) has passed: raise the one or lower the other",
		   s->worker_shutdown_timeout, (long long)(drain / MSEC_SECOND));
}

int puma_settings_notes_cluster(const struct puma_settings *s, const struct strings *listen,
				msec_t drain_timeout, struct strings *notes) {
	int error = note_binds(s, listen, notes);
	if (error == 0)
		error = note_shutdown_timeout(s, drain_timeout, notes);
	if (error == 0 && !s->preload_app)
		error = say(notes, "without preload_app! each worker loads the app itself, and "
				   "shares little memory with the others");
	return error;
}
