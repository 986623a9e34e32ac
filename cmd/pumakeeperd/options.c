#include "cmd/pumakeeperd/options.h"

#include <getopt.h>
#include <stdio.h>

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "check", no_argument, NULL, 'k' },
	{ "sample", no_argument, NULL, 's' },
	{ "manual", no_argument, NULL, 'm' },
	{ "dry-start", required_argument, NULL, 'd' }, /* daemon/upgrade.h */
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

void options_help(void) {
	puts("usage: pumakeeperd -c FILE [--check]\n"
	     "       pumakeeperd [--check] -- COMMAND [ARGUMENT]...\n"
	     "       pumakeeperd --sample\n"
	     "\n"
	     "Keeps Puma's workers inside their memory budget, and loses no request.\n"
	     "\n"
	     "  -c, --config FILE  read the configuration from FILE, see pumakeeper.yml(5)\n"
	     "      --check        say what is wrong with it, or print what it means, and leave\n"
	     "      --sample       print a configuration with every option and its meaning\n"
	     "  -h, --help         print this\n"
	     "      --version      print the version\n"
	     "\n"
	     "Without a file COMMAND is run as Puma's own configuration says (`pumakeeperd --\n"
	     "bundle exec puma`). It stays in the foreground and logs on stderr. SIGTERM and\n"
	     "SIGINT drain and leave, a second one hurries; SIGHUP reads the configuration again,\n"
	     "SIGUSR2 goes on as the program that is installed now. `pumakeeper status`\n"
	     "shows what it does.");
}

static int usage(const char *what) {
	fprintf(stderr, "pumakeeperd: %s; `pumakeeperd --help` tells more\n", what);
	return -1;
}

static int check(const struct daemon_options *o) {
	if (o->help || o->version || o->sample || o->manual)
		return 0;
	if (o->config != NULL && o->argv != NULL)
		return usage("give either -c FILE or a command, not both (app.command names it)");
	if (o->config == NULL && o->argv == NULL)
		return usage("what shall it run? Give -c FILE, or -- COMMAND");
	return 0;
}

int options_read(int argc, char *argv[], struct daemon_options *o) {
	int c;
	*o = (struct daemon_options){ 0 };
	while ((c = getopt_long(argc, argv, "+c:hV", long_options, NULL)) != -1) {
		switch (c) {
		case 'c': o->config = optarg; break;
		case 'k': o->check = true; break;
		case 's': o->sample = true; break;
		case 'd': o->dry_start = optarg; break;
		case 'm': o->manual = true; break;
		case 'h': o->help = true; break;
		case 'V': o->version = true; break;
		default: return usage("the command line makes no sense");
		}
	}
	if (optind < argc)
		o->argv = argv + optind;
	return check(o);
}
