#include <string.h>

#include "core/option_path.h"
#include "core/option_value.h"
#include "core/yaml_print.h"

enum { WIDTH = 80 };

/* Words, broken into comment lines. */
static void print_comment(const char *words, unsigned depth, struct text *out) {
	size_t column = 0; /* 0: no line is begun */
	while (*words != '\0') {
		size_t n = strcspn(words, " ");
		if (column == 0 || column + 1 + n > WIDTH) {
			text_puts(out, column > 0 ? "\n" : "");
			yaml_indent(depth, out);
			text_puts(out, "#");
			column = 2 * depth + 1;
		}
		text_puts(out, " ");
		text_put(out, words, n);
		column += 1 + n;
		words += n;
		words += strspn(words, " ");
	}
	text_puts(out, "\n");
}

/* `#key: value` without a blank behind the `#`: uncommented, it is in its column. */
static void print_line(const struct option *option, struct text *out) {
	bool required = option->type == OPTION_STRINGS && option->min > 0;
	yaml_indent(path_depth(option->path), out);
	text_printf(out, "%s%s: %s\n", required ? "" : "#", path_key(option->path),
		    option->fallback != NULL ? option->fallback : option->example);
}

static void print_option(const struct option *option, struct text *out) {
	print_comment(option->help, path_depth(option->path), out);
	print_line(option, out);
}

static void print_section(const struct section *section, struct text *out) {
	unsigned depth = path_depth(section->path);
	char words[400];
	struct text comment = TEXT_IN(words);
	text_puts(out, "\n");
	text_puts(&comment, section->help);
	if (section->word != NULL) {
		text_puts(&comment, " ");
		section_print_word(section, &comment);
	}
	print_comment(words, depth, out);
	yaml_indent(depth, out);
	text_printf(out, "%s:\n", path_key(section->path));
	const char *between = "";
	for (size_t i = 0; i < options_len; i++) {
		if (section_child(section->path, options[i].path) == NULL)
			continue;
		text_puts(out, between);
		print_option(&options[i], out);
		between = "\n";
	}
}

void config_print_sample(struct text *out) {
	print_comment("pumakeeper's configuration: every option, with its default or, where there "
		      "is none, an example. Only app.command is needed.",
		      0, out);
	print_comment("Times: 500ms, 5s, 10m, 1h. Check it with pumakeeperd --check -c FILE.", 0,
		      out);
	for (size_t i = 0; i < sections_len; i++)
		print_section(&sections[i], out);
}
