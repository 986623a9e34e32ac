#include "core/scalar.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

static const struct unit {
	const char *name;
	uint64_t worth;
} size_units[] = {
	{ "TiB", UINT64_C(1) << 40 }, { "TB", UINT64_C(1000000000000) },
	{ "GiB", UINT64_C(1) << 30 }, { "GB", UINT64_C(1000000000) },
	{ "MiB", UINT64_C(1) << 20 }, { "MB", UINT64_C(1000000) },
	{ "KiB", UINT64_C(1) << 10 }, { "KB", UINT64_C(1000) },
	{ "B", 1 },
}, time_units[] = {
	{ "h", MSEC_HOUR }, { "m", MSEC_MINUTE }, { "s", MSEC_SECOND }, { "ms", 1 },
};

static bool is_digit(char c) {
	return c >= '0' && c <= '9';
}

static const char *skip_blanks(const char *at) {
	while (*at == ' ')
		at++;
	return at;
}

/* Behind the digits; NULL when there are none or too many. */
static const char *read_digits(const char *at, uint64_t *value) {
	const char *begin = at;
	uint64_t sum = 0;
	for (; is_digit(*at); at++) {
		if (__builtin_mul_overflow(sum, UINT64_C(10), &sum) ||
		    __builtin_add_overflow(sum, (uint64_t)(*at - '0'), &sum))
			return NULL;
	}
	*value = sum;
	return at > begin ? at : NULL;
}

/* `12` or `12.5`, kept apart until the unit behind it is known. */
struct decimal {
	uint64_t whole, fraction, scale; /* fraction / scale; at most six digits */
};

static const char *read_decimal(const char *at, struct decimal *d) {
	*d = (struct decimal){ .scale = 1 };
	at = read_digits(at, &d->whole);
	if (at == NULL || *at != '.')
		return at;
	const char *point = at;
	at = read_digits(at + 1, &d->fraction);
	if (at == NULL || at - point > 7)
		return NULL;
	for (const char *digit = point + 1; digit < at; digit++)
		d->scale *= 10;
	return at;
}

/* Both at most some 2^40, so the product of fraction and worth can't overflow. */
static int decimal_value(const struct decimal *d, uint64_t worth, uint64_t *value) {
	uint64_t whole;
	if (__builtin_mul_overflow(d->whole, worth, &whole))
		return -1;
	return __builtin_add_overflow(whole, d->fraction * worth / d->scale, value) ? -1 : 0;
}

static bool decimal_exact(const struct decimal *d, uint64_t worth) {
	return d->fraction * worth % d->scale == 0;
}

int count_parse(const char *text, uint64_t *count) {
	uint64_t value;
	const char *end = read_digits(text, &value);
	if (end == NULL || *end != '\0')
		return -1;
	*count = value;
	return 0;
}

int bool_parse(const char *text, bool *value) {
	static const char *const words[] = { "false", "true", "no", "yes", "off", "on" };
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcasecmp(text, words[i]) == 0) {
			*value = i % 2 == 1;
			return 0;
		}
	}
	return -1;
}

int percent_parse(const char *text, uint64_t *hundredths) {
	struct decimal d;
	const char *end = read_decimal(text, &d);
	uint64_t value;
	if (end == NULL || strcmp(skip_blanks(end), "%") != 0 || !decimal_exact(&d, 100) ||
	    decimal_value(&d, 100, &value) != 0)
		return -1;
	*hundredths = value;
	return 0;
}

int size_parse(const char *text, struct size *size) {
	struct size fresh = { .kind = SIZE_PERCENT };
	struct decimal d;
	if (strcmp(text, "auto") == 0) {
		*size = (struct size){ .kind = SIZE_AUTO };
		return 0;
	}
	if (percent_parse(text, &fresh.amount) == 0) {
		*size = fresh;
		return 0;
	}
	const char *end = read_decimal(text, &d);
	for (size_t i = 0; end != NULL && i < ARRAY_LEN(size_units); i++) {
		if (strcasecmp(skip_blanks(end), size_units[i].name) != 0)
			continue;
		if (decimal_value(&d, size_units[i].worth, &fresh.amount) != 0)
			return -1;
		fresh.kind = SIZE_BYTES;
		*size = fresh;
		return 0;
	}
	return -1;
}

