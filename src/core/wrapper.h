/*
 * Programs that people put in front of a server, and what they do with it: become it, or
 * stay behind as its parent. Pure: one table, and what a shell's script says.
 */
#pragma once

#include <stdbool.h>

#include "util/base.h"
#include "util/strings.h"

/* What a program does with the command behind it. */
enum habit {
	EXECS, /* becomes it: same pid */
	FORKS, /* stays behind as its parent */
	SHELL, /* forks unless its script says exec */
	RAILS, /* runs Puma itself, and takes none of its options */
};

struct wrapper {
	const char *word;
	enum habit habit;
	const char *instead; /* FORKS: where what it did belongs now; NULL: nowhere */
};

/* By the last part of a path, whatever Ruby's version is (`ruby3.1`); NULL: not known. */
const struct wrapper *wrapper_find(const char *word);

const char *wrapper_base_name(const char *word);

/* The text behind a shell's option with a `c` (-c, -lc, -ec); NULL for `bash FILE`. Borrowed. */
const char *wrapper_script(const struct strings *words, size_t shell);

/* Does a shell that runs this become the program? `exec` stands where a command may begin. */
bool wrapper_script_execs(const char *script);

/*
 * Is it one command and nothing else? Debian 12's bash and dash become it without being told
 * (measured); of a shell that doesn't, preflight sees that another process would serve.
 */
bool wrapper_script_is_one_command(const char *script);

/* Is the program, by the last part of its path, a word of it? */
bool wrapper_script_names(const char *script, const char *program);
