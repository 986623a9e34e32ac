#include "core/config.h"

#include <string.h>

#include "core/option_value.h"

static int set_default(const struct option *option, struct config *config) {
	struct error unused;
	if (option->fallback == NULL)
		return 0;
	if (option_is_list(option))
		return option_add(option, config, NULL, option->fallback, &unused);
	return option_set(option, config, option->fallback, &unused);
}

int config_defaults(struct config *config) {
	struct config fresh = { 0 };
	for (size_t i = 0; i < options_len; i++) {
		if (set_default(&options[i], &fresh) != 0) {
			config_finish(&fresh);
			return -1;
		}
	}
	*config = fresh;
	return 0;
}

void config_finish(struct config *config) {
	for (size_t i = 0; i < options_len; i++)
		option_clear(&options[i], config);
	*config = (struct config){ 0 };
}

unsigned config_diff(const struct config *from, const struct config *to,
		     void (*each)(const struct option *option, void *context), void *context) {
	unsigned fixed = 0;
	for (size_t i = 0; i < options_len; i++) {
		if (option_equal(&options[i], from, to))
			continue;
		fixed += options[i].live ? 0 : 1;
		if (each != NULL)
			each(&options[i], context);
	}
	return fixed;
}
