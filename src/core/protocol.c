#include "core/protocol.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "util/utf8.h"

static void json_free(json_t **value) {
	json_decref(*value);
}
#define AUTOJSON CLEANUP(json_free)

/* Of what somebody typed, enough to recognise it. */
#define QUOTE "`%.40s`"

static int refuse_version(const json_t *version, struct error *err) {
	if (!json_is_integer(version))
		return error_at(err, 0, 0, "a request says its version: \"v\":%d",
				PROTOCOL_VERSION);
	if (json_integer_value(version) == PROTOCOL_VERSION)
		return 0;
	return error_at(err, 0, 0,
			"this daemon speaks version %d of the protocol, not %" JSON_INTEGER_FORMAT,
			PROTOCOL_VERSION, json_integer_value(version));
}

static int parse_verb(const json_t *verb, struct request *r, struct error *err) {
	if (!json_is_string(verb))
		return error_at(err, 0, 0, "a request names its verb, a string");
	const char *name = json_string_value(verb);
	r->verb = verb_find(name);
	if (r->verb != VERB_COUNT)
		return 0;
	enum verb near = verb_nearest(name);
	if (near == VERB_COUNT)
		return error_at(err, 0, 0, "unknown verb " QUOTE, name);
	return error_at(err, 0, 0, "unknown verb " QUOTE ": did you mean `%s`?", name,
			verb_rows[near].name);
}

/* Kept in ascending order; a slot named twice is one slot. */
static void insert_slot(struct request *r, unsigned slot) {
	unsigned at = 0;
	while (at < r->n_slots && r->slots[at] < slot)
		at++;
	if (at < r->n_slots && r->slots[at] == slot)
		return;
	memmove(&r->slots[at + 1], &r->slots[at], (r->n_slots - at) * sizeof r->slots[0]);
	r->slots[at] = slot;
	r->n_slots++;
}

static int parse_slots(const json_t *slots, struct request *r, struct error *err) {
	if (!json_is_array(slots))
		return error_at(err, 0, 0, "`slots` is a list of numbers");
	if (json_array_size(slots) > REQUEST_SLOTS)
		return error_at(err, 0, 0, "at most %d slots in one request", REQUEST_SLOTS);
	for (size_t i = 0; i < json_array_size(slots); i++) {
		const json_t *slot = json_array_get(slots, i);
		json_int_t n = json_integer_value(slot);
		if (!json_is_integer(slot) || n < 0 || n > REQUEST_SLOT_MAX)
			return error_at(err, 0, 0, "a slot is a number from 0 to %d",
					REQUEST_SLOT_MAX);
		insert_slot(r, (unsigned)n);
	}
	return 0;
}

static int parse_number(const struct verb_option *o, const json_t *value, void *field,
			struct error *err) {
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return error_at(err, 0, 0, "`%s` is a number, 0 or more", o->name);
	*(uint64_t *)field = (uint64_t)json_integer_value(value);
	return 0;
}

static int parse_option(const char *name, const json_t *value, struct request *r,
			struct error *err) {
	const struct verb_option *o = verb_option_find(r->verb, name);
	if (o == NULL || !o->sent)
		return error_at(err, 0, 0, "`%s` takes no " QUOTE, verb_rows[r->verb].name, name);
	void *field = (char *)r + o->offset;
	if (o->argument != NULL)
		return parse_number(o, value, field, err);
	if (!json_is_boolean(value))
		return error_at(err, 0, 0, "`%s` is true or false", name);
	*(bool *)field = json_is_true(value);
	return 0;
}

static int parse_member(const char *name, const json_t *value, struct request *r,
			struct error *err) {
	if (strcmp(name, "v") == 0 || strcmp(name, "verb") == 0)
		return 0;
	if (strcmp(name, "slots") == 0)
		return parse_slots(value, r, err);
	return parse_option(name, value, r, err);
}

static int check_slots(const struct request *r, struct error *err) {
	const struct verb_row *row = &verb_rows[r->verb];
	switch (row->slots) {
	case SLOTS_NONE:
		if (r->n_slots > 0)
			return error_at(err, 0, 0, "`%s` takes no slots", row->name);
		break;
	case SLOTS_ONE:
		if (r->n_slots != 1)
			return error_at(err, 0, 0, "`%s` takes one slot", row->name);
		break;
	case SLOTS_SOME:
		if ((r->n_slots > 0) == r->all)
			return error_at(err, 0, 0, "`%s` takes either slots or all", row->name);
		break;
	}
	return 0;
}

/* jansson's message quotes where it stopped. */
static int refuse_json(const json_error_t *error, struct error *err) {
	return error_at(err, 0, 0, "not a line of JSON: %.100s", error->text);
}

