#include <inttypes.h>
#include <string.h>

#include "core/option_value.h"
#include "core/scalar.h"

/* How it is said that a number is none: mostly `auto` for counts, `off` for times. */
static void print_count(const struct option *option, unsigned count, struct text *out) {
	if (count == 0 && option->min == 0)
		text_puts(out, option_zero(option));
	else
		text_printf(out, "%u", count);
}

static void print_time(const struct option *option, msec_t t, struct text *out) {
	if (t == 0 && option->min == 0)
		text_puts(out, "off");
	else
		time_print(t, out);
}

static void print_string(const struct option *option, const char *string, struct text *out) {
	text_puts(out, string != NULL ? string : option->choices[0]);
}

static void print_list(const struct option *option, const struct strings *list, struct text *out) {
	for (size_t i = 0; i < list->len; i++) {
		const char *item = list->items[i];
		const char *equals = option->type == OPTION_PAIRS ? strchr(item, '=') : NULL;
		text_puts(out, i > 0 ? ", " : "");
		text_put(out, item, equals != NULL ? (size_t)(equals - item) : strlen(item));
	}
}

void option_print(const struct option *option, const struct config *config, struct text *out) {
	const void *at = option_in(option, config);
	if (!option_is_set(option, config)) {
		text_puts(out, "unset");
		return;
	}
	switch (option->type) {
	case OPTION_STRING: print_string(option, *(char *const *)at, out); break;
	case OPTION_STRINGS:
	case OPTION_ADDRESSES:
	case OPTION_PAIRS: print_list(option, at, out); break;
	case OPTION_COUNT: print_count(option, *(const unsigned *)at, out); break;
	case OPTION_BOOL: text_puts(out, *(const bool *)at ? "true" : "false"); break;
	case OPTION_TIME: print_time(option, *(const msec_t *)at, out); break;
	case OPTION_SIZE: size_print(at, out); break;
	case OPTION_PERCENT: percent_print(*(const unsigned *)at, out); break;
	case OPTION_STRIKES: strikes_print(at, out); break;
	case OPTION_STATUS: status_print(at, out); break;
	case OPTION_CHOICE: text_puts(out, option->choices[*(const unsigned *)at]); break;
	}
}

static void expect_time(const struct option *option, struct text *out) {
	text_puts(out, "a time such as ");
	text_puts(out,
		  option->fallback != NULL && *option->fallback != 'o' ? option->fallback : "30s");
	text_puts(out, option->min == 0 ? ", up to " : ", from ");
	if (option->min > 0) {
		time_print((msec_t)option->min, out);
		text_puts(out, " to ");
	}
	time_print((msec_t)option->max, out);
	text_puts(out, option->min == 0 ? ", or off" : "");
}

static void expect_choice(const struct option *option, struct text *out) {
	for (size_t i = 0; option->choices[i] != NULL; i++) {
		bool last = option->choices[i + 1] == NULL;
		if (i > 0)
			text_puts(out, last ? " or " : ", ");
		text_puts(out, option->choices[i]);
	}
}

static void expect_string(const struct option *option, struct text *out) {
	const char *such = option->example != NULL ? option->example : option->fallback;
	text_printf(out, "text such as %s", such);
	if (option->choices != NULL)
		text_printf(out, ", or %s", option->choices[0]);
	text_printf(out, " (up to %" PRIu64 " bytes)", option->max);
}

void option_expected(const struct option *option, struct text *out) {
	switch (option->type) {
	case OPTION_STRING: expect_string(option, out); break;
	case OPTION_STRINGS:
	case OPTION_ADDRESSES: text_printf(out, "a list such as %s", option->example); break;
	case OPTION_PAIRS: text_printf(out, "a mapping such as %s", option->example); break;
	case OPTION_COUNT:
		text_printf(out, "a number from %u to %" PRIu64 "%s%s",
			    option->min > 0 ? (unsigned)option->min : 1, option->max,
			    option->min == 0 ? ", or " : "",
			    option->min == 0 ? option_zero(option) : "");
		break;
	case OPTION_BOOL: text_puts(out, "true or false"); break;
	case OPTION_TIME: expect_time(option, out); break;
	case OPTION_SIZE:
		text_puts(out, "a size such as 512MiB, 1GB or 25%, from ");
		bytes_print(option->min, out);
		text_puts(out, ", or auto");
		break;
	case OPTION_PERCENT:
		text_puts(out, "a percentage from ");
		percent_print(option->min, out);
		text_puts(out, " to ");
		percent_print(option->max, out);
		break;
	case OPTION_STRIKES:
		text_printf(out, "so many of the last samples, such as %s, of at most %" PRIu64,
			    option->fallback, option->max);
		break;
	case OPTION_STATUS:
		text_puts(out, "codes from 100 to 599 in up to 8 ranges, such as 200-399, 404, or "
			       "default");
		break;
	case OPTION_CHOICE: expect_choice(option, out); break;
	}
}
