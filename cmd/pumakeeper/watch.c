#include "cmd/pumakeeper/watch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/pumakeeper/exit.h"
#include "cmd/pumakeeper/link.h"
#include "cmd/pumakeeper/screen.h"
#include "core/json_read.h"
#include "core/status_table.h"

static char page[1 << 18];

/* NULL with `*error`; 0 there when it was no status. */
static json_t *read_status(const char *path, const struct request *request, int *error) {
	struct link link;
	json_t *answer = NULL;
	*error = link_open(&link, path, screen_mask());
	if (*error == 0)
		*error = link_ask(&link, request);
	if (*error == 0)
		answer = link_next(&link, error);
	link_close(&link);
	return answer;
}

static void print_json(const json_t *answer) {
	json_dumpf(answer, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
	fputs("\n", stdout);
	fflush(stdout);
}

static void compose_trouble(const json_t *answer, const char *path, int error, struct text *out) {
	const struct style style = screen_style();
	const char *refused = json_read_string(answer, "error");
	char line[600];
	struct text sentence = TEXT_IN(line);
	text_printf(&sentence, "%s: %s", path,
		    refused != NULL ? refused
		    : error != 0    ? strerror(-error)
				    : "no answer");
	paint_wrapped(out, &style, 0, line);
}

static void show(const struct arguments *a, const char *path) {
	const struct style style = screen_style();
	struct text out = TEXT_IN(page);
	int error;
	json_t *answer = read_status(path, &a->request, &error);
	bool good = json_read_true(answer, "ok");
	if (good)
		status_table_print(answer, &style, &out);
	else
		compose_trouble(answer, path, error, &out);
	if (error == -EINTR)
		; /* what is drawn stays until we know more */
	else if (!a->display.json)
		screen_draw(page);
	else if (good)
		print_json(answer);
	else
		fputs(page, stderr);
	json_decref(answer);
}

int watch(const char *path, const struct arguments *a) {
	unsigned seconds = a->display.watch < 86400 ? (unsigned)a->display.watch : 86400;
	screen_enter(!a->display.json);
	do
		show(a, path);
	while (screen_wait(seconds));
	screen_leave();
	return EXIT_DONE;
}
