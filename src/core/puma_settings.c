#include "core/puma_settings.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum field_type { FIELD_TEXT, FIELD_OPTIONAL, FIELD_LIST, FIELD_COUNT, FIELD_FLAG, FIELD_SOURCE };

/* One line of inspect.rb's JSON, and where it goes. */
struct field {
	const char *name, *inside; /* `inside`: the object that holds it, or NULL */
	enum field_type type;
	size_t offset;
};

#define AT(member) offsetof(struct puma_settings, member)

static const struct field fields[] = {
	{ "pid", NULL, FIELD_COUNT, AT(pid) },
	{ "puma_version", NULL, FIELD_TEXT, AT(puma_version) },
	{ "ruby_version", NULL, FIELD_TEXT, AT(ruby_version) },
	{ "directory", NULL, FIELD_TEXT, AT(directory) },
	{ "environment", NULL, FIELD_TEXT, AT(environment) },
	{ "rackup", NULL, FIELD_OPTIONAL, AT(rackup) },
	{ "config_files", NULL, FIELD_LIST, AT(config_files) },
	{ "binds", NULL, FIELD_LIST, AT(binds) },
	{ "binds_from", NULL, FIELD_SOURCE, AT(binds_from) },
	{ "workers", NULL, FIELD_COUNT, AT(workers) },
	{ "workers_from", NULL, FIELD_SOURCE, AT(workers_from) },
	{ "min", "threads", FIELD_COUNT, AT(threads_min) },
	{ "max", "threads", FIELD_COUNT, AT(threads_max) },
	{ "preload_app", NULL, FIELD_FLAG, AT(preload_app) },
	{ "preload_from", NULL, FIELD_SOURCE, AT(preload_from) },
	{ "drain_on_shutdown", NULL, FIELD_FLAG, AT(drain_on_shutdown) },
	{ "rack_handler", NULL, FIELD_FLAG, AT(rack_handler) },
	{ "pidfile", NULL, FIELD_OPTIONAL, AT(pidfile) },
	{ "state_path", NULL, FIELD_OPTIONAL, AT(state_path) },
	{ "control_url", NULL, FIELD_OPTIONAL, AT(control_url) },
	{ "plugins", NULL, FIELD_LIST, AT(plugins) },
	{ "hooks", NULL, FIELD_LIST, AT(hooks) },
};

static const char *const sources[] = {
	[FROM_DEFAULT] = "default",
	[FROM_ENVIRONMENT] = "environment",
	[FROM_CONFIG_FILE] = "config file",
	[FROM_COMMAND_LINE] = "command line",
};

static bool read_text(const json_t *value, bool optional, char **out) {
	if (optional && (value == NULL || json_is_null(value)))
		return true;
	const char *text = json_string_value(value);
	return text != NULL && (*out = strdup(text)) != NULL;
}

static bool read_list(const json_t *value, struct strings *out) {
	size_t i;
	json_t *item;
	json_array_foreach(value, i, item) {
		if (!json_is_string(item) || strings_add(out, json_string_value(item)) != 0)
			return false;
	}
	return json_is_array(value);
}

static bool read_count(const json_t *value, unsigned *out) {
	json_int_t n = json_integer_value(value);
	if (!json_is_integer(value) || n < 0 || n > INT_MAX)
		return false;
	*out = (unsigned)n;
	return true;
}

static bool read_source(const json_t *value, enum settings_source *out) {
	const char *text = json_string_value(value);
	for (size_t i = 0; text != NULL && i < ARRAY_LEN(sources); i++) {
		if (strcmp(sources[i], text) == 0) {
			*out = (enum settings_source)i;
			return true;
		}
	}
	return false;
}

static bool read_field(const json_t *root, const struct field *f, struct puma_settings *s) {
	const json_t *holder = f->inside != NULL ? json_object_get(root, f->inside) : root;
	const json_t *value = json_object_get(holder, f->name);
	void *member = (char *)s + f->offset;
	switch (f->type) {
	case FIELD_TEXT: return read_text(value, false, member);
	case FIELD_OPTIONAL: return read_text(value, true, member);
	case FIELD_LIST: return read_list(value, member);
	case FIELD_COUNT: return read_count(value, member);
	case FIELD_SOURCE: return read_source(value, member);
	case FIELD_FLAG: *(bool *)member = json_is_true(value); return json_is_boolean(value);
	}
	return false;
}

int puma_settings_parse(const char *json, struct puma_settings *settings, struct error *err) {
	json_error_t bad;
	struct puma_settings s = { 0 };
	json_t *root = json_loads(json, 0, &bad);
	if (root == NULL)
		return error_at(err, 0, 0, "Puma's settings can't be read: %s", bad.text);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		if (read_field(root, &fields[i], &s))
			continue;
		json_decref(root);
		puma_settings_finish(&s);
		return error_at(err, 0, 0, "Puma's settings can't be read: bad or missing `%s`",
				fields[i].name);
	}
	const json_t *timeout = json_object_get(root, "worker_shutdown_timeout");
	if (!read_count(timeout, &s.worker_shutdown_timeout))
		s.worker_shutdown_timeout = 0;
	s.fork_worker = json_is_true(json_object_get(root, "fork_worker"));
	json_decref(root);
	*settings = s;
	return 0;
}

void puma_settings_finish(struct puma_settings *s) {
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		void *member = (char *)s + fields[i].offset;
		if (fields[i].type == FIELD_TEXT || fields[i].type == FIELD_OPTIONAL)
			free(*(char **)member);
		else if (fields[i].type == FIELD_LIST)
			strings_finish(member);
	}
	*s = (struct puma_settings){ 0 };
}

bool puma_settings_preloads(const struct puma_settings *s) {
	return s->preload_app && s->workers > 0; /* single mode ignores it */
}

const char *settings_source_name(const struct puma_settings *s, enum settings_source from) {
	switch (from) {
	case FROM_DEFAULT: return "Puma's default";
	case FROM_ENVIRONMENT: return "WEB_CONCURRENCY";
	case FROM_COMMAND_LINE: return "the command line";
	case FROM_CONFIG_FILE:
		return s->config_files.len > 0 ? s->config_files.items[s->config_files.len - 1]
					       : "Puma's configuration";
	}
	return "?";
}
