#include "core/json_write.h"

#include <string.h>

#include "util/text.h"
#include "util/utf8.h"

void json_put(json_t *object, const char *key, json_t *value) {
	json_object_set_new(object, key, value != NULL ? value : json_null());
}

json_t *json_count(uint64_t n) {
	return json_integer((json_int_t)n);
}

json_t *json_known(bool is_known, uint64_t n) {
	return is_known ? json_count(n) : json_null();
}

/* A path is bytes, and a reason may have been cut within a character; JSON has characters only. */
static json_t *repaired(const char *text) {
	char buffer[1024];
	struct text out = TEXT_IN(buffer);
	for (size_t n = strlen(text), length; n > 0 && out.len + 4 < sizeof buffer; n -= length) {
		uint32_t codepoint;
		length = utf8_next(text, n, &codepoint);
		if (length > 0)
			text_put(&out, text, length);
		else
			text_puts(&out, UTF8_REPLACEMENT);
		length = length > 0 ? length : 1;
		text += length;
	}
	return json_string(buffer);
}

json_t *json_text(const char *text) {
	json_t *value = json_string(text);
	return value != NULL ? value : repaired(text);
}

json_t *json_text_or_null(const char *text) {
	return text != NULL && *text != '\0' ? json_text(text) : json_null();
}
