/* An event back from its JSON, as event_print_json() has written it. See event.h. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/event.h"
#include "core/json_read.h"

static bool find_id(const char *name, enum event_id *id) {
	for (unsigned i = 0; name != NULL && i < EVENT_COUNT; i++) {
		if (strcmp(event_rows[i].name, name) == 0) {
			*id = (enum event_id)i;
			return true;
		}
	}
	return false;
}

static bool read_time(const char *text, int64_t *wall_msec) {
	struct tm tm = { 0 };
	int msec = 0;
	if (text == NULL || sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ", &tm.tm_year, &tm.tm_mon,
				   &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &msec) != 7)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	*wall_msec = (int64_t)timegm(&tm) * 1000 + msec;
	return true;
}

/* What it is measured in is told by its name there. */
static void read_field(const json_t *object, const char key[EVENT_KEY_MAX], struct event *e) {
	char name[EVENT_KEY_MAX + 8];
	int64_t n;
	const char *text = json_read_string(object, key);
	if (text != NULL) {
		event_text(e, key, "%s", text);
		return;
	}
	if (json_read_number(object, key, &n)) {
		event_number(e, key, n);
		return;
	}
	snprintf(name, sizeof name, "%s_bytes", key);
	if (json_read_number(object, name, &n)) {
		event_bytes(e, key, (uint64_t)n);
		return;
	}
	snprintf(name, sizeof name, "%s_ms", key);
	if (json_read_number(object, name, &n))
		event_time(e, key, n);
}

static bool read_object(const json_t *object, struct event *e) {
	enum event_id id;
	int64_t seq, wall_msec;
	if (!find_id(json_read_string(object, "event"), &id) ||
	    !json_read_number(object, "seq", &seq) || seq <= 0 ||
	    !read_time(json_read_string(object, "time"), &wall_msec))
		return false;
	*e = event_make(id);
	e->seq = (uint64_t)seq;
	e->wall_msec = wall_msec;
	char key[EVENT_KEY_MAX];
	for (const char *at = event_rows[id].fields; *at != '\0';) {
		size_t n = strcspn(at, " ");
		snprintf(key, sizeof key, "%.*s", (int)n, at);
		if (e->len < ARRAY_LEN(e->fields))
			read_field(object, key, e);
		at += n + (at[n] == ' ');
	}
	return true;
}

bool event_read_json(const char *line, size_t len, struct event *e) {
	json_t *object = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	bool is_one = object != NULL && read_object(object, e);
	json_decref(object);
	return is_one;
}
