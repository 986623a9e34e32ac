#include "core/paint.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "util/utf8.h"

static const char *escape(enum ink ink) {
	switch (ink) {
	case INK_PLAIN: return "";
	case INK_BOLD: return "\033[1m";
	case INK_DIM: return "\033[2m";
	case INK_GREEN: return "\033[32m";
	case INK_YELLOW: return "\033[33m";
	case INK_RED: return "\033[1;31m";
	}
	return "";
}

void paint(struct text *out, const struct style *style, enum ink ink, const char *safe) {
	if (!style->colour || ink == INK_PLAIN) {
		text_puts(out, safe);
		return;
	}
	text_puts(out, escape(ink));
	text_puts(out, safe);
	text_puts(out, "\033[0m");
}

/* Controls of both kinds, what turns a line around, what can't be seen, private glyphs. */
static bool harmful(uint32_t c) {
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
	       (c >= 0xe000 && c <= 0xf8ff) || c == 0xfeff || (c >= 0xfff0 && c <= 0xfffb) ||
	       c >= 0xe0000;
}

void paint_safe(struct text *out, const struct style *style, const char *anything) {
	for (size_t left = strlen(anything); left > 0;) {
		uint32_t c = 0;
		size_t n = utf8_next(anything, left, &c);
		if (n == 0 || harmful(c) || (n > 1 && !style->unicode))
			text_puts(out, "?");
		else
			text_put(out, anything, n);
		n = n > 0 ? n : 1;
		anything += n;
		left -= n;
	}
}

struct range {
	uint32_t from, to;
};

static bool in(const struct range *ranges, size_t n, uint32_t c) {
	for (size_t i = 0; i < n; i++) {
		if (c >= ranges[i].from && c <= ranges[i].to)
			return true;
	}
	return false;
}

/* By blocks, after UAX #11 and what wcwidth(3) says; not every single character. */
static unsigned columns(uint32_t c) {
	static const struct range none[] = {
		{ 0x0300, 0x036f }, { 0x0483, 0x0489 }, { 0x0591, 0x05bd },
		{ 0x064b, 0x065f }, { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff },
		{ 0x20d0, 0x20ff }, { 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f },
	};
	static const struct range two[] = {
		{ 0x1100, 0x115f },   { 0x2e80, 0x303e },   { 0x3041, 0xa4cf },
		{ 0xac00, 0xd7a3 },   { 0xf900, 0xfaff },   { 0xfe30, 0xfe6f },
		{ 0xff00, 0xff60 },   { 0xffe0, 0xffe6 },   { 0x1f300, 0x1f64f },
		{ 0x1f680, 0x1f6ff }, { 0x1f900, 0x1faff }, { 0x20000, 0x3fffd },
	};
	if (in(none, ARRAY_LEN(none), c))
		return 0;
	return in(two, ARRAY_LEN(two), c) ? 2 : 1;
}

/* The bytes of the first characters that fit in `width`; `*used` columns. */
static size_t fitting(const char *safe, unsigned width, unsigned *used) {
	size_t at = 0, len = strlen(safe);
	*used = 0;
	while (at < len) {
		uint32_t c = 0;
		size_t n = utf8_next(safe + at, len - at, &c);
		unsigned more = n > 0 ? columns(c) : 1;
		if (*used + more > width)
			break;
		*used += more;
		at += n > 0 ? n : 1;
	}
	return at;
}

unsigned paint_width(const char *safe) {
	unsigned used;
	fitting(safe, UINT32_MAX, &used);
	return used;
}

void paint_cut(struct text *out, const struct style *style, const char *safe, unsigned width) {
	unsigned used;
	if (paint_width(safe) <= width) {
		text_puts(out, safe);
		return;
	}
	if (width == 0)
		return;
	text_put(out, safe, fitting(safe, width - 1, &used));
	text_puts(out, style->unicode ? "…" : "~");
}

static void new_line(struct text *out, unsigned indent) {
	text_printf(out, "\n%*s", (int)indent, "");
}

void paint_wrapped(struct text *out, const struct style *style, unsigned indent,
		   const char *anything) {
	char buffer[2048];
	struct text safe = TEXT_IN(buffer);
	unsigned room = style->width > indent + 8 ? style->width - indent : UINT32_MAX, used = 0;
	char *rest = NULL;

	paint_safe(&safe, style, anything);
	for (char *word = strtok_r(buffer, " ", &rest); word != NULL;
	     word = strtok_r(NULL, " ", &rest)) {
		unsigned width = paint_width(word);
		if (used > 0 && used + 1 + width > room) {
			new_line(out, indent);
			used = 0;
		}
		if (used > 0)
			text_puts(out, " ");
		used += (used > 0) + (width < room ? width : room);
		paint_cut(out, style, word, room);
	}
	text_puts(out, "\n");
}

void flow_part(struct flow *flow, enum ink ink, const char *fmt, ...) {
	char part[512], safe[512];
	struct text made_safe = TEXT_IN(safe);
	va_list args;
	va_start(args, fmt);
	vsnprintf(part, sizeof part, fmt, args);
	va_end(args);
	paint_safe(&made_safe, flow->style, part);

	unsigned room = flow->style->width > 0 ? flow->style->width : UINT32_MAX;
	unsigned width = paint_width(safe);
	if (flow->column > 0 && flow->column + 2 + width > room)
		flow_end(flow);
	if (flow->column > 0)
		text_puts(flow->out, "  ");
	char cut[512];
	struct text fits = TEXT_IN(cut);
	paint_cut(&fits, flow->style, safe, room);
	paint(flow->out, flow->style, ink, cut);
	flow->column += (flow->column > 0 ? 2 : 0) + width;
}

void flow_end(struct flow *flow) {
	if (flow->column > 0)
		text_puts(flow->out, "\n");
	flow->column = 0;
}

void paint_bytes(struct text *out, int64_t bytes, bool is_short) {
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double value = (double)bytes;
	size_t unit = 0;
	for (; value >= 1000 && unit + 1 < ARRAY_LEN(units); unit++)
		value /= 1024;
	int digits = value < 9.95 && unit > 2 ? 1 : 0; /* 3.2GiB; but nobody wants 3.2MiB */
	text_printf(out, "%.*f%.*s", digits, value, is_short ? 1 : 3, units[unit]);
}

void paint_age(struct text *out, int64_t s) {
	if (s < 0)
		s = 0;
	if (s < 60)
		text_printf(out, "%" PRId64 "s", s);
	else if (s < 3600)
		text_printf(out, "%" PRId64 "m%02" PRId64 "s", s / 60, s % 60);
	else if (s < 86400)
		text_printf(out, "%" PRId64 "h%02" PRId64 "m", s / 3600, s / 60 % 60);
	else if (s < 100 * 86400)
		text_printf(out, "%" PRId64 "d%02" PRId64 "h", s / 86400, s / 3600 % 24);
	else
		text_printf(out, "%" PRId64 "d", s / 86400);
}

const char *paint_unknown(const struct style *style) {
	return style->unicode ? "–" : "-";
}
