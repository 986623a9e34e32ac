#include "core/yaml_reader.h"

#include <string.h>
#include <strings.h>

#include "util/text.h"
#include "util/utf8.h"

/* Our own tree has four; the rest is read over, but not for ever. */
enum { DEEPEST = 16 };

/* What libyaml says, and what a person can do about it. */
static const struct hint {
	const char *problem, *advice;
} hints[] = {
	{ "mapping values are not allowed", "a value that holds `: ` needs quotes, and the keys of "
					    "one section begin in the same column" },
	{ "did not find expected key", "expected `key: value`, in the same column as the keys "
				       "above it" },
	{ "did not find expected '-'", "expected `- entry`, in the same column as the entries "
				       "above it" },
	{ "cannot start any token", "a value that begins with this character needs quotes" },
	{ "could not find expected ':'", "expected `key: value`" },
	{ "unexpected end of stream", "a quote that is opened here is never closed" },
	{ "expected ',' or ']'", "a list that is opened with [ needs its ]" },
	{ "expected ',' or '}'", "a mapping that is opened with { needs its }" },
	{ "block sequence entries", "a list begins on the line below its key" },
	{ "expected <document start>", "expected nothing but keys in the first column" },
	{ "unknown escape", "in \"double quotes\" a backslash is written twice; or use 'single' "
			    "ones" },
	{ "did not find expected alphabetic", "a value that begins with & or * needs quotes" },
};

int yaml_reader_init(struct yaml_reader *r, const char *text, size_t len, struct errors *errors) {
	*r = (struct yaml_reader){ .text = text, .len = len, .errors = errors };
	if (yaml_parser_initialize(&r->yaml) == 0) {
		error_at(errors_next(errors), 0, 0, "out of memory");
		return -1;
	}
	yaml_parser_set_encoding(&r->yaml, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r->yaml, (const unsigned char *)text, len);
	return 0;
}

void yaml_reader_finish(struct yaml_reader *r) {
	yaml_parser_delete(&r->yaml);
}

void yaml_reader_complain(struct yaml_reader *r, yaml_mark_t mark, const char *fmt, ...) {
	char raw[sizeof((struct error *)0)->text], text[sizeof raw];
	struct text safe = TEXT_IN(text);
	va_list args;
	va_start(args, fmt);
	vsnprintf(raw, sizeof raw, fmt, args);
	va_end(args);
	utf8_print(raw, sizeof raw, &safe); /* it quotes keys and values, and goes to a terminal */
	error_at(errors_next(r->errors), mark.line + 1, mark.column + 1, "%s", text);
	r->stopped = r->stopped || r->errors->more;
}

/* The reader knows a byte's offset only. */
static yaml_mark_t mark_of(const struct yaml_reader *r, size_t offset) {
	yaml_mark_t mark = { 0 };
	for (size_t i = 0; i < offset && i < r->len; i++) {
		bool continues = ((unsigned char)r->text[i] & 0xc0) == 0x80;
		mark.column = r->text[i] == '\n' ? 0 : mark.column + (continues ? 0 : 1);
		mark.line += r->text[i] == '\n' ? 1 : 0;
	}
	return mark;
}

/* libyaml points at the byte behind a character that was cut off. */
static size_t first_broken(const struct yaml_reader *r) {
	uint32_t c;
	size_t at = 0, length;
	while (at < r->len && (length = utf8_next(r->text + at, r->len - at, &c)) > 0)
		at += length;
	return at;
}

static void complain_of_bytes(struct yaml_reader *r) {
	if (strstr(r->yaml.problem, "control character") != NULL) {
		yaml_reader_complain(r, mark_of(r, r->yaml.problem_offset),
				     "has a control character (U+%04X); expected text, and in it "
				     "an escape in \"double quotes\"",
				     (unsigned)r->yaml.problem_value);
		return;
	}
	size_t at = first_broken(r);
	yaml_reader_complain(r, mark_of(r, at),
			     "is not UTF-8 (byte 0x%02x); expected text in UTF-8",
			     at < r->len ? (unsigned char)r->text[at] : 0);
}

/* Is there a tab in front of everything else in this line? */
static bool indented_by_tab(const struct yaml_reader *r, size_t line) {
	const char *at = r->text, *end = r->text + r->len;
	for (; line > 0 && at != NULL && at < end; line--) {
		at = memchr(at, '\n', (size_t)(end - at));
		at = at != NULL ? at + 1 : NULL;
	}
	while (at != NULL && at < end && *at == ' ')
		at++;
	return at != NULL && at < end && *at == '\t';
}

