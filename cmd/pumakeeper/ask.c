#include "cmd/pumakeeper/ask.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/pumakeeper/exit.h"
#include "cmd/pumakeeper/find.h"
#include "cmd/pumakeeper/link.h"
#include "cmd/pumakeeper/screen.h"
#include "core/event_line.h"
#include "core/explain_table.h"
#include "core/json_read.h"
#include "core/status_table.h"

/* 64 workers with colours, notes and all are a tenth of it. */
static char page[1 << 18];

static void print_json(const json_t *line) {
	json_dumpf(line, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
	fputs("\n", stdout);
}

/* A sentence of the daemon's, which may quote anybody's. */
static void print_sentence(FILE *to, const char *before, const char *sentence) {
	struct text out = TEXT_IN(page);
	struct style style = screen_style();
	style.width = 0;
	paint_wrapped(&out, &style, 0, sentence);
	fprintf(to, "%s%s", before, page);
}

static void print_lines(FILE *to, const json_t *answer) {
	const json_t *lines = json_object_get(answer, "lines");
	for (size_t i = 0; i < json_array_size(lines); i++) {
		const char *line = json_string_value(json_array_get(lines, i));
		if (line != NULL)
			print_sentence(to, "  ", line);
	}
}

static int print_refusal(const json_t *answer) {
	const char *error = json_read_string(answer, "error");
	print_sentence(stderr, "pumakeeper: ", error != NULL ? error : "refused");
	print_lines(stderr, answer);
	int64_t code = json_read_number_or(answer, "code", EXIT_FAILED);
	return code == EXIT_USAGE ? EXIT_USAGE : EXIT_FAILED;
}

static void print_plain(const json_t *answer) {
	const char *message = json_read_string(answer, "message");
	if (message != NULL)
		print_sentence(stdout, "", message);
	print_lines(stdout, answer);
}

static void print_table(void (*print)(const json_t *, const struct style *, struct text *),
			const json_t *answer) {
	struct style style = screen_style();
	struct text out = TEXT_IN(page);
	print(answer, &style, &out);
	fputs(page, stdout);
}

static int print_answer(const struct arguments *a, const json_t *answer) {
	if (!json_read_true(answer, "ok"))
		return print_refusal(answer);
	if (a->display.json && a->verb != VERB_EVENTS)
		print_json(answer);
	else if (a->verb == VERB_STATUS)
		print_table(status_table_print, answer);
	else if (a->verb == VERB_EXPLAIN)
		print_table(explain_table_print, answer);
	else
		print_plain(answer);
	return a->verb == VERB_STATUS && status_is_degraded(answer) ? EXIT_DEGRADED : EXIT_DONE;
}

/* What comes before the answer: events and progress. */
static void print_before(const struct arguments *a, json_t *line) {
	struct style style = screen_style();
	struct text out = TEXT_IN(page);
	const char *progress = json_read_string(line, "progress");
	if (a->display.json)
		print_json(line);
	else if (progress != NULL)
		print_sentence(stdout, "", progress);
	else if (json_read_string(line, "event") != NULL) {
		event_line_print(line, &style, &out);
		fputs(page, stdout);
	}
	fflush(stdout);
}

static int say_broken(const char *path, int error) {
	const char *why = strerror(-error);
	if (error == 0)
		why = "the daemon went away before it had answered";
	else if (error == -ETIMEDOUT)
		why = "the daemon does not answer";
	else if (error == -EBADMSG || error == -EMSGSIZE)
		why = "that is not an answer of pumakeeperd's";
	fprintf(stderr, "pumakeeper: %s: %s\n", path, why);
	return EXIT_FAILED;
}

static int listen_to(struct link *link, const char *path, const struct arguments *a) {
	int error;
	bool begun = false;
	json_t *line;
	while ((line = link_next(link, &error)) != NULL) {
		bool last = json_object_get(line, "ok") != NULL;
		int code = EXIT_DONE;
		if (last)
			code = print_answer(a, line);
		else
			print_before(a, line);
		begun = true;
		json_decref(line);
		if (last)
			return code;
	}
	/* Whoever becomes another program lets go of everybody. */
	if (error == 0 && begun && a->verb == VERB_UPGRADE)
		return EXIT_DONE;
	return say_broken(path, error);
}

int ask(const char *path, const struct arguments *a) {
	struct link link;
	int error = link_open(&link, path, NULL);
	if (error != 0)
		return find_failed(path, error);
	error = link_ask(&link, &a->request);
	int code = error != 0 ? say_broken(path, error) : listen_to(&link, path, a);
	link_close(&link);
	return code;
}
