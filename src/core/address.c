#include "core/address.h"

#include <string.h>
#include <strings.h>

#include "util/text.h"
#include "util/utf8.h"

#define EXAMPLES "tcp://0.0.0.0:9292 or unix:///run/shop.sock"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS  "0123456789"

static const char *prefixed(const char *string, const char *prefix) {
	size_t n = strlen(prefix);
	return strncmp(string, prefix, n) == 0 ? string + n : NULL;
}

/* `-1` with what was written in quotes, then what is wrong with it. */
static int refuse(struct error *err, const char *url, const char *what) {
	char quoted[200];
	struct text text = TEXT_IN(quoted);
	utf8_print(url, 60, &text);
	return error_at(err, 0, 0, "\"%s\": %s", quoted, what);
}

static int parse_port(const char *digits, uint16_t *port) {
	size_t n = strspn(digits, DIGITS);
	if (n == 0 || n > 5 || digits[n] != '\0')
		return -1;
	unsigned value = 0;
	for (size_t i = 0; i < n; i++)
		value = value * 10 + (unsigned)(digits[i] - '0');
	if (value > UINT16_MAX)
		return -1;
	*port = (uint16_t)value;
	return 0;
}

/* The host's bytes are [*host, *host + *len); the colon of the port is at the returned place. */
static const char *split_host(const char *rest, const char **host, size_t *len) {
	bool bracket = *rest == '[';
	const char *end = bracket ? strchr(rest, ']') : strrchr(rest, ':');
	if (end == NULL)
		return NULL;
	*host = rest + (bracket ? 1 : 0);
	*len = (size_t)(end - *host);
	return bracket ? end + 1 : end;
}

static int parse_tcp(const char *url, const char *rest, struct address *a, struct error *err) {
	const char *host = NULL;
	size_t len = 0;
	const char *colon = split_host(rest, &host, &len);
	if (strchr(rest, '?') != NULL)
		return refuse(err, url, "a tcp address has no parameters; end it after the port");
	if (colon == NULL || *colon != ':')
		return refuse(err, url, "has no port; write tcp://HOST:PORT");
	if (*rest != '[' && memchr(host, ':', len) != NULL)
		return refuse(err, url, "an IPv6 address needs brackets; write tcp://[::1]:9292");
	if (len == 1 && *host == '*')
		return refuse(err, url, "write tcp://0.0.0.0:PORT, or tcp://[::]:PORT with IPv6");
	const char *allowed = *rest == '[' ? DIGITS LETTERS ":.%" : DIGITS LETTERS "-._";
	if (len == 0 || len >= sizeof a->host || strspn(host, allowed) < len)
		return refuse(err, url, "is not a host; write a number, localhost or a name");
	if (parse_port(colon + 1, &a->port) != 0)
		return refuse(err, url,
			      "is not a port; expected 0 to 65535, as in tcp://HOST:PORT");
	memcpy(a->host, host, len);
	return 0;
}

/* At most four octal digits, as chmod(1) takes them. */
static int parse_mode(const char *digits, unsigned *mode) {
	size_t n = strspn(digits, "01234567");
	if (n < 3 || n > 4 || digits[n] != '\0' || (n == 4 && *digits != '0'))
		return -1;
	*mode = 0;
	for (size_t i = 0; i < n; i++)
		*mode = *mode * 8 + (unsigned)(digits[i] - '0');
	return 0;
}

static int parse_unix(const char *url, const char *rest, struct address *a, struct error *err) {
	const char *query = strchr(rest, '?');
	size_t len = query != NULL ? (size_t)(query - rest) : strlen(rest);
	if (*rest != '/' && *rest != '@')
		return refuse(err, url, "is not an absolute path; write unix:///run/shop.sock");
	if (len < 2 || (*rest == '/' && rest[len - 1] == '/'))
		return refuse(err, url, "has no file name; write unix:///run/shop.sock");
	if (len >= sizeof a->path)
		return refuse(err, url,
			      "is too long; the path of a unix socket has at most 107 bytes");
	/* Puma reads it as a URI (binder.rb), and its worker would end there. */
	if (strspn(rest, DIGITS LETTERS "/@._~-+,:=!$&'()*;%") < len)
		return refuse(err, url,
			      "has a character that Puma can't take in a path (a blank, or none of "
			      "ASCII's letters, digits and `._~-+,:=`)");
	if (query != NULL && *rest == '@')
		return refuse(err, url, "an abstract socket has no mode, anybody may connect");
	a->mode = 0777;
	if (query != NULL) {
		const char *mode = prefixed(query, "?mode=");
		if (mode == NULL)
			return refuse(err, url, "knows `?mode=0660` only");
		if (parse_mode(mode, &a->mode) != 0)
			return refuse(err, url,
				      "is not a mode; expected 0000 to 0777, as in ?mode=0660");
	}
	memcpy(a->path, rest, len);
	return 0;
}

bool address_is_our_name(const char *name) {
	const char *number = prefixed(name, ADDRESS_OUR_NAME);
	return number != NULL && *number != '\0' && number[strspn(number, DIGITS)] == '\0';
}

/* sd_pid_notify_with_fds(3): at most 255 characters, no colon, nothing that a terminal hides. */
static int parse_name(const char *url, const char *name, struct address *a, struct error *err) {
	size_t len = strlen(name);
	if (len == 0 || len >= sizeof a->name)
		return refuse(err, url, "has no name of 1 to 255 characters; write systemd:NAME");
	if (strspn(name, DIGITS LETTERS "!#$%&'()*+,-./;<=>?@[]^_`{|}~\\\"") < len)
		return refuse(err, url,
			      "is not a FileDescriptorName= (ASCII without blanks and colons)");
	if (address_is_our_name(name))
		return refuse(err, url, "is what pumakeeper calls its own; take another one");
	memcpy(a->name, name, len);
	return 0;
}

int address_parse(const char *url, struct address *a, struct error *err) {
	struct address fresh = { 0 };
	int status;
	const char *rest;
	if ((rest = prefixed(url, "tcp://")) != NULL) {
		status = parse_tcp(url, rest, &fresh, err);
	} else if ((rest = prefixed(url, "unix://")) != NULL) {
		fresh.kind = ADDRESS_UNIX;
		status = parse_unix(url, rest, &fresh, err);
	} else if ((rest = prefixed(url, "systemd:")) != NULL) {
		fresh.kind = ADDRESS_SYSTEMD;
		status = parse_name(url, rest, &fresh, err);
	} else if (prefixed(url, "ssl://") != NULL || prefixed(url, "https://") != NULL) {
		status = refuse(
			err, url,
			"workers speak plain HTTP; terminate TLS in front (nginx, a balancer) and "
			"write tcp:// here");
	} else {
		status = refuse(err, url, "is not an address; expected " EXAMPLES);
	}
	if (status == 0)
		*a = fresh;
	return status;
}

bool address_is_same(const struct address *a, const struct address *b) {
	if (a->kind != b->kind)
		return false;
	if (a->kind == ADDRESS_UNIX)
		return strcmp(a->path, b->path) == 0;
	if (a->kind == ADDRESS_SYSTEMD)
		return strcmp(a->name, b->name) == 0;
	return a->port != 0 && a->port == b->port && strcasecmp(a->host, b->host) == 0;
}
