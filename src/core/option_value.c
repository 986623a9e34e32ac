#include "core/option_value.h"

#include <stdlib.h>
#include <string.h>

#include "core/address.h"
#include "core/scalar.h"
#include "util/edit_distance.h"
#include "util/utf8.h"

/* `memory.soft: "12 parsecs" WHAT; expected …` */
static int refuse(const struct option *option, const char *text, const char *what,
		  struct error *err) {
	char quoted[200], expected[200];
	struct text quote = TEXT_IN(quoted), expect = TEXT_IN(expected);
	utf8_print(text, 40, &quote);
	option_expected(option, &expect);
	return error_at(err, 0, 0, "%s: \"%s\" %s; expected %s", option->path, quoted, what,
			expected);
}

static int out_of_range(const struct option *option, const char *text, struct error *err) {
	return refuse(option, text, "is out of range", err);
}

static int refuse_again(const struct option *option, const char *text, struct error *err) {
	return error_at(err, 0, 0, "%s: %.60s is here twice; expected each once", option->path,
			text);
}

static int run_check(const struct option *option, const char *key, const char *text,
		     struct error *err) {
	struct error why;
	if (option->check == NULL || option->check(key, text, &why) == 0)
		return 0;
	return error_at(err, 0, 0, "%s%s%.60s: %.280s", option->path, key != NULL ? "." : "",
			key != NULL ? key : "", why.text);
}

static int set_string(const struct option *option, char **at, const char *text, struct error *err) {
	size_t len = strlen(text);
	bool nothing = option->choices != NULL && strcmp(text, option->choices[0]) == 0;
	char *copy = NULL;
	if (!nothing) {
		if (len < option->min)
			return refuse(option, text, "is empty", err);
		if (len > option->max)
			return refuse(option, text, "is too long", err);
		if (run_check(option, NULL, text, err) != 0)
			return -1;
		copy = strdup(text);
		if (copy == NULL)
			return error_at(err, 0, 0, "%s: out of memory", option->path);
	}
	free(*at);
	*at = copy;
	return 0;
}

const char *option_zero(const struct option *option) {
	return option->choices != NULL ? option->choices[0] : "auto";
}

static int set_count(const struct option *option, unsigned *at, const char *text,
		     struct error *err) {
	uint64_t count;
	if (option->min == 0 && strcmp(text, option_zero(option)) == 0) {
		*at = 0;
		return 0;
	}
	if (count_parse(text, &count) != 0)
		return refuse(option, text, "is not a number", err);
	if (count < option->min || count == 0 || count > option->max)
		return out_of_range(option, text, err);
	*at = (unsigned)count;
	return 0;
}

static int set_time(const struct option *option, msec_t *at, const char *text, struct error *err) {
	msec_t t;
	uint64_t bare;
	if (option->min == 0 && strcmp(text, "off") == 0) {
		*at = 0;
		return 0;
	}
	if (time_parse(text, &t) != 0)
		return refuse(option, text,
			      count_parse(text, &bare) == 0 ? "has no unit" : "is not a time", err);
	if ((uint64_t)t < option->min || (uint64_t)t > option->max)
		return out_of_range(option, text, err);
	*at = t;
	return 0;
}

static int set_size(const struct option *option, struct size *at, const char *text,
		    struct error *err) {
	struct size size;
	uint64_t bare;
	if (size_parse(text, &size) != 0)
		return refuse(option, text,
			      count_parse(text, &bare) == 0 ? "has no unit" : "is not a size", err);
	if (size.kind == SIZE_BYTES && (size.amount < option->min || size.amount > option->max))
		return out_of_range(option, text, err);
	if (size.kind == SIZE_PERCENT && (size.amount < 1 || size.amount > 10000))
		return refuse(option, text, "is not between 0% and 100%", err);
	*at = size;
	return 0;
}

static int set_percent(const struct option *option, unsigned *at, const char *text,
		       struct error *err) {
	uint64_t hundredths;
	if (percent_parse(text, &hundredths) != 0)
		return refuse(option, text, "is not a percentage", err);
	if (hundredths < option->min || hundredths > option->max)
		return out_of_range(option, text, err);
	*at = (unsigned)hundredths;
	return 0;
}

static int set_strikes(const struct option *option, struct strikes *at, const char *text,
		       struct error *err) {
	struct strikes strikes;
	if (strikes_parse(text, &strikes) != 0)
		return refuse(option, text, "is not so many of so many", err);
	if (strikes.window < option->min || strikes.window > option->max)
		return out_of_range(option, text, err);
	*at = strikes;
	return 0;
}

static int refuse_choice(const struct option *option, const char *text, struct error *err) {
	for (size_t i = 0; option->choices[i] != NULL; i++) {
		const char *word = option->choices[i];
		char what[100];
		struct text out = TEXT_IN(what);
		if (!edit_near(edit_distance(text, word), strlen(word)))
			continue;
		text_printf(&out, "is unknown, did you mean %s", word);
		return refuse(option, text, what, err);
	}
	return refuse(option, text, "is unknown", err);
}

/* An enumeration of ours without negative values is an unsigned int to gcc and clang. */
static int set_choice(const struct option *option, unsigned *at, const char *text,
		      struct error *err) {
	for (unsigned i = 0; option->choices[i] != NULL; i++) {
		if (strcmp(text, option->choices[i]) == 0) {
			*at = i;
			return 0;
		}
	}
	return refuse_choice(option, text, err);
}

