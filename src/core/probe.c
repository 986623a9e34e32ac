#include "core/probe.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

static const struct header {
	const char *name, *value;
} ours[] = {
	{ "Host", "localhost" },          /* in every config.hosts of a development Rails */
	{ "X-Forwarded-Proto", "https" }, /* else force_ssl redirects */
	{ "User-Agent", "pumakeeper/" PUMAKEEPER_VERSION },
	{ "Accept", "*/*" },
	{ "Connection", "close" },
};

/* Of NAME=value: how long NAME is. */
static size_t name_len(const char *header) {
	return strcspn(header, "=");
}

static bool is_replaced(const char *name, const struct strings *headers) {
	size_t len = strlen(name);
	for (size_t i = 0; headers != NULL && i < headers->len; i++)
		if (name_len(headers->items[i]) == len &&
		    strncasecmp(headers->items[i], name, len) == 0)
			return true;
	return false;
}

static bool is_control(char c) {
	return (unsigned char)c < ' ' || c == 0x7f;
}

static bool has_control(const char *text) {
	while (*text != '\0' && !is_control(*text))
		text++;
	return *text != '\0';
}

/* A name is a token (RFC 9110, 5.6.2): letters, digits and these. */
static bool is_header(const char *header) {
	static const char token[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789!#$%&'*+-.^_`|~";
	size_t len = strspn(header, token);
	return len > 0 && header[len] == '=' && !has_control(header + len);
}

static bool is_path(const char *path) {
	return path[0] == '/' && strchr(path, ' ') == NULL && !has_control(path);
}

int probe_request(const char *path, const struct strings *headers, struct text *out) {
	if (!is_path(path))
		return -EINVAL;
	text_printf(out, "GET %s HTTP/1.1\r\n", path);
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		if (!is_replaced(ours[i].name, headers))
			text_printf(out, "%s: %s\r\n", ours[i].name, ours[i].value);
	for (size_t i = 0; headers != NULL && i < headers->len; i++) {
		const char *header = headers->items[i];
		if (!is_header(header))
			return -EINVAL;
		text_put(out, header, name_len(header));
		text_printf(out, ": %s\r\n", header + name_len(header) + 1);
	}
	text_puts(out, "\r\n");
	return out->cut ? -EMSGSIZE : 0;
}

bool probe_status_ready(unsigned status, const struct status_ranges *ranges) {
	for (unsigned i = 0; i < ranges->len; i++)
		if (status >= ranges->list[i].from && status <= ranges->list[i].to)
			return true;
	return ranges->len == 0 && status >= 200 && status < 500 && status != 403;
}

static enum probe_answer judge(const struct probe *p, const struct status_ranges *ranges) {
	return probe_status_ready(p->status, ranges) ? PROBE_READY : PROBE_REFUSED;
}

static bool digit(char c) {
	return c >= '0' && c <= '9';
}

/* `HTTP/1.x NNN`, then a blank and any words, or nothing. 0: it is not one. */
static uint16_t status_of(const char *line, size_t len) {
	static const char version[] = "HTTP/1.";
	const size_t at = sizeof version - 1 + 2; /* of the code */
	if (len < at + 3 || memcmp(line, version, sizeof version - 1) != 0)
		return 0;
	bool known = line[at - 2] == '0' || line[at - 2] == '1';
	const char *code = line + at;
	if (!known || line[at - 1] != ' ' || !digit(code[0]) || !digit(code[1]) || !digit(code[2]))
		return 0;
	if (len > at + 3 && line[at + 3] != ' ')
		return 0;
	unsigned status = (unsigned)(code[0] - '0') * 100 + (unsigned)(code[1] - '0') * 10 +
			  (unsigned)(code[2] - '0');
	return status >= 100 && status < 600 ? (uint16_t)status : 0;
}

static void keep_location(struct probe *p, size_t len) {
	static const char name[] = "location:";
	size_t at = sizeof name - 1, n = 0;
	if (len <= at || strncasecmp(p->line, name, at) != 0 || p->location[0] != '\0')
		return;
	while (at < len && (p->line[at] == ' ' || p->line[at] == '\t'))
		at++;
	for (; at < len && n < sizeof p->location - 1 && !is_control(p->line[at]); at++)
		p->location[n++] = p->line[at];
	p->location[n] = '\0';
}

/* One line without its end. The rest of one that was too long for the buffer is lost. */
static enum probe_answer take_line(struct probe *p, size_t len,
				   const struct status_ranges *ranges) {
	if (p->status == 0) {
		p->status = status_of(p->line, len);
		/* 101 would change the protocol, which nobody has asked for. */
		return p->status == 0 || p->status == 101 ? PROBE_GARBLED : PROBE_MORE;
	}
	if (len > 0) {
		keep_location(p, len);
		return PROBE_MORE;
	}
	if (p->status >= 200)
		return judge(p, ranges);
	p->status = 0; /* 1xx: the answer is yet to come */
	p->location[0] = '\0';
	return PROBE_MORE;
}

static enum probe_answer take_byte(struct probe *p, char byte, const struct status_ranges *ranges) {
	if (byte != '\n') {
		if (p->line_len < sizeof p->line)
			p->line[p->line_len++] = byte;
		return PROBE_MORE;
	}
	size_t len = p->line_len;
	p->line_len = 0;
	if (len > 0 && len < sizeof p->line && p->line[len - 1] == '\r')
		len--;
	return take_line(p, len, ranges);
}

/* What is no HTTP should not need a newline to be found out. */
static bool starts_wrongly(const struct probe *p) {
	static const char version[] = "HTTP/1.";
	size_t n = p->line_len < sizeof version - 1 ? p->line_len : sizeof version - 1;
	return p->status == 0 && memcmp(p->line, version, n) != 0;
}

enum probe_answer probe_read(struct probe *p, const char *bytes, size_t n,
			     const struct status_ranges *ranges) {
	for (size_t i = 0; i < n && p->answer == PROBE_MORE; i++) {
		p->answer = take_byte(p, bytes[i], ranges);
		if (p->answer == PROBE_MORE && starts_wrongly(p))
			p->answer = PROBE_GARBLED;
		if (++p->total == PROBE_ANSWER_MAX && p->answer == PROBE_MORE)
			p->answer = p->status >= 200 ? judge(p, ranges) : PROBE_GARBLED;
	}
	return p->answer;
}

enum probe_answer probe_end(struct probe *p) {
	if (p->answer == PROBE_MORE)
		p->answer = PROBE_GARBLED;
	return p->answer;
}

static bool is_redirect(unsigned status) {
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool probe_hint(unsigned status, const char *location, struct text *out) {
	if (status == 403)
		text_puts(
			out,
			"Rails refuses a Host that is not in config.hosts: allow `localhost` there, "
			"or set Host in app.probe.headers");
	else if (is_redirect(status) && strncasecmp(location, "https:", 6) == 0)
		text_puts(out,
			  "config.force_ssl redirects to https: keep X-Forwarded-Proto: https in "
			  "app.probe.headers, or exclude app.probe.path in config.ssl_options");
	else if (is_redirect(status))
		text_printf(out,
			    "redirected%s%s: let app.probe.path be a page that answers by itself",
			    *location != '\0' ? " to " : "", location);
	else if (status == 404)
		text_puts(out, "no such page: set app.probe.path (Rails before 7.1 has no /up)");
	else if (status == 401)
		text_puts(out, "it asks for a login: let app.probe.path be a page without one, "
			       "or set Authorization in app.probe.headers");
	else if (status >= 500)
		text_puts(out, "the app itself fails: its log has the error");
	else
		return false;
	return true;
}
