/*
 * What a worker's environment is: ours without what systemd meant for us, the app's own
 * variables, the sockets, the allocator, and our Ruby.
 *
 * Pure. What is meant for the worker alone (LD_PRELOAD, MALLOC_*, RUBYOPT, RUBYLIB) is taken out again
 * inside it by ruby/worker.rb, so that its children (Chrome, ImageMagick, a shell) have what
 * the user gave them: that is what the PUMAKEEPER_USER_* variables are for.
 */
#pragma once

#include <stdbool.h>

#include "util/base.h"
#include "util/strings.h"

struct worker_environment {
	char *const *inherited;      /* the daemon's environ */
	const struct strings *app;   /* app.environment: wins over it */
	const char *directory;       /* PWD: where it will start; NULL: where we are */
	const char *current;         /* that, as configured: may lead through a link; or NULL */
	const char *const *fd_names; /* LISTEN_FDNAMES: one per inherited socket, from fd 3 on */
	size_t n_fds;                /* 0: no LISTEN_*, for a preflight */
	const char *mold;            /* its generation, for ruby/mold.rb; NULL: a worker */
	const char *preload;         /* the library that was found; NULL: none */
	const char *malloc_conf;     /* allocator.malloc_conf, or NULL */
	bool few_arenas;             /* MALLOC_ARENA_MAX=2, where jemalloc can't take hold */
	const char *ruby_file;       /* worker.rb or inspect.rb, an absolute path; NULL: none */
	bool single;                 /* WEB_CONCURRENCY=0: not for a preflight, which asks for it */
};

/*
 * An envp in `envp` (the caller's, empty before; more can be added with strings_set()). Its
 * LISTEN_PID entry is a slot for spawn_start() to fill in. 0, -EINVAL when `ruby_file` is
 * below a path that has both a blank and a colon (neither RUBYOPT nor RUBYLIB has quoting), or
 * -ENOMEM; then `envp` is empty.
 */
NODISCARD int worker_environment_build(const struct worker_environment *wish, struct strings *envp);
