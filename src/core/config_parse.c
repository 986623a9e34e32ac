#include <string.h>

#include "core/config.h"
#include "core/option_path.h"
#include "core/option_read.h"
#include "core/yaml_reader.h"
#include "util/utf8.h"

#define COMMAND "command: [bundle, exec, puma, -C, config/puma.rb]"

enum { LONGEST_PATH = 128, MOST_PATHS = 128 };

/* One parse: what was read so far, and where. */
struct parse {
	struct yaml_reader reader;
	struct config *config;
	struct seen {
		char path[LONGEST_PATH];
		yaml_mark_t key, value;
	} seen[MOST_PATHS];
	size_t seen_len;
};

static struct seen *seen_find(struct parse *p, const char *path) {
	for (size_t i = 0; i < p->seen_len; i++) {
		if (strcmp(p->seen[i].path, path) == 0)
			return &p->seen[i];
	}
	return NULL;
}

/* Only what the tables know is remembered, so that there is room for all of it. */
static struct seen *seen_add(struct parse *p, const char *path, yaml_mark_t key) {
	assert(p->seen_len < MOST_PATHS);
	struct seen *seen = &p->seen[p->seen_len++];
	*seen = (struct seen){ .key = key };
	memcpy(seen->path, path, strlen(path) + 1);
	return seen;
}

static void complain_of_key(struct parse *p, const char *section, const char *key,
			    yaml_mark_t mark) {
	char quoted[170], known[300];
	struct text quote = TEXT_IN(quoted), list = TEXT_IN(known);
	utf8_print(key, 40, &quote);
	const char *near = section_nearest(section, key);
	if (strcmp(key, "<<") == 0) {
		yaml_reader_complain(&p->reader, mark,
				     "`<<` merges; expected the keys themselves, written again");
	} else if (near != NULL) {
		yaml_reader_complain(&p->reader, mark, "%s%s%s is unknown; expected %s", section,
				     *section != '\0' ? "." : "", quoted, near);
	} else {
		section_print_children(section, &list);
		yaml_reader_complain(&p->reader, mark, "%s%s%s is unknown; expected one of %s",
				     section, *section != '\0' ? "." : "", quoted, known);
	}
}

static void read_section(struct parse *p, const struct section *section, const yaml_event_t *first);

static void read_known(struct parse *p, const char *path, const yaml_event_t *e) {
	const struct option *option = option_find(path);
	if (option == NULL)
		read_section(p, section_find(path), e);
	else
		option_read(&p->reader, option, e, p->config);
}

/* The value of `key`; `path` is both its section's and, longer, its own. */
static void read_value(struct parse *p, const char *section, const yaml_event_t *key) {
	char path[LONGEST_PATH];
	struct text out = TEXT_IN(path);
	AUTOEVENT yaml_event_t e;
	text_printf(&out, "%s%s%s", section, *section != '\0' ? "." : "", yaml_text(key));
	bool known = yaml_is_usable(key) && strchr(yaml_text(key), '.') == NULL && !out.cut &&
		     (option_find(path) != NULL || section_find(path) != NULL);
	if (!known)
		complain_of_key(p, section, yaml_text(key), key->start_mark);
	const struct seen *before = known ? seen_find(p, path) : NULL;
	if (before != NULL)
		yaml_reader_complain(&p->reader, key->start_mark,
				     "%s is here twice; expected it once, the first is in line %zu",
				     path, before->key.line + 1);
	struct seen *seen = known && before == NULL ? seen_add(p, path, key->start_mark) : NULL;
	if (!yaml_reader_next(&p->reader, &e))
		return;
	if (seen == NULL) {
		yaml_reader_skip(&p->reader, &e);
		return;
	}
	seen->value = e.start_mark;
	read_known(p, path, &e);
}

static void read_keys(struct parse *p, const char *section) {
	for (;;) {
		AUTOEVENT yaml_event_t key;
		if (!yaml_reader_next(&p->reader, &key) || key.type == YAML_MAPPING_END_EVENT)
			return;
		if (key.type == YAML_SCALAR_EVENT) {
			read_value(p, section, &key);
			continue;
		}
		if (key.type != YAML_ALIAS_EVENT)
			yaml_reader_complain(&p->reader, key.start_mark,
					     "a key is %s; expected one word",
					     yaml_kind_name(&key));
		yaml_reader_skip(&p->reader, &key);
		AUTOEVENT yaml_event_t value;
		if (!yaml_reader_next(&p->reader, &value))
			return;
		yaml_reader_skip(&p->reader, &value);
	}
}

static bool is_word(const struct section *section, const yaml_event_t *e) {
	return section->word != NULL && yaml_is_usable(e) &&
	       strcmp(yaml_text(e), section->word) == 0;
}

