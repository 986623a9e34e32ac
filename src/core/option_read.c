#include "core/option_read.h"

#include <string.h>

#include "core/option_value.h"
#include "util/utf8.h"

/* One value on its way from the file into the configuration. */
struct reading {
	struct yaml_reader *yaml;
	const struct option *option;
	struct config *config;
};

static void complain_of_type(struct reading *r, const yaml_event_t *e) {
	char expected[200];
	struct text out = TEXT_IN(expected);
	option_expected(r->option, &out);
	if (yaml_is_null(e))
		yaml_reader_complain(r->yaml, e->start_mark,
				     "%s: has no value; expected %s, or no such line at all",
				     r->option->path, expected);
	else
		yaml_reader_complain(r->yaml, e->start_mark, "%s: is %s; expected %s",
				     r->option->path, yaml_kind_name(e), expected);
}

/* The place that the error lacks is that of the value. */
static void complain_of_value(struct reading *r, const yaml_event_t *e, const struct error *err) {
	yaml_reader_complain(r->yaml, e->start_mark, "%s", err->text);
}

static void add_entry(struct reading *r, const char *key, const yaml_event_t *e) {
	struct error err;
	if (e->type == YAML_ALIAS_EVENT)
		return;
	if (e->type != YAML_SCALAR_EVENT || yaml_is_null(e)) {
		bool null = yaml_is_null(e);
		yaml_reader_complain(r->yaml, e->start_mark, "%s%s%.60s: %s%s; expected one %s",
				     r->option->path, key != NULL ? "." : "",
				     key != NULL ? key : "", null ? "has no value" : "is ",
				     null ? "" : yaml_kind_name(e),
				     null ? "value, \"\" for an empty one" : "value");
		yaml_reader_skip(r->yaml, e);
		return;
	}
	if (yaml_is_usable(e) && option_add(r->option, r->config, key, yaml_text(e), &err) != 0)
		complain_of_value(r, e, &err);
}

static void read_strings(struct reading *r, const yaml_event_t *first) {
	for (size_t n = 0;; n++) {
		AUTOEVENT yaml_event_t e;
		if (!yaml_reader_next(r->yaml, &e))
			return;
		if (e.type == YAML_SEQUENCE_END_EVENT && n < r->option->min)
			yaml_reader_complain(r->yaml, first->start_mark,
					     "%s: is empty; expected a list such as %s",
					     r->option->path, r->option->example);
		if (e.type == YAML_SEQUENCE_END_EVENT)
			return;
		add_entry(r, NULL, &e);
	}
}

static void read_pairs(struct reading *r) {
	for (;;) {
		AUTOEVENT yaml_event_t key;
		if (!yaml_reader_next(r->yaml, &key) || key.type == YAML_MAPPING_END_EVENT)
			return;
		if (key.type != YAML_SCALAR_EVENT) {
			if (key.type != YAML_ALIAS_EVENT)
				yaml_reader_complain(r->yaml, key.start_mark,
						     "%s: a key is %s; expected one word",
						     r->option->path, yaml_kind_name(&key));
			yaml_reader_skip(r->yaml, &key);
		}
		AUTOEVENT yaml_event_t value;
		if (!yaml_reader_next(r->yaml, &value))
			return;
		if (yaml_is_usable(&key))
			add_entry(r, yaml_text(&key), &value);
		else
			yaml_reader_skip(r->yaml, &value);
	}
}

/* A line as for a shell: what to write instead is the same words as a list. */
static void refuse_line(struct reading *r, const yaml_event_t *e) {
	char list[260], word[140];
	struct text out = TEXT_IN(list);
	const char *at = yaml_text(e);
	bool plain = at[strcspn(at, "\"'\\$`;&|<>(){}[],#*!\n\t")] == '\0';
	for (; plain && *at != '\0'; at += strspn(at, " ")) {
		size_t n = strcspn(at, " ");
		struct text piece = TEXT_IN(word);
		text_put(&piece, at, n);
		text_puts(&out, out.len > 0 ? ", " : "");
		utf8_print(word, 40, &out);
		at += n;
	}
	plain = plain && !out.cut;
	yaml_reader_complain(r->yaml, e->start_mark,
			     "%s: is one text of several words, and no shell reads it; expected a "
			     "list, %s%s%s",
			     r->option->path, plain ? "[" : "such as ",
			     plain ? list : r->option->example, plain ? "]" : "");
}

static void read_list(struct reading *r, const yaml_event_t *e) {
	option_clear(r->option, r->config);
	bool pairs = r->option->type == OPTION_PAIRS;
	if (e->type == (pairs ? YAML_MAPPING_START_EVENT : YAML_SEQUENCE_START_EVENT)) {
		if (pairs)
			read_pairs(r);
		else
			read_strings(r, e);
	} else if (!pairs && yaml_is_usable(e) && !yaml_is_null(e)) {
		if (strpbrk(yaml_text(e), " \t\n") != NULL)
			refuse_line(r, e);
		else
			add_entry(r, NULL, e);
	} else if (yaml_is_null(e) && r->option->min == 0) {
		return; /* its entries are all commented out */
	} else if (e->type != YAML_ALIAS_EVENT) {
		complain_of_type(r, e);
		yaml_reader_skip(r->yaml, e);
	}
}

static void read_scalar(struct reading *r, const yaml_event_t *e) {
	struct error err;
	if (e->type == YAML_ALIAS_EVENT)
		return;
	if (e->type != YAML_SCALAR_EVENT || yaml_is_null(e)) {
		complain_of_type(r, e);
		yaml_reader_skip(r->yaml, e);
	} else if (yaml_is_usable(e) && option_set(r->option, r->config, yaml_text(e), &err) != 0) {
		complain_of_value(r, e, &err);
	}
}

void option_read(struct yaml_reader *yaml, const struct option *option, const yaml_event_t *first,
		 struct config *config) {
	struct reading r = { .yaml = yaml, .option = option, .config = config };
	if (option_is_list(option))
		read_list(&r, first);
	else
		read_scalar(&r, first);
}
