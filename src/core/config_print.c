#include <string.h>

#include "core/option_path.h"
#include "core/option_value.h"
#include "core/yaml_print.h"

/* A key may hold anything but `=`, so the first one ends it. */
static void print_pair(const char *pair, struct text *out) {
	char key[300];
	struct text name = TEXT_IN(key);
	const char *equals = strchr(pair, '=');
	text_put(&name, pair, equals != NULL ? (size_t)(equals - pair) : strlen(pair));
	out->cut = out->cut || name.cut;
	yaml_print(key, out);
	text_puts(out, ": ");
	yaml_print(equals != NULL ? equals + 1 : "", out);
}

static void print_entries(const struct option *option, const struct strings *list,
			  struct text *out) {
	for (size_t i = 0; i < list->len; i++) {
		text_puts(out, "\n");
		yaml_indent(path_depth(option->path) + 1, out);
		if (option->type == OPTION_PAIRS) {
			print_pair(list->items[i], out);
		} else {
			text_puts(out, "- ");
			yaml_print(list->items[i], out);
		}
	}
}

static void print_string(const struct option *option, const struct config *config,
			 struct text *out) {
	const char *string = *(char *const *)option_in(option, config);
	if (string != NULL)
		yaml_print(string, out);
	else
		option_print(option, config, out); /* the word for none */
}

void config_print_option(const struct option *option, const struct config *config,
			 struct text *out) {
	yaml_indent(path_depth(option->path), out);
	text_printf(out, "%s:", path_key(option->path));
	if (option_is_list(option)) {
		print_entries(option, option_in(option, config), out);
	} else {
		text_puts(out, " ");
		if (option->type == OPTION_STRING)
			print_string(option, config, out);
		else
			option_print(option, config, out);
	}
	text_puts(out, "\n");
}

static void print_section(const struct section *section, const struct config *config,
			  struct text *out) {
	bool opened = false;
	for (size_t i = 0; i < options_len; i++) {
		const struct option *option = &options[i];
		if (section_child(section->path, option->path) == NULL ||
		    !option_is_set(option, config))
			continue;
		if (!opened) {
			yaml_indent(path_depth(section->path), out);
			text_printf(out, "%s:\n", path_key(section->path));
		}
		opened = true;
		config_print_option(option, config, out);
	}
}

/* A section below another comes right after it in the table, and after its options. */
void config_print(const struct config *config, struct text *out) {
	for (size_t i = 0; i < sections_len; i++)
		print_section(&sections[i], config, out);
}
