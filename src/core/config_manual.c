#include <string.h>

#include "core/option_path.h"
#include "core/option_value.h"

/* mdoc(7): a backslash escapes, and a line that begins with a dot or a quote is a request. */
static void print_text(const char *string, struct text *out) {
	if (*string == '.' || *string == '\'')
		text_puts(out, "\\&");
	for (; *string != '\0'; string++) {
		bool sentence_ends = strncmp(string, ". ", 2) == 0;
		if (*string == '\\')
			text_puts(out, "\\e");
		else
			text_put(out, string, 1);
		if (sentence_ends) { /* a new sentence is a new line */
			text_puts(out, "\n");
			string++;
		}
	}
	text_puts(out, "\n");
}

/* Of a macro's argument: blanks and quotes would be several. */
static void print_argument(const char *string, struct text *out) {
	text_puts(out, "\"");
	for (; *string != '\0'; string++) {
		if (*string == '"')
			text_puts(out, "\\(dq");
		else if (*string == '\\')
			text_puts(out, "\\e");
		else
			text_put(out, string, 1);
	}
	text_puts(out, "\"");
}

static void print_option(const struct option *option, struct text *out) {
	char expected[300];
	struct text expect = TEXT_IN(expected);
	option_expected(option, &expect);
	text_printf(out, ".It Ic %s\n", option->path);
	print_text(option->help, out);
	text_puts(out, ".Pp\nExpected: ");
	print_text(expected, out);
	if (option->fallback != NULL) {
		text_puts(out, ".br\nDefault:\n.Li ");
		print_argument(option->fallback, out);
		text_puts(out, "\n");
	}
	if (!option->live)
		text_puts(out, ".br\nA change needs a restart of the daemon.\n");
}

static void print_section(const struct section *section, struct text *out) {
	text_printf(out, ".Ss %s\n", section->path);
	print_text(section->help, out);
	if (section->word != NULL) {
		char words[200];
		struct text sentence = TEXT_IN(words);
		section_print_word(section, &sentence);
		print_text(words, out);
	}
	text_puts(out, ".Bl -tag -width Ds\n");
	for (size_t i = 0; i < options_len; i++) {
		if (section_child(section->path, options[i].path) != NULL)
			print_option(&options[i], out);
	}
	text_puts(out, ".El\n");
}

void config_print_manual(struct text *out) {
	for (size_t i = 0; i < sections_len; i++)
		print_section(&sections[i], out);
}
