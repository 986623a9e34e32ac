#include "cmd/pumakeeper/help.h"

#include "util/text.h"

static const char *slots_word(const struct verb_row *row) {
	switch (row->slots) {
	case SLOTS_NONE: return "";
	case SLOTS_ONE: return " SLOT";
	case SLOTS_SOME: return " SLOT...";
	}
	return "";
}

void help_print(FILE *to) {
	fprintf(to, "usage: pumakeeper [-s SOCKET] VERB [OPTIONS]\n"
		    "Ask pumakeeperd what is going on, and tell it what to do.\n\n");
	for (unsigned v = 0; v < VERB_COUNT; v++) {
		char words[40];
		struct text out = TEXT_IN(words);
		text_printf(&out, "%s%s", verb_rows[v].name, slots_word(&verb_rows[v]));
		fprintf(to, "  %-18s %s\n", words, verb_rows[v].help);
	}
	fprintf(to, "  %-18s %s\n", "help VERB", "more about one of them");
	fprintf(to, "  %-18s %s\n", "completions", "for bash: eval \"$(pumakeeper completions)\"");
	fprintf(to, "\n  -s, --socket=SOCKET  the daemon's control socket, or the app's name;\n"
		    "                       else $PUMAKEEPER_SOCKET, else the only daemon here\n"
		    "  -h, --help           this, or `pumakeeper VERB --help`\n"
		    "  -V, --version\n\n"
		    "Exits 0 when it is done, 1 when it was refused or failed, 2 for wrong usage,\n"
		    "3 without a daemon, 4 when `status` finds the herd degraded.\n");
}

/* `  -w, --watch[=SECONDS]  again and again, in place` */
static void print_option(FILE *to, const struct verb_option *o) {
	char words[40];
	struct text out = TEXT_IN(words);
	text_printf(&out, "-%c, --%s", o->letter, o->name);
	if (o->argument != NULL && o->argument[0] == '[')
		text_printf(&out, "[=%s", o->argument + 1);
	else if (o->argument != NULL)
		text_printf(&out, "=%s", o->argument);
	fprintf(to, "  %-22s %s\n", words, o->help);
}

/* Words on lines of at most 80 columns. */
static void print_wrapped(FILE *to, const char *sentences) {
	size_t column = 0;
	while (*sentences != '\0') {
		size_t n = 0;
		while (sentences[n] != '\0' && sentences[n] != ' ')
			n++;
		if (column > 0 && column + 1 + n > 80) {
			fprintf(to, "\n");
			column = 0;
		}
		fprintf(to, "%s%.*s", column > 0 ? " " : "", (int)n, sentences);
		column += (column > 0) + n;
		sentences += n;
		if (*sentences == ' ')
			sentences++;
	}
	fprintf(to, "\n");
}

void help_print_verb(FILE *to, enum verb verb) {
	const struct verb_row *row = &verb_rows[verb];
	const char *slots = row->slots == SLOTS_SOME ? " SLOT...|--all" : slots_word(row);
	fprintf(to, "usage: pumakeeper %s%s%s\n", row->name, slots,
		row->options[0].name != NULL ? " [OPTIONS]" : "");
	fprintf(to, "%s: %s.\n\n", row->name, row->help);
	print_wrapped(to, row->details);
	if (row->who == PEER_OWNER)
		fprintf(to, "Only root and the daemon's own user may.\n");
	if (row->options[0].name != NULL)
		fprintf(to, "\n");
	for (size_t i = 0; i < VERB_OPTIONS && row->options[i].name != NULL; i++)
		print_option(to, &row->options[i]);
}

void help_print_completions(FILE *to) {
	fprintf(to, "_pumakeeper() {\n"
		    "	local word verb= words cur=${COMP_WORDS[COMP_CWORD]}\n"
		    "	if [[ ${COMP_WORDS[COMP_CWORD-1]} == -s ]]; then\n"
		    "		mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
		    "		return\n"
		    "	fi\n"
		    "	for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
		    "		case $word in\n"
		    "		help) ;;\n");
	fprintf(to, "		");
	for (unsigned v = 0; v < VERB_COUNT; v++)
		fprintf(to, "%s%s", v > 0 ? "|" : "", verb_rows[v].name);
	fprintf(to, ") verb=$word; break ;;\n"
		    "		esac\n"
		    "	done\n"
		    "	case $verb in\n");
	for (unsigned v = 0; v < VERB_COUNT; v++) {
		fprintf(to, "	%s) words='--help", verb_rows[v].name);
		const struct verb_option *o = verb_rows[v].options;
		for (size_t i = 0; i < VERB_OPTIONS && o[i].name != NULL; i++)
			fprintf(to, " --%s", o[i].name);
		fprintf(to, "' ;;\n");
	}
	fprintf(to, "	*) words='");
	for (unsigned v = 0; v < VERB_COUNT; v++)
		fprintf(to, "%s ", verb_rows[v].name);
	fprintf(to, "help completions -s --help --version' ;;\n"
		    "	esac\n"
		    "	mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
		    "}\n"
		    "complete -F _pumakeeper pumakeeper\n");
}
