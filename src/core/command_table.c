#include "core/command_table.h"

#include <string.h>

#include "core/protocol.h"
#include "util/edit_distance.h"

#define SENT(field)  .sent = true, .offset = offsetof(struct request, field)
#define SHOWN(field) .sent = false, .offset = offsetof(struct display, field)

/* clang-format off */
const struct verb_row verb_rows[VERB_COUNT] = {
	[VERB_STATUS] = { "status", SLOTS_NONE, PEER_GROUP,
		"the herd and its workers",
		"Prints one line for the herd and one for each worker. Exits 4 when the herd is degraded.",
		{ { "json", 'j', NULL, SHOWN(json), .help = "as JSON, for programs" },
		  { "watch", 'w', "[SECONDS]", 2, SHOWN(watch), .help = "again and again, in place" } } },
	[VERB_EVENTS] = { "events", SLOTS_NONE, PEER_GROUP,
		"what happened, and why",
		"Prints the events that the daemon remembers, the oldest first.",
		{ { "follow", 'f', NULL, SENT(follow), .help = "and those to come" },
		  { "since", 'n', "N", SENT(since), .help = "only those after event number N" },
		  { "json", 'j', NULL, SHOWN(json), .help = "as JSON, one event per line" } } },
	[VERB_RESTART] = { "restart", SLOTS_SOME, PEER_GROUP,
		"replace workers, losing no request",
		"A fresh worker is up and has proved itself before the old one drains. With --all the "
		"app's directory is resolved anew: a deploy without downtime.",
		{ { "all", 'a', NULL, SENT(all), .help = "every worker, one after the other" },
		  { "wait", 'w', NULL, SENT(wait), .help = "until it is done, with its progress" },
		  { "force", 'f', NULL, SENT(force), .help = "even where a worker must stop before its "
			"replacement starts" } } },
	[VERB_RELOAD] = { "reload", SLOTS_NONE, PEER_GROUP,
		"read the configuration again",
		"Prints what changed. A bad file changes nothing and its errors are printed." },
	[VERB_EXPLAIN] = { "explain", SLOTS_ONE, PEER_GROUP,
		"why a worker was replaced, or was not",
		"Prints its latest samples and what each rule makes of them.",
		{ { "json", 'j', NULL, SHOWN(json), .help = "as JSON, for programs" } } },
	[VERB_REOPEN] = { "reopen", SLOTS_NONE, PEER_GROUP,
		"open the log files again",
		"For logrotate: output goes to new files of the same names." },
	[VERB_STOP] = { "stop", SLOTS_NONE, PEER_OWNER,
		"drain every worker, then leave",
		"Asked twice, drains are cut short.",
		{ { "wait", 'w', NULL, SENT(wait), .help = "until every worker is gone" },
		  { "orphans", 'o', NULL, SHOWN(orphans), .help = "whom a daemon has left that is no more" },
		  { "unit", 'u', NULL, SHOWN(unit), .help = "with them whatever else is in this cgroup" } } },
	[VERB_UPGRADE] = { "upgrade", SLOTS_NONE, PEER_OWNER,
		"go on as the pumakeeperd that is installed now",
		"The installed program is started dry first. If it can't take over, nothing changes and "
		"its reason is printed. Workers and requests notice nothing." },
	[VERB_DETACH] = { "detach", SLOTS_NONE, PEER_OWNER,
		"leave, and let the workers serve on",
		"The next pumakeeperd takes them over and replaces them one after the other. For "
		"`systemctl restart`, which asks for it by itself." },
};
/* clang-format on */

enum verb verb_find(const char *name) {
	unsigned v = 0;
	while (v < VERB_COUNT && strcmp(verb_rows[v].name, name) != 0)
		v++;
	return (enum verb)v;
}

/* `stat` and `expl` are abbreviations rather than errors. */
static bool begins(const char *typed, const char *word) {
	size_t n = strlen(typed);
	return n >= 2 && strncmp(word, typed, n) == 0;
}

enum verb verb_nearest(const char *name) {
	enum verb best = VERB_COUNT;
	unsigned distance = EDIT_DISTANCE_FAR;
	for (unsigned v = 0; v < VERB_COUNT; v++) {
		const char *word = verb_rows[v].name;
		unsigned d = edit_distance(name, word);
		if (d < distance && (begins(name, word) || edit_near(d, strlen(name)))) {
			best = (enum verb)v;
			distance = d;
		}
	}
	return best;
}

const struct verb_option *verb_option_find(enum verb verb, const char *name) {
	const struct verb_option *o = verb_rows[verb].options;
	for (size_t i = 0; i < VERB_OPTIONS && o[i].name != NULL; i++) {
		if (strcmp(o[i].name, name) == 0)
			return &o[i];
	}
	return NULL;
}
