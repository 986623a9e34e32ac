#include <string.h>

#include "core/connections.h"

/* /proc/net/tcp and unix are lines of words between blanks, below one line of titles. */
struct words {
	const char *at, *end;
};

static bool next_line(struct words *text, struct words *line) {
	if (text->at == text->end)
		return false;
	const char *newline = memchr(text->at, '\n', (size_t)(text->end - text->at));
	*line = (struct words){ text->at, newline != NULL ? newline : text->end };
	text->at = newline != NULL ? newline + 1 : text->end;
	return true;
}

static struct words next_word(struct words *line) {
	while (line->at < line->end && *line->at == ' ')
		line->at++;
	struct words word = { line->at, line->at };
	while (word.end < line->end && *word.end != ' ')
		word.end++;
	line->at = word.end;
	return word;
}

/* Digits at the start of a word; what follows them is left in it. False: none, or too many. */
static bool take_number(struct words *word, unsigned base, uint64_t *value) {
	const char *start = word->at;
	for (*value = 0; word->at < word->end && word->at - start <= 16; word->at++) {
		char c = *word->at;
		unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
				 : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
				 : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
							: base;
		if (digit >= base)
			break;
		*value = *value * base + digit;
	}
	return word->at > start && word->at - start <= 16;
}

static bool take_colon(struct words *word) {
	return word->at < word->end && *word->at++ == ':';
}

/* `ADDRESS:PORT`, both in hexadecimal, the port in host order. */
static bool take_port(struct words word, uint64_t *port) {
	const char *colon = memchr(word.at, ':', (size_t)(word.end - word.at));
	word.at = colon != NULL ? colon + 1 : word.end;
	return take_number(&word, 16, port) && *port <= UINT16_MAX;
}

static bool take_queues(struct words word, struct connection *one) {
	uint64_t sending, unread;
	if (!take_number(&word, 16, &sending) || !take_colon(&word) ||
	    !take_number(&word, 16, &unread))
		return false;
	one->wqueue = (uint32_t)sending;
	one->rqueue = (uint32_t)unread;
	return true;
}

/* sl local remote st tx:rx tr:when retrnsmt uid timeout inode … */
static bool read_tcp_line(struct words line, const struct listeners *l, struct connection *one) {
	uint64_t port, state, inode;
	next_word(&line);
	if (!take_port(next_word(&line), &port) || !listeners_have_port(l, (uint16_t)port))
		return false;
	next_word(&line);
	struct words word = next_word(&line);
	if (!take_number(&word, 16, &state) ||
	    (state != 1 && state != 8)) /* ESTABLISHED, CLOSE_WAIT */
		return false;
	if (!take_queues(next_word(&line), one))
		return false;
	for (int i = 0; i < 4; i++)
		next_word(&line);
	word = next_word(&line);
	if (!take_number(&word, 10, &inode) || inode == 0)
		return false;
	one->inode = inode;
	return true;
}

int connections_read_proc_tcp(struct connections *c, const char *text, size_t len,
			      const struct listeners *listeners) {
	struct words all = { text, text + len }, line;
	int error = 0;
	while (error == 0 && next_line(&all, &line)) {
		struct connection one = { .fd = -1 };
		if (read_tcp_line(line, listeners, &one))
			error = connections_add(c, &one);
	}
	return error;
}

/* Num: RefCount Protocol Flags Type St Inode Path; a path may hold blanks. */
static bool read_unix_line(struct words line, const struct listeners *l, struct connection *one) {
	uint64_t state, inode;
	for (int i = 0; i < 5; i++)
		next_word(&line);
	struct words word = next_word(&line);
	if (!take_number(&word, 16, &state) || state != 3) /* SS_CONNECTED */
		return false;
	word = next_word(&line);
	if (!take_number(&word, 10, &inode) || inode == 0 || line.at == line.end)
		return false;
	line.at++;
	one->inode = inode;
	return line.at < line.end && listeners_have_path(l, line.at, (size_t)(line.end - line.at));
}

int connections_read_proc_unix(struct connections *c, const char *text, size_t len,
			       const struct listeners *listeners) {
	struct words all = { text, text + len }, line;
	int error = 0;
	while (error == 0 && next_line(&all, &line)) {
		struct connection one = { .fd = -1, .unix_socket = true };
		if (read_unix_line(line, listeners, &one))
			error = connections_add(c, &one);
	}
	return error;
}
