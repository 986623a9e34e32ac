#include "core/mold_words.h"

#include <string.h>

#include "suite.h"

START_TEST(what_is_asked_is_what_ruby_reads)
{
	char buffer[64];
	struct text out = TEXT_IN(buffer);
	mold_words_fork(7, 500, &out);
	ck_assert_str_eq(buffer, "{\"fork\":{\"slot\":7,\"requests\":500}}");
	out = TEXT_IN(buffer);
	mold_words_promote(3, &out);
	ck_assert_str_eq(buffer, "{\"promote\":{\"generation\":3}}");
}
END_TEST

static const struct {
	const char *message;
	enum mold_word word;
	const char *text;
} said[] = {
	{ "{\"loaded\":{\"puma\":\"5.6.5\",\"ruby\":\"3.1.2\"}}", MOLD_WORD_LOADED, "5.6.5" },
	{ "{\"loaded\":{}}", MOLD_WORD_LOADED, "" },
	{ "{\"born\":true}", MOLD_WORD_BORN, "" },
	{ "{\"serving\":true}", MOLD_WORD_SERVING, "" },
	{ "{\"failed\":\"the hook on_worker_boot: no pool\"}", MOLD_WORD_FAILED,
	  "the hook on_worker_boot: no pool" },
	{ "{\"warm\":true}", MOLD_WORD_WARM, "" },
	{ "{\"failed\":3}", MOLD_WORD_OTHER, "" },
	{ "{\"born\":false}", MOLD_WORD_OTHER, "" },
	{ "{\"loaded\":true}", MOLD_WORD_OTHER, "" },
	{ "[\"born\"]", MOLD_WORD_OTHER, "" },
	{ "{\"born\":true", MOLD_WORD_OTHER, "" },
	{ "\xff\xfe", MOLD_WORD_OTHER, "" },
	{ "", MOLD_WORD_OTHER, "" },
};

START_TEST(each_word_is_known_and_nothing_else)
{
	for (size_t i = 0; i < ARRAY_LEN(said); i++) {
		char buffer[200] = "";
		struct text text = TEXT_IN(buffer);
		enum mold_word word =
			mold_words_read(said[i].message, strlen(said[i].message), &text);
		ck_assert_msg(word == said[i].word, "%s", said[i].message);
		ck_assert_str_eq(buffer, said[i].text);
	}
}
END_TEST

SUITE("mold_words", what_is_asked_is_what_ruby_reads, each_word_is_known_and_nothing_else)
