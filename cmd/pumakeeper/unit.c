#include "cmd/pumakeeper/unit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/pumakeeper/bystander.h"
#include "cmd/pumakeeper/exit.h"
#include "cmd/pumakeeper/find.h"
#include "cmd/pumakeeper/link.h"
#include "cmd/pumakeeper/orphans.h"
#include "cmd/pumakeeper/pause.h"
#include "cmd/pumakeeper/systemctl.h"

#define LOOK_EVERY 50 /* ms */
/*
 * How long it is looked whether a stop comes while the unit waits for its next start: systemd
 * calls nobody for one that comes later than this (RestartSec= is 0 for that), which then returns
 * before whoever stays behind has ended the workers. It is also what
 * slows down a unit that fails again and again, each of whose starts is a job, too.
 */
#define PAUSE        250
#define PAUSE_FAILED 2000

/* It does not even say no: what it leaves is taken over all the same, as after a crash. */
static void end_main(void) {
	const char *word = getenv("MAINPID");
	pid_t pid = word != NULL ? (pid_t)strtol(word, NULL, 10) : 0;
	if (pid > 1)
		kill(pid, SIGKILL);
}

/* It leaves, or says why not: then the SIGTERM that comes next drains. False: nobody answers. */
static bool answers_detach(const char *path) {
	const struct request detach = { .verb = VERB_DETACH };
	struct link link;
	int error = link_open(&link, path, NULL);
	if (error == 0)
		error = link_ask(&link, &detach);
	json_t *answer = error == 0 ? link_next(&link, &error) : NULL;
	link_close(&link);
	bool is_one = answer != NULL;
	json_decref(answer);
	return is_one;
}

int unit_stop(const struct arguments *a) {
	char job[SYSTEMCTL_WORD], path[108];
	systemctl_job(a->unit, job);
	if (strcmp(job, "restart") != 0)
		return EXIT_DONE; /* the SIGTERM that comes next drains */
	if (find_daemon(a->socket, path, sizeof path) == EXIT_DONE && !answers_detach(path))
		end_main();
	return EXIT_DONE;
}

static bool is_said(const char *variable, const char *word) {
	const char *value = getenv(variable);
	return value != NULL && strcmp(value, word) == 0;
}

/* RestartPreventExitStatus= */
static bool is_final(void) {
	return is_said("EXIT_CODE", "exited") &&
	       (is_said("EXIT_STATUS", "0") || is_said("EXIT_STATUS", "2") ||
		is_said("EXIT_STATUS", "78"));
}

/* What is to become of the unit: its job, when a pause is over in which there was no other. */
static void await_job(const char *unit, char job[SYSTEMCTL_WORD]) {
	bool failed = is_said("SERVICE_RESULT", "exit-code");
	long pause = failed ? PAUSE_FAILED : PAUSE;
	systemctl_job(unit, job);
	if (is_final())
		return; /* whoever has typed `start` need not wait */
	for (long waited = 0; waited < pause; waited += LOOK_EVERY) {
		bool none = job[0] == '\0', again = failed && strcmp(job, "start") == 0;
		if (!none && !again)
			return;
		pause_for(LOOK_EVERY);
		systemctl_job(unit, job);
	}
}

int unit_stopped(const struct arguments *a) {
	char job[SYSTEMCTL_WORD];
	await_job(a->unit, job);
	if (strcmp(job, "stop") != 0) { /* another daemon follows */
		if (!is_final())
			bystander_leave(a);
		return EXIT_DONE;
	}
	struct arguments stop = { .verb = VERB_STOP, .socket = a->socket };
	stop.display.unit = true;
	return orphans(&stop);
}
