/*
 * An answer from something that calls itself a daemon, shown in terminals of several widths:
 * nothing but text ever gets there. Corpus: tests/fixtures/answer.
 */
#include <string.h>

#include "core/event_line.h"
#include "core/explain_table.h"
#include "core/status_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char page[1 << 17];

/* Only newlines, and what paint_safe() lets through unchanged. */
static void check_safe(const struct style *style) {
	static char again[sizeof page];
	for (char *line = page; *line != '\0';) {
		char *end = line + strcspn(line, "\n");
		bool more = *end == '\n';
		*end = '\0';
		struct text out = TEXT_IN(again);
		paint_safe(&out, style, line);
		assert(strcmp(line, again) == 0);
		line = end + more;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static const unsigned widths[] = { 0, 1, 40, 80, 200 };
	json_t *answer = json_loadb((const char *)data, size, 0, NULL);
	if (answer == NULL)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(widths); i++) {
		const struct style style = { widths[i], false, i % 2 == 0 };
		struct text out = TEXT_IN(page);
		status_table_print(answer, &style, &out);
		check_safe(&style);
		out = TEXT_IN(page);
		explain_table_print(answer, &style, &out);
		check_safe(&style);
		out = TEXT_IN(page);
		event_line_print(answer, &style, &out);
		check_safe(&style);
	}
	json_decref(answer);
	return 0;
}
