/*
 * pumakeeper: asks pumakeeperd what is going on, and tells it what to do.
 *
 *     arguments.c  the command line      help.c   what we say of ourselves
 *     find.c       which daemon          link.c   the line to it
 *     ask.c        one request, shown    watch.c  status, again and again
 *     orphans.c    without a daemon         unit.c   what the service's unit calls
 *     screen.c     the terminal             upgrade.c  and whether it came
 *
 * What a terminal shows is made by core/status_table and its kin, pure.
 */
#include <locale.h>
#include <stdio.h>

#include "cmd/pumakeeper/arguments.h"
#include "cmd/pumakeeper/ask.h"
#include "cmd/pumakeeper/exit.h"
#include "cmd/pumakeeper/find.h"
#include "cmd/pumakeeper/help.h"
#include "cmd/pumakeeper/orphans.h"
#include "cmd/pumakeeper/unit.h"
#include "cmd/pumakeeper/upgrade.h"
#include "cmd/pumakeeper/watch.h"

static int talk(const struct arguments *a) {
	if (a->verb == VERB_STOP && a->display.orphans)
		return orphans(a);
	char path[108]; /* as long as a socket's can be */
	int code = find_daemon(a->socket, path, sizeof path);
	if (code != EXIT_DONE)
		return code;
	if (a->verb == VERB_UPGRADE)
		return upgrade(path, a);
	return a->display.watch > 0 ? watch(path, a) : ask(path, a);
}

int main(int argc, char *argv[]) {
	struct arguments arguments;
	setlocale(LC_CTYPE, "");
	int code = arguments_parse(argc, argv, &arguments);
	switch (arguments.what) {
	case WHAT_HELP:
		if (arguments.verb == VERB_COUNT)
			help_print(code == EXIT_DONE ? stdout : stderr);
		else
			help_print_verb(stdout, arguments.verb);
		return code;
	case WHAT_VERSION: puts("pumakeeper " PUMAKEEPER_VERSION); return code;
	case WHAT_COMPLETIONS: help_print_completions(stdout); return code;
	case WHAT_UNIT_STOP: return unit_stop(&arguments);
	case WHAT_UNIT_STOPPED: return unit_stopped(&arguments);
	case WHAT_ASK: break;
	}
	return code == EXIT_DONE ? talk(&arguments) : code;
}
