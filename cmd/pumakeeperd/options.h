/* The command line of pumakeeperd, understood. */
#pragma once

#include <stdbool.h>

#include "util/base.h"

struct daemon_options {
	const char *config;    /* -c FILE; NULL: none */
	char *const *argv;     /* behind `--`; NULL: none */
	const char *dry_start; /* --dry-start FD: of the state; NULL: a real one */
	bool check, sample, manual, help, version;
};

/* 0, or -1 after saying on stderr what is wrong. */
NODISCARD int options_read(int argc, char *argv[], struct daemon_options *given);
void options_help(void);
