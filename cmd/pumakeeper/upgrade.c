#include "cmd/pumakeeper/upgrade.h"

#include <stdio.h>

#include "cmd/pumakeeper/ask.h"
#include "cmd/pumakeeper/exit.h"
#include "cmd/pumakeeper/link.h"
#include "cmd/pumakeeper/pause.h"
#include "core/json_read.h"

#define LOOKS      600 /* a minute: it may have to ask Puma first */
#define LOOK_EVERY 100 /* ms */

static json_t *read_status(const char *path) {
	const struct request request = { .verb = VERB_STATUS };
	struct link link;
	int error = link_open(&link, path, NULL);
	if (error == 0)
		error = link_ask(&link, &request);
	json_t *answer = error == 0 ? link_next(&link, &error) : NULL;
	link_close(&link);
	return answer;
}

/* How often this herd was taken over; -1: nobody says. */
static int64_t adoptions_of(const json_t *status) {
	return json_read_number_or(json_object_get(status, "counters"), "adoptions", -1);
}

static int wait_for_it(const char *path, int64_t before) {
	for (int i = 0; i < LOOKS; i++) {
		json_t *status = read_status(path);
		const char *version = json_read_string(status, "version");
		bool over = adoptions_of(status) > before && version != NULL;
		if (over)
			printf("pumakeeperd %s (pid %lld) has taken over\n", version,
			       (long long)json_read_number_or(status, "pid", 0));
		json_decref(status);
		if (over)
			return EXIT_DONE;
		pause_for(LOOK_EVERY);
	}
	fprintf(stderr, "pumakeeper: %s: the other program does not answer\n", path);
	return EXIT_FAILED;
}

int upgrade(const char *path, const struct arguments *a) {
	json_t *status = read_status(path);
	int64_t before = adoptions_of(status);
	json_decref(status);
	int code = ask(path, a);
	return code == EXIT_DONE ? wait_for_it(path, before) : code;
}