static void complain_of_section(struct parse *p, const struct section *section,
				const yaml_event_t *e) {
	char known[300];
	struct text out = TEXT_IN(known);
	section_print_children(section->path, &out);
	yaml_reader_complain(&p->reader, e->start_mark, "%s is %s; expected %s%skeys below it: %s",
			     section->path, yaml_kind_name(e),
			     section->word != NULL ? section->word : "",
			     section->word != NULL ? ", or " : "", known);
}

/* A section without keys is one whose lines are all commented out. */
static void read_section(struct parse *p, const struct section *section,
			 const yaml_event_t *first) {
	if (first->type == YAML_MAPPING_START_EVENT) {
		read_keys(p, section->path);
	} else if (is_word(section, first)) {
		option_read(&p->reader, option_find(section->word_for), first, p->config);
	} else if (first->type != YAML_ALIAS_EVENT && !yaml_is_null(first)) {
		complain_of_section(p, section, first);
		yaml_reader_skip(&p->reader, first);
	}
}

static void complain_of_nothing(struct parse *p, yaml_mark_t mark) {
	yaml_reader_complain(&p->reader, mark,
			     "there is nothing in it; expected at least `app:` and below it "
			     "`  " COMMAND "`");
	p->reader.stopped = true;
}

static void read_root(struct parse *p, const yaml_event_t *first) {
	if (first->type == YAML_MAPPING_START_EVENT) {
		read_keys(p, "");
	} else if (yaml_is_null(first)) {
		complain_of_nothing(p, first->start_mark);
	} else {
		yaml_reader_complain(&p->reader, first->start_mark,
				     "is %s; expected sections, first of all `app:` and below it "
				     "`  " COMMAND "`",
				     yaml_kind_name(first));
		p->reader.stopped = true;
	}
}

static void read_documents(struct parse *p) {
	for (unsigned documents = 0;;) {
		AUTOEVENT yaml_event_t e;
		if (!yaml_reader_next(&p->reader, &e))
			return;
		if (e.type == YAML_STREAM_END_EVENT && documents == 0)
			complain_of_nothing(p, (yaml_mark_t){ 0 });
		if (e.type == YAML_STREAM_END_EVENT)
			return;
		if (e.type == YAML_DOCUMENT_START_EVENT && documents++ == 1) {
			yaml_reader_complain(&p->reader, e.start_mark,
					     "a second document begins; expected one, without a "
					     "further `---`");
			p->reader.stopped = true;
		}
		if (e.type == YAML_DOCUMENT_START_EVENT || e.type == YAML_STREAM_START_EVENT ||
		    e.type == YAML_DOCUMENT_END_EVENT)
			continue;
		read_root(p, &e);
	}
}

static void require_command(struct parse *p) {
	const struct seen *app = seen_find(p, "app");
	if (seen_find(p, "app.command") == NULL)
		yaml_reader_complain(&p->reader, app != NULL ? app->key : (yaml_mark_t){ 0 },
				     "app.command is missing; expected `  " COMMAND
				     "` or the like below `app:`");
}

static bool above(const struct size *a, const struct size *b) {
	return a->kind == b->kind && a->kind != SIZE_AUTO && a->amount > b->amount;
}

/* What can be said without the machine; limits_resolve() says the rest. */
static void compare_limits(struct parse *p) {
	const struct seen *soft = seen_find(p, "memory.soft"), *hard = seen_find(p, "memory.hard");
	char a[60], b[60];
	struct text soft_text = TEXT_IN(a), hard_text = TEXT_IN(b);
	if (soft == NULL || hard == NULL ||
	    !above(&p->config->memory.soft, &p->config->memory.hard))
		return;
	option_print(option_find("memory.soft"), p->config, &soft_text);
	option_print(option_find("memory.hard"), p->config, &hard_text);
	yaml_reader_complain(
		&p->reader, soft->value.line > hard->value.line ? soft->value : hard->value,
		"memory.soft (%s) is above memory.hard (%s); expected it at or below", a, b);
}

static int parse(struct parse *p, const char *text, size_t len, struct errors *errors) {
	if (yaml_reader_init(&p->reader, text, len, errors) != 0)
		return -1;
	read_documents(p);
	if (!p->reader.stopped) {
		require_command(p);
		compare_limits(p);
	}
	yaml_reader_finish(&p->reader);
	return errors->len > 0 ? -1 : 0;
}

int config_parse(const char *text, size_t len, struct config *config, struct errors *errors) {
	struct config fresh;
	*errors = (struct errors){ 0 };
	if (len > CONFIG_MAX_BYTES)
		return error_at(errors_next(errors), 1, 1,
				"has %zu bytes; expected a configuration, of at most %zu", len,
				CONFIG_MAX_BYTES);
	if (config_defaults(&fresh) != 0)
		return error_at(errors_next(errors), 0, 0, "out of memory");
	struct parse p = { .config = &fresh };
	if (parse(&p, text, len, errors) != 0) {
		config_finish(&fresh);
		return -1;
	}
	*config = fresh;
	return 0;
}
