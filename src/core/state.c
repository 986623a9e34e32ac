/* A state is read: is it one, is it of this boot, and what of it is whole. See state_parts.h. */
#include "core/state.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "core/state_parts.h"

static enum state_verdict broken(struct text *said, const char *why) {
	text_puts(said, why);
	return STATE_BROKEN;
}

/* Whose number isn't known is told by the rest. */
bool state_is_same_boot(const char *one, const char *other) {
	size_t n = strcspn(one, ".");
	if (strcspn(other, ".") != n || memcmp(one, other, n) != 0)
		return false;
	return one[n] == '\0' || other[n] == '\0' || strcmp(one + n, other + n) == 0;
}

static void fill_all(struct state_reader *r, const json_t *root, struct state *s) {
	struct herd *herd = s->herd;
	memset(s, 0, sizeof *s);
	s->herd = herd;
	state_fill(r, &state_table, root, s);
	/* Whoever was asked has no answer for somebody else. */
	for (size_t i = 0; i < HERD_WORKERS_MAX; i++)
		herd->workers[i].proof_asked = herd->workers[i].proof_known;
	state_mend(r, s);
}

static enum state_verdict read_root(const json_t *root, const char *boot_id, struct state *s,
				    struct state_reader *r) {
	int64_t version = json_integer_value(json_object_get(root, "version"));
	const char *boot = json_string_value(json_object_get(root, "boot_id"));
	if (version < 1 || boot == NULL || !json_is_object(json_object_get(root, "herd")))
		return broken(r->said, "it is no state of a herd");
	if (boot_id != NULL && !state_is_same_boot(boot, boot_id)) {
		text_puts(r->said, "the machine or the container has booted since");
		return STATE_OTHER_BOOT;
	}
	if (version > STATE_VERSION)
		state_complain(r, "it is of version %" PRId64 ", and %d is known here", version,
			       STATE_VERSION);
	fill_all(r, root, s);
	if (r->unsaid_n > 0)
		text_printf(r->said, "; and %u more", r->unsaid_n);
	return r->said_n > 0 ? STATE_PARTIAL : STATE_WHOLE;
}

enum state_verdict state_read(const char *json, size_t len, const char *boot_id, struct state *s,
			      struct strings *texts, struct text *said) {
	struct state_reader reader = { .texts = texts, .said = said };
	json_error_t error;
	if (len > STATE_BYTES_MAX)
		return broken(said, "it is too long");
	json_t *root = json_loadb(json, len, 0, &error);
	if (root == NULL)
		return broken(said, error.text);
	enum state_verdict verdict = read_root(root, boot_id, s, &reader);
	json_decref(root);
	return verdict;
}
