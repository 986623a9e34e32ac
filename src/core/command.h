/*
 * `app.command`, understood: is it Puma, will the process that we start be the one that
 * serves, and what a worker's argv is.
 *
 * Pure. LISTEN_PID names the pid that we exec'd, and that pid is what we sample and signal: a
 * wrapper that stays behind as Puma's parent breaks both. Known ones are refused here, with
 * what to write instead; unknown ones are found out by preflight and by the probe's peer.
 */
#pragma once

#include "util/base.h"
#include "util/error.h"
#include "util/strings.h"
#include "util/text.h"

struct command {
	enum command_kind {
		COMMAND_PUMA,  /* a word of it is puma, or what a shell's script execs is */
		COMMAND_OTHER, /* anything else: passed through as it is, with LISTEN_FDS */
	} kind;
	/* COMMAND_PUMA: the index of that word. Behind the last one: it is inside a script, where
	 * no options can be added; ruby/worker.rb needs none. */
	size_t puma;
};

/*
 * 0, or -1 with `err`: no words, or a wrapper that forks (`bin/rails server`, `thrust`,
 * `doppler run`, `bash -lc` without exec, …). `err` says what to write instead.
 */
NODISCARD int command_understand(const struct strings *words, struct command *command,
				 struct error *err);

struct command_puma {
	unsigned workers; /* of its own; 0: it is a single-mode worker of ours */
	/*
	 * Where a cluster's master serves: after a hot restart (SIGUSR2) it has its sockets by
	 * these names, and else it would close them.
	 */
	const char *const *binds;
	size_t n_binds;
};

/*
 * The argv of a server on inherited sockets: the user's words and, for Puma, our options where they
 * win over the user's own. `argv` is the caller's, empty before. 0 or -ENOMEM.
 */
NODISCARD int command_puma_argv(const struct strings *words, const struct command *command,
				const struct command_puma *puma, struct strings *argv);

/* Why it could not be started, for a person. */
struct command_failure {
	const char *step;      /* spawn_step_name() */
	int error;             /* positive errno */
	const char *path;      /* the PATH of the child's environment, or NULL */
	const char *directory; /* app.directory, or NULL */
	const char *option;    /* where the words are from; NULL: app.command */
};
void command_explain(const struct strings *words, const struct command_failure *failure,
		     struct text *out);
