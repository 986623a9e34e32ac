#include "core/mold_words.h"

#include <jansson.h>

#include "core/json_read.h"

void mold_words_fork(unsigned slot, unsigned requests, struct text *out) {
	text_printf(out, "{\"fork\":{\"slot\":%u,\"requests\":%u}}", slot, requests);
}

void mold_words_live(struct text *out) {
	text_puts(out, "{\"live\":true}");
}

void mold_words_promote(unsigned generation, struct text *out) {
	text_printf(out, "{\"promote\":{\"generation\":%u}}", generation);
}

enum mold_word mold_words_read(const char *message, size_t len, struct text *text) {
	enum mold_word word = MOLD_WORD_OTHER;
	json_t *object = json_loadb(message, len, JSON_REJECT_DUPLICATES, NULL);
	const char *more = NULL;
	if (json_is_object(json_object_get(object, "loaded"))) {
		word = MOLD_WORD_LOADED;
		more = json_read_string(json_object_get(object, "loaded"), "puma");
	} else if (json_read_true(object, "born")) {
		word = MOLD_WORD_BORN;
	} else if (json_read_true(object, "serving")) {
		word = MOLD_WORD_SERVING;
	} else if (json_read_true(object, "warm")) {
		word = MOLD_WORD_WARM;
	} else if (json_read_string(object, "failed") != NULL) {
		word = MOLD_WORD_FAILED;
		more = json_read_string(object, "failed");
	}
	if (more != NULL)
		text_puts(text, more);
	json_decref(object);
	return word;
}
