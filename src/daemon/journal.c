#include "daemon/journal.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "os/clock.h"

#define LINE_MAX_BYTES 4096 /* PIPE_BUF: what POLLOUT promises on a pipe */

struct journal {
	struct journal_rules rules;
	void (*told)(void *context, const struct event *event);
	void *context;
	uint64_t seq;
	uint64_t first; /* the oldest that is remembered, if that many were not told since */
	uint64_t dropped;
	struct event ring[JOURNAL_REMEMBERED];
};

struct journal *journal_create(const struct journal_rules *rules) {
	struct journal *j = calloc(1, sizeof *j);
	if (j != NULL)
		j->rules = *rules;
	return j;
}

void journal_destroy(struct journal *j) {
	free(j);
}

void journal_set_rules(struct journal *j, const struct journal_rules *rules) {
	j->rules = *rules;
}

void journal_listen(struct journal *j, void (*told)(void *context, const struct event *event),
		    void *context) {
	j->told = told;
	j->context = context;
}

/* Whole lines or none: a reader never meets half of one. */
static bool put_line(int fd, const struct text *line) {
	struct pollfd room = { .fd = fd, .events = POLLOUT };
	if (poll(&room, 1, 0) != 1 || (room.revents & POLLOUT) == 0)
		return false;
	ssize_t n;
	while ((n = write(fd, line->data, line->len)) < 0 && errno == EINTR)
		;
	return n >= 0;
}

/* syslog(3): 3 is an error, 4 a warning, 6 information, 7 debug. */
static int priority_of(enum log_level level) {
	switch (level) {
	case LEVEL_ERROR: return 3;
	case LEVEL_WARNING: return 4;
	case LEVEL_INFO: return 6;
	case LEVEL_DEBUG: break;
	}
	return 7;
}

static void print_time(const struct event *e, struct text *line) {
	struct tm tm;
	char date[32];
	time_t seconds = (time_t)(e->wall_msec / 1000);
	localtime_r(&seconds, &tm);
	strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S%z", &tm);
	text_printf(line, "%s %-7s ", date, level_name(event_rows[e->id].level));
}

static bool print(struct journal *j, const struct event *e) {
	char buffer[LINE_MAX_BYTES];
	struct text line = text_in(buffer, sizeof buffer - 1);
	enum log_level level = event_rows[e->id].level;
	if (j->rules.priority)
		text_printf(&line, "<%d>", priority_of(level));
	if (j->rules.format == LOG_JSON) {
		event_print_json(e, &line);
	} else {
		if (!j->rules.priority) /* the journal dates and ranks its lines itself */
			print_time(e, &line);
		event_print(e, &line);
	}
	buffer[line.len++] = '\n';
	return put_line(j->rules.fd, &line);
}

static void number(struct journal *j, struct event *e) {
	e->seq = ++j->seq;
	e->wall_msec = clock_wall();
	j->ring[e->seq % JOURNAL_REMEMBERED] = *e;
}

static void say_dropped(struct journal *j) {
	struct event e = event_make(EVENT_LOG_DROPPED);
	event_number(&e, "lines", (int64_t)j->dropped);
	number(j, &e);
	if (print(j, &e))
		j->dropped = 0;
}

void journal_tell(struct journal *j, struct event *event) {
	if (j->dropped > 0)
		say_dropped(j);
	number(j, event);
	if (event_rows[event->id].level <= j->rules.level && !print(j, event))
		j->dropped++;
	if (j->told != NULL)
		j->told(j->context, event);
}

void journal_restore(struct journal *j, const struct event *event) {
	if (event->seq <= j->seq)
		return;
	if (event->seq != j->seq + 1)
		j->first = event->seq;
	j->seq = event->seq;
	j->ring[event->seq % JOURNAL_REMEMBERED] = *event;
}

const struct event *journal_after(const struct journal *j, uint64_t seq) {
	uint64_t first = j->first > 0 ? j->first : 1;
	uint64_t oldest = j->seq > JOURNAL_REMEMBERED ? j->seq - JOURNAL_REMEMBERED + 1 : 1;
	oldest = oldest > first ? oldest : first;
	uint64_t next = seq + 1 > oldest ? seq + 1 : oldest;
	return next <= j->seq ? &j->ring[next % JOURNAL_REMEMBERED] : NULL;
}

bool journal_is_systemds(int fd, const char *journal_stream) {
	unsigned long long dev, ino;
	struct stat st;
	if (journal_stream == NULL || sscanf(journal_stream, "%llu:%llu", &dev, &ino) != 2)
		return false;
	return fstat(fd, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}