int option_set(const struct option *option, struct config *config, const char *text,
	       struct error *err) {
	void *at = option_at(option, config);
	switch (option->type) {
	case OPTION_STRING: return set_string(option, at, text, err);
	case OPTION_COUNT: return set_count(option, at, text, err);
	case OPTION_TIME: return set_time(option, at, text, err);
	case OPTION_SIZE: return set_size(option, at, text, err);
	case OPTION_PERCENT: return set_percent(option, at, text, err);
	case OPTION_STRIKES: return set_strikes(option, at, text, err);
	case OPTION_CHOICE: return set_choice(option, at, text, err);
	case OPTION_BOOL:
		return bool_parse(text, at) == 0 ? 0 : refuse(option, text, "is neither", err);
	case OPTION_STATUS:
		return status_parse(text, at) == 0
			       ? 0
			       : refuse(option, text, "is not a list of status codes", err);
	case OPTION_STRINGS:
	case OPTION_ADDRESSES:
	case OPTION_PAIRS: break;
	}
	assert(false && "lists are added to");
	return -1;
}

static bool is_listed(const struct strings *list, const struct address *a) {
	struct address other;
	struct error unused;
	for (size_t i = 0; i < list->len; i++) {
		if (address_parse(list->items[i], &other, &unused) == 0 &&
		    address_is_same(&other, a))
			return true;
	}
	return false;
}

static int check_address(const struct option *option, const struct strings *list, const char *text,
			 struct error *err) {
	struct address a;
	struct error why;
	if (address_parse(text, &a, &why) != 0)
		return error_at(err, 0, 0, "%s: %.280s", option->path, why.text);
	return is_listed(list, &a) ? refuse_again(option, text, err) : 0;
}

int option_add(const struct option *option, struct config *config, const char *key,
	       const char *text, struct error *err) {
	assert(option_is_list(option) && (option->type == OPTION_PAIRS) == (key != NULL));
	struct strings *list = option_at(option, config);
	if (list->len >= option->max)
		return error_at(err, 0, 0, "%s: has too many entries; expected at most %u",
				option->path, (unsigned)option->max);
	if (run_check(option, key, text, err) != 0)
		return -1;
	if (option->type == OPTION_ADDRESSES && check_address(option, list, text, err) != 0)
		return -1;
	if (key != NULL && strings_get(list, key) != NULL)
		return refuse_again(option, key, err);
	int error = key != NULL ? strings_set(list, key, text) : strings_add(list, text);
	return error == 0 ? 0 : error_at(err, 0, 0, "%s: out of memory", option->path);
}

static size_t value_size(enum option_type type) {
	switch (type) {
	case OPTION_STRING: return sizeof(char *);
	case OPTION_STRINGS:
	case OPTION_ADDRESSES:
	case OPTION_PAIRS: return sizeof(struct strings);
	case OPTION_COUNT:
	case OPTION_PERCENT:
	case OPTION_CHOICE: return sizeof(unsigned);
	case OPTION_BOOL: return sizeof(bool);
	case OPTION_TIME: return sizeof(msec_t);
	case OPTION_SIZE: return sizeof(struct size);
	case OPTION_STRIKES: return sizeof(struct strikes);
	case OPTION_STATUS: return sizeof(struct status_ranges);
	}
	return 0;
}

void option_clear(const struct option *option, struct config *config) {
	void *at = option_at(option, config);
	if (option->type == OPTION_STRING)
		free(*(char **)at);
	if (option_is_list(option))
		strings_finish(at);
	memset(at, 0, value_size(option->type));
}

static bool same_string(const char *a, const char *b) {
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* Field by field: the bytes between them are anybody's. */
static bool same_size(const struct size *a, const struct size *b) {
	return a->kind == b->kind && (a->kind == SIZE_AUTO || a->amount == b->amount);
}

static bool same_status(const struct status_ranges *a, const struct status_ranges *b) {
	return a->len == b->len && memcmp(a->list, b->list, a->len * sizeof a->list[0]) == 0;
}

bool option_equal(const struct option *option, const struct config *a, const struct config *b) {
	const void *x = option_in(option, a), *y = option_in(option, b);
	switch (option->type) {
	case OPTION_STRING: return same_string(*(char *const *)x, *(char *const *)y);
	case OPTION_STRINGS:
	case OPTION_ADDRESSES:
	case OPTION_PAIRS: return strings_equal(x, y);
	case OPTION_SIZE: return same_size(x, y);
	case OPTION_STATUS: return same_status(x, y);
	case OPTION_COUNT:
	case OPTION_PERCENT:
	case OPTION_CHOICE:
	case OPTION_BOOL:
	case OPTION_TIME:
	case OPTION_STRIKES: return memcmp(x, y, value_size(option->type)) == 0;
	}
	return false;
}

bool option_is_set(const struct option *option, const struct config *config) {
	const void *at = option_in(option, config);
	if (option_is_list(option))
		return ((const struct strings *)at)->len > 0;
	return option->type != OPTION_STRING || option->choices != NULL ||
	       *(char *const *)at != NULL;
}
