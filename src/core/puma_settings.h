/*
 * Puma's own resolved configuration, as ruby/inspect.rb tells it, and what a person must know
 * about it before N single-mode workers read the same files. Pure: parses text.
 */
#pragma once

#include <stdbool.h>

#include "util/base.h"
#include "util/error.h"
#include "util/msec.h"
#include "util/strings.h"

enum settings_source {
	FROM_DEFAULT,
	FROM_ENVIRONMENT, /* WEB_CONCURRENCY */
	FROM_CONFIG_FILE, /* one of config_files */
	FROM_COMMAND_LINE,
};

struct puma_settings {
	int pid; /* the process that would serve */
	char *puma_version, *ruby_version;
	bool rack_handler; /* started by `rails server` or `rackup`, not by `puma` */
	char *directory, *environment;
	char *rackup; /* NULL: the app is in the configuration itself */
	struct strings config_files;
	struct strings binds; /* tcp://…, unix://…, ssl://…, as Puma would bind them */
	enum settings_source binds_from, workers_from, preload_from;
	unsigned workers; /* 0: single mode */
	unsigned threads_min, threads_max;
	bool preload_app, drain_on_shutdown;
	bool fork_worker;
	unsigned worker_shutdown_timeout;         /* seconds; 0: not told */
	char *pidfile, *state_path, *control_url; /* NULL: not asked for */
	struct strings plugins;
	struct strings hooks; /* those that single mode never calls, by their names in the file */
};

/* 0 and the caller's to finish, or -1 with `err` and `settings` untouched. */
NODISCARD int puma_settings_parse(const char *json, struct puma_settings *settings,
				  struct error *err);
void puma_settings_finish(struct puma_settings *settings);

/*
 * Can it be run as a pool? `started` is the pid that was started. 0, or -1 with `err`: another
 * process would serve, Rack is in charge, a port is meant for TLS, Puma is too old.
 */
NODISCARD int puma_settings_check(const struct puma_settings *settings, int started,
				  struct error *err);

/*
 * Its binds as entries for app.listen, for a start without a configuration file: a relative
 * unix path becomes absolute, what a tcp bind says behind `?` is left out. 0 or -ENOMEM.
 */
NODISCARD int puma_settings_listen(const struct puma_settings *settings, struct strings *listen);

/* What of it is in force, so that only the rest needs to be spoken of. */
struct puma_plan {
	const struct strings *listen; /* the addresses that will be served */
	bool workers_taken;           /* `workers` came from here */
	bool preload;                 /* app.preload */
	bool refork;                  /* app.refork, by time or by requests */
};

/* Would Puma by itself load the app once, and fork its workers from that? */
bool puma_settings_preloads(const struct puma_settings *settings);

/*
 * One sentence for each thing that will not be as Puma's configuration says: dropped, overruled
 * or never called. Appended to `notes`. 0 or -ENOMEM.
 */
NODISCARD int puma_settings_notes(const struct puma_settings *settings,
				  const struct puma_plan *plan, struct strings *notes);

/*
 * The same for app.mode: cluster, where Puma is run as it is but for its sockets. `drain_timeout`:
 * restart.drain_timeout.
 */
NODISCARD int puma_settings_notes_cluster(const struct puma_settings *settings,
					  const struct strings *listen, msec_t drain_timeout,
					  struct strings *notes);

/* "config/puma.rb", "the command line", … */
const char *settings_source_name(const struct puma_settings *settings, enum settings_source from);
