#include "daemon/past.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/fd.h"

#define NEW_NAME  "events.new"
#define LINES_MAX (2u * JOURNAL_REMEMBERED)
#define BYTES_MAX ((off_t)LINES_MAX * EVENT_JSON_SIZE)

static int open_file(int dir, const char *name, int flags) {
	return openat(dir, name, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags,
		      0640);
}

/* Whole, or NULL. Ours alone may write there, but may have been cut off in the middle. */
static char *read_all(int fd, size_t *len) {
	struct stat st;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > BYTES_MAX)
		return NULL;
	char *bytes = malloc((size_t)st.st_size + 1);
	ssize_t n = bytes != NULL ? pread(fd, bytes, (size_t)st.st_size, 0) : -1;
	if (n < 0) {
		free(bytes);
		return NULL;
	}
	bytes[n] = '\0';
	*len = (size_t)n;
	return bytes;
}

static void restore(struct past *past, struct journal *journal) {
	size_t len = 0;
	char *bytes = read_all(past->fd, &len);
	struct event event;
	for (const char *line = bytes, *end; line != NULL && line < bytes + len; line = end + 1) {
		end = memchr(line, '\n', (size_t)(bytes + len - line));
		if (end == NULL)
			end = bytes + len; /* the last one, cut off perhaps */
		past->lines++;
		if (event_read_json(line, (size_t)(end - line), &event))
			journal_restore(journal, &event);
	}
	/* What comes next begins a line of its own. */
	bool is_cut = len > 0 && bytes[len - 1] != '\n';
	if (bytes == NULL || (is_cut && write(past->fd, "\n", 1) != 1))
		fd_close(&past->fd);
	free(bytes);
}

void past_open(struct past *past, int dir, struct journal *journal) {
	*past = (struct past){ .dir = dir, .fd = open_file(dir, PAST_NAME, 0) };
	if (past->fd >= 0)
		restore(past, journal);
}

static bool add(int fd, const struct event *event) {
	char buffer[EVENT_JSON_SIZE + 1];
	struct text line = text_in(buffer, sizeof buffer - 1);
	event_print_json(event, &line);
	buffer[line.len++] = '\n';
	return write(fd, buffer, line.len) == (ssize_t)line.len;
}

/* Those that the journal remembers, in a file that takes the place of the long one. */
static bool shorten(struct past *past, const struct journal *journal) {
	AUTOCLOSE int fd = open_file(past->dir, NEW_NAME, O_TRUNC);
	unsigned lines = 0;
	bool whole = fd >= 0;
	for (const struct event *e = journal_after(journal, 0); whole && e != NULL;
	     e = journal_after(journal, e->seq)) {
		whole = add(fd, e);
		lines++;
	}
	if (!whole || renameat(past->dir, NEW_NAME, past->dir, PAST_NAME) != 0) {
		unlinkat(past->dir, NEW_NAME, 0);
		return false; /* the long one will do for longer */
	}
	fd_close(&past->fd);
	past->fd = fd_take(&fd);
	past->lines = lines;
	return true;
}

bool past_again(struct past *past, int dir, const struct journal *journal) {
	past->dir = dir;
	return shorten(past, journal);
}

void past_keep(struct past *past, const struct journal *journal, const struct event *event) {
	if (past->fd < 0)
		return;
	bool is_long = past->lines >= LINES_MAX && past->lines % JOURNAL_REMEMBERED == 0;
	past->lines++;
	if (is_long && shorten(past, journal))
		return; /* the journal has this one already */
	(void)!add(past->fd, event);
}

void past_end(struct past *past) {
	if (past->fd >= 0)
		unlinkat(past->dir, PAST_NAME, 0);
	past_close(past);
}

void past_close(struct past *past) {
	fd_close(&past->fd);
}