int protocol_parse(const char *line, size_t len, struct request *request, struct error *err) {
	json_error_t error;
	struct request r = { 0 };
	AUTOJSON json_t *root = NULL;

	if (len >= PROTOCOL_REQUEST_MAX)
		return error_at(err, 0, 0, "longer than %d bytes", PROTOCOL_REQUEST_MAX);
	/* NUL, invalid UTF-8 and nesting beyond JSON_PARSER_MAX_DEPTH are errors of jansson's. */
	root = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
	if (root == NULL)
		return refuse_json(&error, err);
	if (!json_is_object(root))
		return error_at(err, 0, 0, "a request is a JSON object");
	if (refuse_version(json_object_get(root, "v"), err) != 0 ||
	    parse_verb(json_object_get(root, "verb"), &r, err) != 0)
		return -1;

	const char *name;
	json_t *value;
	json_object_foreach(root, name, value) {
		if (parse_member(name, value, &r, err) != 0)
			return -1;
	}
	if (check_slots(&r, err) != 0)
		return -1;
	*request = r;
	return 0;
}

static int append(const char *bytes, size_t n, void *out) {
	text_put(out, bytes, n);
	return 0;
}

void protocol_print(struct text *out, const json_t *value) {
	json_dump_callback(value, append, out, JSON_COMPACT | JSON_ENSURE_ASCII);
}

static void print_options(const struct request *r, struct text *out) {
	const struct verb_option *options = verb_rows[r->verb].options;
	for (size_t i = 0; i < VERB_OPTIONS && options[i].name != NULL; i++) {
		const struct verb_option *o = &options[i];
		const void *field = (const char *)r + o->offset;
		if (!o->sent)
			continue;
		if (o->argument != NULL && *(const uint64_t *)field > 0)
			text_printf(out, ",\"%s\":%" PRIu64, o->name, *(const uint64_t *)field);
		if (o->argument == NULL && *(const bool *)field)
			text_printf(out, ",\"%s\":true", o->name);
	}
}

void protocol_print_request(const struct request *r, struct text *out) {
	text_printf(out, "{\"v\":%d,\"verb\":\"%s\"", PROTOCOL_VERSION, verb_rows[r->verb].name);
	for (unsigned i = 0; i < r->n_slots; i++)
		text_printf(out, "%s%u", i == 0 ? ",\"slots\":[" : ",", r->slots[i]);
	if (r->n_slots > 0)
		text_puts(out, "]");
	print_options(r, out);
	text_puts(out, "}");
}

/* Six bytes for each (\u001b) must still fit in a line. */
#define MESSAGE_MAX 640

/* Of any bytes: UTF-8 that was cut in the middle, or never was. */
static json_t *any_string(const char *bytes) {
	char whole[sizeof UTF8_REPLACEMENT * MESSAGE_MAX];
	struct text out = TEXT_IN(whole);
	for (size_t left = strnlen(bytes, MESSAGE_MAX); left > 0;) {
		uint32_t codepoint;
		size_t n = utf8_next(bytes, left, &codepoint);
		if (n > 0)
			text_put(&out, bytes, n);
		else
			text_puts(&out, UTF8_REPLACEMENT);
		n = n > 0 ? n : 1;
		bytes += n;
		left -= n;
	}
	return json_string(whole);
}

PRINTF(1, 0) static json_t *format(const char *fmt, va_list args) {
	char message[MESSAGE_MAX];
	vsnprintf(message, sizeof message, fmt, args);
	return any_string(message);
}

void protocol_refuse(struct text *out, enum protocol_code code, const char *fmt, ...) {
	va_list args;
	va_start(args, fmt);
	AUTOJSON json_t *line = json_pack("{s:i, s:b, s:b, s:o, s:i}", "v", PROTOCOL_VERSION, "ok",
					  0, "done", 1, "error", format(fmt, args), "code",
					  (int)code);
	va_end(args);
	protocol_print(out, line);
}

void protocol_progress(struct text *out, const char *fmt, ...) {
	va_list args;
	va_start(args, fmt);
	AUTOJSON json_t *line =
		json_pack("{s:i, s:o}", "v", PROTOCOL_VERSION, "progress", format(fmt, args));
	va_end(args);
	protocol_print(out, line);
}

void protocol_done(struct text *out, const char *message) {
	AUTOJSON json_t *line =
		json_pack("{s:i, s:b, s:b}", "v", PROTOCOL_VERSION, "ok", 1, "done", 1);
	if (message != NULL)
		json_object_set_new(line, "message", any_string(message));
	protocol_print(out, line);
}
