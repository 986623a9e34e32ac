/* Any bytes: no crash, an error for every refusal, and what is printed reads back as the same. */
#include <stdlib.h>
#include <string.h>

#include "core/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void insist(bool truth) {
	if (!truth)
		abort();
}

static void check_refusal(const struct errors *errors) {
	insist(errors->len > 0);
	for (size_t i = 0; i < errors->len; i++)
		insist(errors->list[i].line > 0 && errors->list[i].column > 0 &&
		       errors->list[i].text[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static char printed[1024 * 1024];
	struct config config = { 0 }, again = { 0 };
	struct errors errors;
	if (config_parse((const char *)data, size, &config, &errors) != 0) {
		check_refusal(&errors);
		return 0;
	}
	struct text out = TEXT_IN(printed);
	config_print(&config, &out);
	if (!out.cut) {
		insist(config_parse(printed, out.len, &again, &errors) == 0);
		insist(config_diff(&config, &again, NULL, NULL) == 0);
	}
	config_finish(&again);
	config_finish(&config);
	return 0;
}