static void complain_of_syntax(struct yaml_reader *r) {
	const char *problem = r->yaml.problem != NULL ? r->yaml.problem : "can't be read";
	bool quote = strstr(problem, "unexpected end of stream") != NULL;
	yaml_mark_t mark = quote ? r->yaml.context_mark : r->yaml.problem_mark;
	if (indented_by_tab(r, mark.line)) {
		yaml_reader_complain(r, mark, "a tab; expected blanks, YAML is indented with them");
		return;
	}
	const char *advice = NULL;
	for (size_t i = 0; advice == NULL && i < ARRAY_LEN(hints); i++) {
		if (strstr(problem, hints[i].problem) != NULL)
			advice = hints[i].advice;
	}
	yaml_reader_complain(r, mark, "not YAML: %s%s%s", problem, advice != NULL ? "; " : "",
			     advice != NULL ? advice : "");
}

static void complain_of_failure(struct yaml_reader *r) {
	switch (r->yaml.error) {
	case YAML_READER_ERROR: complain_of_bytes(r); break;
	case YAML_SCANNER_ERROR:
	case YAML_PARSER_ERROR: complain_of_syntax(r); break;
	case YAML_NO_ERROR:
	case YAML_MEMORY_ERROR:
	case YAML_COMPOSER_ERROR:
	case YAML_WRITER_ERROR:
	case YAML_EMITTER_ERROR:
	default: yaml_reader_complain(r, r->yaml.mark, "out of memory"); break;
	}
}

/* Of two values one would have to be looked for elsewhere, or to grow without end. */
static void refuse_extras(struct yaml_reader *r, const yaml_event_t *e) {
	const unsigned char *tag = NULL;
	if (e->type == YAML_ALIAS_EVENT)
		yaml_reader_complain(r, e->start_mark,
				     "`*%.40s` is an alias; expected the value itself, written "
				     "again",
				     (const char *)e->data.alias.anchor);
	if (e->type == YAML_SCALAR_EVENT)
		tag = e->data.scalar.tag;
	if (e->type == YAML_SEQUENCE_START_EVENT)
		tag = e->data.sequence_start.tag;
	if (e->type == YAML_MAPPING_START_EVENT)
		tag = e->data.mapping_start.tag;
	if (tag != NULL)
		yaml_reader_complain(r, e->start_mark,
				     "is tagged (`%.40s`), which means nothing here; expected the "
				     "value alone",
				     (const char *)tag);
	if (e->type == YAML_SCALAR_EVENT && !yaml_is_usable(e))
		yaml_reader_complain(r, e->start_mark, "holds a NUL; expected text without");
}

static int depth_change(yaml_event_type_t type) {
	if (type == YAML_SEQUENCE_START_EVENT || type == YAML_MAPPING_START_EVENT)
		return 1;
	return type == YAML_SEQUENCE_END_EVENT || type == YAML_MAPPING_END_EVENT ? -1 : 0;
}

static bool stop(struct yaml_reader *r) {
	r->stopped = true;
	return false;
}

bool yaml_reader_next(struct yaml_reader *r, yaml_event_t *event) {
	memset(event, 0, sizeof *event);
	if (r->stopped)
		return false;
	if (yaml_parser_parse(&r->yaml, event) == 0) {
		complain_of_failure(r);
		return stop(r);
	}
	refuse_extras(r, event);
	r->depth += (unsigned)depth_change(event->type);
	if (r->depth > DEEPEST) {
		yaml_reader_complain(r, event->start_mark,
				     "is nested too deeply; expected sections, keys and values");
		yaml_event_delete(event);
		return stop(r);
	}
	return true;
}

void yaml_reader_skip(struct yaml_reader *r, const yaml_event_t *first) {
	for (int open = depth_change(first->type); open > 0;) {
		AUTOEVENT yaml_event_t event;
		if (!yaml_reader_next(r, &event))
			return;
		open += depth_change(event.type);
	}
}

bool yaml_is_null(const yaml_event_t *e) {
	if (e->type != YAML_SCALAR_EVENT || e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	const char *text = yaml_text(e);
	return *text == '\0' || strcmp(text, "~") == 0 || strcasecmp(text, "null") == 0;
}

bool yaml_is_usable(const yaml_event_t *e) {
	return e->type == YAML_SCALAR_EVENT && strlen(yaml_text(e)) == e->data.scalar.length;
}

const char *yaml_kind_name(const yaml_event_t *e) {
	if (e->type == YAML_SEQUENCE_START_EVENT)
		return "a list";
	return e->type == YAML_MAPPING_START_EVENT ? "a mapping" : "a value";
}
