/*
 * What a configuration means on this machine: read, resolved, checked, before anything starts.
 * A reload makes a second one and compares.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>

#include "core/app_name.h"
#include "core/command.h"
#include "core/config.h"
#include "core/limits.h"
#include "core/puma_settings.h"
#include "os/runtime_dir.h"
#include "util/base.h"
#include "util/error.h"

struct plan_source {
	const char *path;  /* the configuration file; NULL: none */
	char *const *argv; /* without one: the command, NULL-terminated */
	char *const *self; /* the whole command line of this program, likewise */
};

struct plan {
	struct config config;
	struct limits limits;
	struct machine machine;
	struct command command;
	char name[APP_NAME_MAX + 1];
	char wished_directory[PATH_MAX]; /* as configured, absolute; may lead through `current` */
	char directory[PATH_MAX];        /* that, without links: the release */
	char preload[PATH_MAX];          /* the allocator's library; "": none */
	char ruby_dir[PATH_MAX]; /* where worker.rb is; "" if nowhere, which only Puma minds */
	bool has_settings;
	struct puma_settings settings; /* what Puma would do by itself */
	struct strings notes;          /* what there is to know about this setup, */
	const char *missing;           /* one of them: why the allocator isn't preloaded; or NULL */
	struct strings puma_notes;     /* and about Puma's own configuration */
};

/*
 * NULL with what is wrong in `errors` (lines and columns are of the file). Blocks for a moment:
 * reads files and, unless it is the one `before` (the plan in force, or NULL) found, tries the
 * allocator's library, for at most two seconds.
 */
NODISCARD struct plan *plan_create(const struct plan_source *source, const struct plan *before,
				   struct errors *errors);

/*
 * A reload, before the two are compared: what app.listen doesn't say was Puma's to say at the
 * start, and isn't asked again. 0 or -ENOMEM.
 */
NODISCARD int plan_keep_binds(struct plan *new, const struct plan *old);

/* The same for the workers of a cluster, whose limits depend on how many they are. 0, or -1. */
NODISCARD int plan_keep_workers(struct plan *new, const struct plan *old, struct errors *errors);

/* And once it holds: name, release and what Puma said are handed over; `old` is destroyed. */
void plan_succeed(struct plan *new, struct plan *old);

/* Takes NULL. */
void plan_destroy(struct plan *plan);

/*
 * Asks Puma itself what it would do (os/preflight.h): seconds. Without a file its listeners, its
 * number of workers and whether it preloads are taken. Only for COMMAND_PUMA, else nothing is done. 0, or -1.
 */
NODISCARD int plan_ask_puma(struct plan *plan, const struct plan_source *source,
			    struct errors *errors);

/* Its directory without links, as it is now. 0 or -errno. */
NODISCARD int plan_resolve_directory(const struct plan *plan, char path[PATH_MAX]);

/* Where daemons have their places: see os/runtime_dir.h. */
struct runtime_bases plan_runtime_bases(void);

/* For a person, on stderr: `file:line:column: what`. */
void plan_print_errors(const struct plan_source *source, const struct errors *errors);
