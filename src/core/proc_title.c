#include "core/proc_title.h"

#include <stdint.h>
#include <string.h>

#include "util/base.h"

/*
 * Bytes of the UTF-8 character at `s`, 0 if it is none that a terminal or JSON should see:
 * broken, overlong, a surrogate (RFC 3629), or a control character (U+009B starts an escape).
 */
static size_t character(const unsigned char *s, size_t len) {
	if (s[0] < 0x80)
		return s[0] >= ' ' && s[0] != 0x7f ? 1 : 0;
	size_t n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	if (s[0] < 0xc2 || s[0] > 0xf4 || n > len)
		return 0;
	uint32_t code = s[0] & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	static const uint32_t least[] = { [2] = 0xa0, [3] = 0x800, [4] = 0x10000 };
	if (code < least[n] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	return n;
}

static size_t title_len(const char *cmdline, size_t len) {
	size_t n = 0;
	while (n < len && !(cmdline[n] == '\0' && (n + 1 == len || cmdline[n + 1] == '\0')))
		n++;
	return n;
}

void proc_title(const char *cmdline, size_t len, char *title, size_t size) {
	assert(size > 0);
	len = title_len(cmdline, len);
	size_t used = 0;
	for (size_t i = 0; i < len;) {
		size_t n = character((const unsigned char *)cmdline + i, len - i);
		size_t bytes = n > 0 ? n : 1;
		if (bytes > size - 1 - used)
			break;
		if (n > 0)
			memcpy(title + used, cmdline + i, n);
		else
			title[used] = cmdline[i] == '\0' ? ' ' : '?';
		used += bytes;
		i += bytes;
	}
	title[used] = '\0';
}