/* One `1.5h` of a time; behind it, or NULL. */
static const char *read_span(const char *at, msec_t *t) {
	struct decimal d;
	uint64_t value;
	at = read_decimal(at, &d);
	if (at == NULL)
		return NULL;
	at = skip_blanks(at);
	size_t n = strspn(at, "hms");
	for (size_t i = 0; i < ARRAY_LEN(time_units); i++) {
		if (strlen(time_units[i].name) != n || strncmp(at, time_units[i].name, n) != 0)
			continue;
		/* 0.1ms would be 0, and 0 is `off`. */
		if (!decimal_exact(&d, time_units[i].worth) ||
		    decimal_value(&d, time_units[i].worth, &value) != 0 || value > INT64_MAX / 4)
			return NULL;
		*t = (msec_t)value;
		return at + n;
	}
	return NULL;
}

int time_parse(const char *text, msec_t *t) {
	msec_t sum = 0, span = 0;
	if (strcmp(text, "0") == 0) {
		*t = 0;
		return 0;
	}
	do {
		text = read_span(text, &span);
		if (text == NULL || sum > INT64_MAX / 4)
			return -1;
		sum += span;
		text = skip_blanks(text);
	} while (*text != '\0');
	*t = sum;
	return 0;
}

int strikes_parse(const char *text, struct strikes *strikes) {
	uint64_t needed, window;
	const char *at = read_digits(text, &needed);
	if (at == NULL || *at != ' ')
		return -1;
	at = skip_blanks(at);
	if (strncmp(at, "of ", 3) != 0)
		return -1;
	if (count_parse(skip_blanks(at + 3), &window) != 0)
		return -1;
	if (needed < 1 || needed > window || window > UINT32_MAX)
		return -1;
	*strikes = (struct strikes){ (unsigned)needed, (unsigned)window };
	return 0;
}

static const char *read_code(const char *at, uint16_t *code) {
	uint64_t value;
	at = read_digits(at, &value);
	if (at == NULL || value < 100 || value > 599)
		return NULL;
	*code = (uint16_t)value;
	return at;
}

static const char *read_range(const char *at, uint16_t *from, uint16_t *to) {
	at = read_code(at, from);
	if (at == NULL)
		return NULL;
	*to = *from;
	if (*at == '-')
		at = read_code(at + 1, to);
	return at != NULL && *from <= *to ? skip_blanks(at) : NULL;
}

int status_parse(const char *text, struct status_ranges *status) {
	struct status_ranges fresh = { 0 };
	if (strcmp(text, "default") == 0) {
		*status = fresh;
		return 0;
	}
	for (const char *at = text;; at++) {
		if (fresh.len == ARRAY_LEN(fresh.list))
			return -1;
		at = read_range(skip_blanks(at), &fresh.list[fresh.len].from,
				&fresh.list[fresh.len].to);
		fresh.len++;
		if (at == NULL || (*at != ',' && *at != '\0'))
			return -1;
		if (*at == '\0')
			break;
	}
	*status = fresh;
	return 0;
}

void bytes_print(uint64_t bytes, struct text *out) {
	const struct unit *shortest = &size_units[ARRAY_LEN(size_units) - 1];
	for (size_t i = 0; bytes != 0 && i < ARRAY_LEN(size_units); i++) {
		if (bytes % size_units[i].worth == 0 && size_units[i].worth > shortest->worth)
			shortest = &size_units[i];
	}
	text_printf(out, "%" PRIu64 "%s", bytes / shortest->worth, shortest->name);
}

void percent_print(uint64_t hundredths, struct text *out) {
	text_printf(out, "%" PRIu64, hundredths / 100);
	if (hundredths % 100 != 0)
		text_printf(out, hundredths % 10 != 0 ? ".%02u" : ".%u",
			    (unsigned)(hundredths % 10 != 0 ? hundredths % 100
							    : hundredths % 100 / 10));
	text_puts(out, "%");
}

void size_print(const struct size *size, struct text *out) {
	switch (size->kind) {
	case SIZE_AUTO: text_puts(out, "auto"); break;
	case SIZE_BYTES: bytes_print(size->amount, out); break;
	case SIZE_PERCENT: percent_print(size->amount, out); break;
	}
}

void time_print(msec_t t, struct text *out) {
	size_t i = 0;
	while (t % (msec_t)time_units[i].worth != 0)
		i++;
	if (t == 0)
		text_puts(out, "0");
	else
		text_printf(out, "%" PRId64 "%s", t / (msec_t)time_units[i].worth,
			    time_units[i].name);
}

void strikes_print(const struct strikes *strikes, struct text *out) {
	text_printf(out, "%u of %u", strikes->needed, strikes->window);
}

void status_print(const struct status_ranges *status, struct text *out) {
	if (status->len == 0)
		text_puts(out, "default");
	for (unsigned i = 0; i < status->len; i++) {
		text_printf(out, i == 0 ? "%u" : ", %u", status->list[i].from);
		if (status->list[i].to != status->list[i].from)
			text_printf(out, "-%u", status->list[i].to);
	}
}
