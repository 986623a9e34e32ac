#include "cmd/pumakeeper/systemctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The caller's, for pclose(); NULL. */
static FILE *ask(const char *verb, const char *unit) {
	char command[400];
	if (unit[strspn(unit, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			      ":-_.\\@")] != '\0')
		return NULL; /* no name of a unit: nothing for a shell */
	snprintf(command, sizeof command, "systemctl %s '%s' 2>/dev/null", verb, unit);
	return popen(command, "re");
}

void systemctl_job(const char *unit, char job[SYSTEMCTL_WORD]) {
	char name[256];
	job[0] = '\0';
	FILE *out = ask("list-jobs --no-legend", unit);
	if (out == NULL)
		return;
	if (fscanf(out, "%*s %255s %31s", name, job) != 2)
		job[0] = '\0';
	pclose(out);
}

static void note(struct unit_moment *moment, const char *name, const char *value) {
	if (strcmp(name, "ActiveState") == 0)
		snprintf(moment->active, sizeof moment->active, "%s", value);
	else if (strcmp(name, "SubState") == 0)
		snprintf(moment->sub, sizeof moment->sub, "%s", value);
	else if (strcmp(name, "Job") == 0)
		moment->job = (unsigned)strtoul(value, NULL, 10);
	else if (strcmp(name, "MainPID") == 0)
		moment->main_pid = (unsigned)strtoul(value, NULL, 10);
}

void systemctl_moment(const char *unit, struct unit_moment *moment) {
	char name[64], value[SYSTEMCTL_WORD];
	*moment = (struct unit_moment){ 0 };
	FILE *out = ask("show -p ActiveState,SubState,Job,MainPID", unit);
	if (out == NULL)
		return;
	while (fscanf(out, "%63[^=]=%31s ", name, value) == 2)
		note(moment, name, value);
	pclose(out);
}
