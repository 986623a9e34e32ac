#include "cmd/pumakeeper/arguments.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/pumakeeper/exit.h"

#define GLOBAL_LETTERS "s:hV"

static const struct option global_options[] = {
	{ "socket", required_argument, NULL, 's' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

static int usage(void) {
	fprintf(stderr, "`pumakeeper --help` tells what there is.\n");
	return EXIT_USAGE;
}

/* Digits only: no sign, no blank, nothing behind. */
static bool parse_number(const char *word, uint64_t max, uint64_t *n) {
	char *end;
	errno = 0;
	unsigned long long value = strtoull(word, &end, 10);
	if (*word < '0' || *word > '9' || *end != '\0' || errno != 0 || value > max)
		return false;
	*n = value;
	return true;
}

static int parse_slot(const char *word, struct request *r) {
	uint64_t slot;
	if (!parse_number(word, REQUEST_SLOT_MAX, &slot)) {
		fprintf(stderr, "pumakeeper: a slot is a number, not `%s`\n", word);
		return usage();
	}
	if (r->n_slots == REQUEST_SLOTS) {
		fprintf(stderr, "pumakeeper: at most %d slots\n", REQUEST_SLOTS);
		return EXIT_USAGE;
	}
	r->slots[r->n_slots++] = (unsigned)slot;
	return EXIT_DONE;
}

static int check_slots(const struct arguments *a) {
	const struct verb_row *row = &verb_rows[a->verb];
	const struct request *r = &a->request;
	const char *wrong = NULL;
	if (row->slots == SLOTS_NONE && r->n_slots > 0)
		wrong = "takes no slots";
	else if (row->slots == SLOTS_ONE && r->n_slots != 1)
		wrong = "takes one slot";
	else if (row->slots == SLOTS_SOME && (r->n_slots > 0) == r->all)
		wrong = "takes either slots or --all";
	if (wrong == NULL)
		return EXIT_DONE;
	fprintf(stderr, "pumakeeper: `%s` %s\n", row->name, wrong);
	return usage();
}

static size_t count_options(const struct verb_row *row) {
	size_t n = 0;
	while (n < VERB_OPTIONS && row->options[n].name != NULL)
		n++;
	return n;
}

/* The verb's own options beside the global ones, for getopt_long(3). */
struct getopt_table {
	struct option options[VERB_OPTIONS + 4];
	char letters[3 * VERB_OPTIONS + sizeof GLOBAL_LETTERS];
};

static struct getopt_table getopt_table(const struct verb_row *row) {
	struct getopt_table t = { 0 };
	struct text letters = TEXT_IN(t.letters);
	size_t n = count_options(row);
	for (size_t i = 0; i < n; i++) {
		const struct verb_option *o = &row->options[i];
		int takes = no_argument;
		if (o->argument != NULL)
			takes = o->argument[0] == '[' ? optional_argument : required_argument;
		t.options[i] = (struct option){ o->name, takes, NULL, o->letter };
		text_printf(&letters, "%c%.*s", o->letter, takes, "::");
	}
	memcpy(&t.options[n], global_options, sizeof global_options);
	text_puts(&letters, GLOBAL_LETTERS);
	return t;
}

/* `--watch 5`: getopt wants `--watch=5`, people don't. */
static const char *following_number(const struct arguments *a, int argc, char *argv[]) {
	uint64_t ignored;
	if (verb_rows[a->verb].slots != SLOTS_NONE || optind >= argc ||
	    !parse_number(argv[optind], UINT32_MAX, &ignored))
		return NULL;
	return argv[optind++];
}

static int set_option(struct arguments *a, const struct verb_option *o, const char *argument) {
	char *base = o->sent ? (char *)&a->request : (char *)&a->display;
	uint64_t n = o->fallback;
	if (o->argument == NULL) {
		*(bool *)(base + o->offset) = true;
		return EXIT_DONE;
	}
	if (argument != NULL &&
	    (!parse_number(argument, INT64_MAX, &n) || (o->fallback > 0 && n == 0))) {
		fprintf(stderr, "pumakeeper: --%s takes a number, not `%s`\n", o->name, argument);
		return usage();
	}
	*(uint64_t *)(base + o->offset) = n;
	return EXIT_DONE;
}

static const struct verb_option *option_of(const struct verb_row *row, int letter) {
	for (size_t i = 0; i < count_options(row); i++) {
		if (row->options[i].letter == letter)
			return &row->options[i];
	}
	return NULL;
}

static int set_global(struct arguments *a, int letter) {
	switch (letter) {
	case 's': a->socket = optarg; return EXIT_DONE;
	case 'h': a->what = WHAT_HELP; return EXIT_DONE;
	case 'V': a->what = WHAT_VERSION; return EXIT_DONE;
	default: return usage(); /* getopt has said what is wrong */
	}
}

/* argv[0] stands where the verb was. */
static int parse_rest(int argc, char *argv[], struct arguments *a) {
	const struct verb_row *row = &verb_rows[a->verb];
	const struct getopt_table table = getopt_table(row);
	int code = EXIT_DONE, letter;
	optind = 0; /* begin anew, so that slots and options may be mixed (getopt(3), Notes) */
	while (code == EXIT_DONE &&
	       (letter = getopt_long(argc, argv, table.letters, table.options, NULL)) != -1) {
		const struct verb_option *o = option_of(row, letter);
		const char *argument = optarg;
		if (o != NULL && o->fallback > 0 && argument == NULL)
			argument = following_number(a, argc, argv);
		code = o != NULL ? set_option(a, o, argument) : set_global(a, letter);
	}
	for (; code == EXIT_DONE && optind < argc; optind++)
		code = parse_slot(argv[optind], &a->request);
	if (code == EXIT_DONE && a->what == WHAT_ASK)
		code = check_slots(a);
	return code;
}

static int refuse_verb(const char *word) {
	enum verb near = verb_nearest(word);
	fprintf(stderr, "pumakeeper: there is no `%s`", word);
	if (near != VERB_COUNT)
		fprintf(stderr, "; did you mean `%s`?", verb_rows[near].name);
	fprintf(stderr, "\n");
	return usage();
}

/* Words that the daemon has nothing to do with. */
static bool parse_own_word(const char *word, char *argv[], struct arguments *a) {
	if (strcmp(word, "completions") == 0) {
		a->what = WHAT_COMPLETIONS;
		return true;
	}
	bool stop = strcmp(word, "unit-stop") == 0;
	if (stop || strcmp(word, "unit-stopped") == 0) {
		a->unit = argv[optind];
		a->what = a->unit == NULL ? WHAT_HELP : stop ? WHAT_UNIT_STOP : WHAT_UNIT_STOPPED;
		return true;
	}
	if (strcmp(word, "help") != 0)
		return false;
	a->what = WHAT_HELP;
	a->verb = argv[optind] != NULL ? verb_find(argv[optind]) : VERB_COUNT;
	return true;
}

int arguments_parse(int argc, char *argv[], struct arguments *a) {
	int letter, code = EXIT_DONE;
	*a = (struct arguments){ .verb = VERB_COUNT };
	while (code == EXIT_DONE &&
	       (letter = getopt_long(argc, argv, "+" GLOBAL_LETTERS, global_options, NULL)) != -1)
		code = set_global(a, letter);
	if (code != EXIT_DONE || a->what != WHAT_ASK)
		return code;
	if (optind == argc) {
		a->what = WHAT_HELP;
		return EXIT_USAGE;
	}

	int at = optind++;
	const char *word = argv[at];
	if (parse_own_word(word, argv, a))
		return EXIT_DONE;
	a->verb = a->request.verb = verb_find(word);
	if (a->verb == VERB_COUNT)
		return refuse_verb(word);
	argv[at] = argv[0]; /* getopt speaks in its name */
	return parse_rest(argc - at, argv + at, a);
}
