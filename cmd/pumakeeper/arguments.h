/* The command line, understood through the table of verbs. */
#pragma once

#include "core/command_table.h"
#include "core/protocol.h"

struct arguments {
	enum what {
		WHAT_ASK, /* the daemon: `request` */
		WHAT_HELP,
		WHAT_VERSION,
		WHAT_COMPLETIONS,
		WHAT_UNIT_STOP, /* unit.h */
		WHAT_UNIT_STOPPED,
	} what;
	const char *socket; /* -s; NULL: to be found */
	const char *unit;   /* WHAT_UNIT_…: its name */
	enum verb verb;     /* WHAT_HELP: of this verb, or VERB_COUNT for all */
	struct request request;
	struct display display;
};

/* EXIT_DONE, or EXIT_USAGE after saying on stderr what is wrong. */
int arguments_parse(int argc, char *argv[], struct arguments *arguments);
