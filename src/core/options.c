#include <string.h>

#include "core/app_name.h"
#include "core/config.h"

#define AT(member) offsetof(struct config, member)

#define SIZE_LEAST ((uint64_t)1 << 20) /* below it a unit was forgotten, not meant */
#define SIZE_MOST  ((uint64_t)1 << 50)
#define PATH_MOST  4095 /* PATH_MAX without its NUL */
#define ANY        UINT64_MAX

static int check_name(const char *key UNUSED, const char *text, struct error *err) {
	return app_name_check(text, err);
}

static int check_absolute(const char *key UNUSED, const char *text, struct error *err) {
	return *text == '/' ? 0 : error_at(err, 0, 0, "is not absolute; start it with a slash");
}

static int check_variable(const char *key, const char *text UNUSED, struct error *err) {
	if (*key != '\0' && strchr(key, '=') == NULL)
		return 0;
	return error_at(err, 0, 0, "is not a variable's name; expected one without `=`");
}

/* A token of RFC 9110; and a value that can't begin a header of its own. */
static int check_header(const char *key, const char *text, struct error *err) {
	static const char token[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789!#$%&'*+-.^_`|~";
	if (*key == '\0' || key[strspn(key, token)] != '\0')
		return error_at(err, 0, 0,
				"is not a header's name; expected one such as X-Forwarded-Proto");
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return error_at(err, 0, 0,
					"holds a control character; expected one line of text");
	}
	return 0;
}

static int check_request(const char *key UNUSED, const char *text, struct error *err) {
	if (*text != '/')
		return error_at(err, 0, 0, "is not a path; expected one such as /up, or none");
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7f)
			return error_at(err, 0, 0,
					"has bytes that a URL has not; write them as %%20 and the "
					"like");
	}
	return 0;
}

static int check_preload(const char *key UNUSED, const char *text, struct error *err) {
	if (*text == '/' || strcmp(text, "jemalloc") == 0 || strcmp(text, "none") == 0)
		return 0;
	return error_at(err, 0, 0, "expected jemalloc, none or a library's absolute path");
}

static int check_malloc_conf(const char *key UNUSED, const char *text, struct error *err) {
	if (text[strcspn(text, " \t\n\r")] == '\0')
		return 0;
	return error_at(err, 0, 0, "has a blank; expected pairs such as narenas:4,thp:never");
}

static const char *const off_choice[] = { "off", NULL };
static const char *const none_choice[] = { "none", NULL };
static const char *const mode_choices[] = {
	[MODE_POOL] = "pool",
	[MODE_CLUSTER] = "cluster",
	NULL,
};
static const char *const figure_choices[] = {
	[FIGURE_USS] = "uss",
	[FIGURE_PSS] = "pss",
	[FIGURE_RSS] = "rss",
	NULL,
};
static const char *const format_choices[] = { [LOG_TEXT] = "text", [LOG_JSON] = "json", NULL };
static const char *const level_choices[] = {
	[LEVEL_ERROR] = "error",
	[LEVEL_WARNING] = "warning",
	[LEVEL_INFO] = "info",
	[LEVEL_DEBUG] = "debug",
	NULL,
};

const struct section sections[] = {
	{ "app", "What is launched, how often, and where it listens.", NULL, NULL },
	{ "app.probe", "How a fresh worker proves that it serves: one HTTP request.", "none",
	  "app.probe.path" },
	{ "app.refork",
	  "When a warm worker becomes the next mold, from which the others are forked anew: its "
	  "caches and compiled code are shared then. Only with app.preload.",
	  "off", "app.refork.after" },
	{ "allocator", "The workers' malloc. Only they get it, not what they launch.", NULL, NULL },
	{ "memory",
	  "When a worker is too big. Sizes: 512MiB, 1GB, or 25% of the machine's memory "
	  "(of the cgroup's limit, where there is one).",
	  NULL, NULL },
	{ "restart", "How a worker is replaced: the new one serves before the old one goes.", NULL,
	  NULL },
	{ "hooks",
	  "Commands of yours that are run at a moment: in the release's directory, with the app's "
	  "environment and what there is to know in PUMAKEEPER_* variables (listed in the manual "
	  "page). They may delay a replacement for a while, and never prevent it.",
	  NULL, NULL },
	{ "control", "Who may ask and command the daemon.", NULL, NULL },
	{ "log", "What the daemon says about itself, on standard error.", NULL, NULL },
};
const size_t sections_len = ARRAY_LEN(sections);

/* clang-format off */
const struct option options[] = {
	{ "app.name", OPTION_STRING, AT(app.name), NULL, 1, APP_NAME_MAX, NULL, false,
		"What the app is called in logs, and its directory below /run/pumakeeper. By "
		"default the last part of its directory that is not `current` or below "
		"`releases`.",
		"shop", check_name },
	{ "app.command", OPTION_STRINGS, AT(app.command), NULL, 1, ANY, NULL, true,
		"What starts one worker, word by word; no shell reads it. It must become the "
		"process that serves: `bundle exec puma`, not `bin/rails server`. Puma is told to "
		"run in single mode whatever its own configuration says.",
		"[bundle, exec, puma, -C, config/puma.rb]", NULL },
	{ "app.directory", OPTION_STRING, AT(app.directory), NULL, 1, PATH_MOST, NULL, false,
		"Where it is started. A link such as `current` is followed at start and at "
		"`pumakeeper restart --all`, nowhere else. By default where the daemon is.",
		"/srv/shop/current", check_absolute },
	{ "app.environment", OPTION_PAIRS, AT(app.environment), NULL, 0, ANY, NULL, true,
		"Variables for the workers; they win over the daemon's own.",
		"{RAILS_ENV: production}", check_variable },
	{ "app.mode", OPTION_CHOICE, AT(app.mode), "pool", 0, 0, mode_choices, false,
		"pool: single-mode workers on listening sockets that pumakeeper owns. cluster: one "
		"Puma in cluster mode on those sockets, whose master forks the workers; each is "
		"watched and replaced all the same.",
		NULL, NULL },
	{ "app.preload", OPTION_BOOL, AT(app.preload), "false", 0, 0, NULL, false,
		"true: the app is loaded once, in a process that serves nobody (the mold), and "
		"workers are forked from it: they share memory and are ready in milliseconds. For "
		"apps that Puma's own preload_app! suits: not with libraries that a fork breaks "
		"(grpc, rdkafka). Without a file it is what Puma's own configuration says.",
		NULL, NULL },
	{ "app.workers", OPTION_COUNT, AT(app.workers), "auto", 0, CONFIG_WORKERS_MAX, NULL, true,
		"How many of them. auto: one for each processor.",
		NULL, NULL },
	{ "app.listen", OPTION_ADDRESSES, AT(app.listen), NULL, 0, 64, NULL, false,
		"Where they listen: tcp://HOST:PORT, unix:///PATH, unix:///PATH?mode=0660 or "
		"unix://@NAME. Plain HTTP; terminate TLS in front. A socket that systemd passes "
		"(a .socket unit) is used where it is at one of these addresses; systemd:NAME is "
		"all those with that FileDescriptorName=, wherever they are. By default what "
		"Puma's own configuration binds.",
		"[tcp://0.0.0.0:9292]", NULL },
	{ "app.defer_accept", OPTION_TIME, AT(app.defer_accept), "5s", 0, 5 * MSEC_MINUTE, NULL, false,
		"tcp: a connection is handed to a worker when its first bytes are there, and after "
		"this time at the latest; in whole seconds. It is what keeps a leaving worker from "
		"dropping one.",
		NULL, NULL },
	{ "app.boot_timeout", OPTION_TIME, AT(app.boot_timeout), "60s", MSEC_SECOND, MSEC_HOUR, NULL, true,
		"A worker that has not proved itself by then is ended, and tried again later.",
		NULL, NULL },
	{ "app.boot_concurrency", OPTION_COUNT, AT(app.boot_concurrency), "auto", 0, 512, NULL, true,
		"How many boot at a time, once a first one serves. auto: half of the processors.",
		NULL, NULL },
	{ "app.output", OPTION_STRING, AT(app.output), NULL, 1, PATH_MOST, NULL, false,
		"A file for what workers print; `pumakeeper reopen` after it was rotated. By "
		"default they write where the daemon does.",
		"/var/log/shop/puma.log", check_absolute },

	{ "app.probe.path", OPTION_STRING, AT(app.probe.path), "/up", 1, 1024, none_choice, true,
		"What is requested. Rails before 7.1 has no /up. none: no request, ready is what "
		"looks ready from outside.",
		NULL, check_request },
	{ "app.probe.status", OPTION_STATUS, AT(app.probe.status), "default", 100, 599, NULL, true,
		"Which answers count, such as 200-399, 404. default: all below 500 but 403, which "
		"is what Rails says to a host it does not know (config.hosts).",
		NULL, NULL },
	{ "app.probe.headers", OPTION_PAIRS, AT(app.probe.headers), NULL, 0, 32, NULL, true,
		"Added to the request, or in place of ours: Host is localhost, X-Forwarded-Proto "
		"is https.",
		"{Host: shop.example}", check_header },
	{ "app.probe.timeout", OPTION_TIME, AT(app.probe.timeout), "10s", 100, 10 * MSEC_MINUTE, NULL, true,
		"How long one answer of a booting worker may take, from when it has read the "
		"question; then it is asked anew.",
		NULL, NULL },
	{ "app.probe.liveness", OPTION_TIME, AT(app.probe.liveness), "off", 0, MSEC_HOUR, NULL, true,
		"How often a ready worker is asked again. One that neither answers nor works for "
		"60s is replaced. Each request is a line in the app's log.",
		NULL, NULL },

	{ "app.refork.after", OPTION_TIME, AT(app.refork.after), "off", 0, 24 * MSEC_HOUR, NULL, true,
		"So long after the mold was made, and again so long after that.",
		NULL, NULL },
	{ "app.refork.requests", OPTION_COUNT, AT(app.refork.requests), "off", 0, 1000000000, off_choice, true,
		"When a worker has answered so many.",
		NULL, NULL },

	{ "allocator.preload", OPTION_STRING, AT(allocator.preload), "jemalloc", 1, PATH_MOST, NULL, true,
		"jemalloc: the library is found on this machine. none, or a library's path.",
		NULL, check_preload },
	{ "allocator.malloc_conf", OPTION_STRING, AT(allocator.malloc_conf), NULL, 1, PATH_MOST, NULL, true,
		"MALLOC_CONF; it comes after our own pairs, and later ones win.",
		"narenas:4,dirty_decay_ms:5000", check_malloc_conf },
	{ "allocator.require", OPTION_BOOL, AT(allocator.require), "false", 0, 0, NULL, true,
		"A worker that does not really run on it is an error, not a warning.",
		NULL, NULL },

	{ "memory.interval", OPTION_TIME, AT(memory.interval), "5s", 100, MSEC_HOUR, NULL, true,
		"How often workers are measured; more often while one grows towards its limit.",
		NULL, NULL },
	{ "memory.figure", OPTION_CHOICE, AT(memory.figure), "uss", 0, 0, figure_choices, true,
		"What is compared with soft and hard. uss: what a restart gives back, swap "
		"included. pss: shared pages by halves. rss: what top shows.",
		NULL, NULL },
	{ "memory.soft", OPTION_SIZE, AT(memory.soft), "auto", SIZE_LEAST, SIZE_MOST, NULL, true,
		"A worker above it for long enough (strikes) is replaced at a quiet moment. auto: "
		"its share of total.",
		NULL, NULL },
	{ "memory.hard", OPTION_SIZE, AT(memory.hard), "auto", SIZE_LEAST, SIZE_MOST, NULL, true,
		"A worker above it once is replaced now. auto: half as much again as soft, at most "
		"total.",
		NULL, NULL },
	{ "memory.strikes", OPTION_STRIKES, AT(memory.strikes), "3 of 5", 1, 32, NULL, true,
		"So many of the last samples must be above soft.",
		NULL, NULL },
	{ "memory.total", OPTION_SIZE, AT(memory.total), "auto", SIZE_LEAST, SIZE_MOST, NULL, true,
		"All workers together (their PSS). Above it the biggest one goes. auto: 80% of the "
		"memory there is, divided by the number of pumakeepers where no cgroup limits us.",
		NULL, NULL },
	{ "memory.rollup_budget", OPTION_PERCENT, AT(memory.rollup_budget), "1%", 1, 10000, NULL, true,
		"What exact measuring may cost, of one processor; the kernel walks every page for "
		"it. When it is spent, figures are older, and say so.",
		NULL, NULL },

	{ "restart.rehearse", OPTION_BOOL, AT(restart.rehearse), "false", 0, 0, NULL, true,
		"Only say what would be replaced.",
		NULL, NULL },
	{ "restart.surge", OPTION_BOOL, AT(restart.surge), "true", 0, 0, NULL, true,
		"true: a new worker is up before the old one goes. false: the old one goes first, "
		"so that there is never a worker more than app.workers, and one less meanwhile.",
		NULL, NULL },
	{ "restart.max_surge", OPTION_COUNT, AT(restart.max_surge), "1", 1, 512, NULL, true,
		"How many are replaced at a time. Each is one worker more while it lasts: memory, "
		"and `threads` more database connections.",
		NULL, NULL },
	{ "restart.allow_gap", OPTION_BOOL, AT(restart.allow_gap), "false", 0, 0, NULL, true,
		"An only worker that has no room for its successor may go first, when it is above "
		"hard or total. Requests wait meanwhile.",
		NULL, NULL },
	{ "restart.min_age", OPTION_TIME, AT(restart.min_age), "60s", 0, 24 * MSEC_HOUR, NULL, true,
		"A younger worker is not replaced for soft.",
		NULL, NULL },
	{ "restart.cooldown", OPTION_TIME, AT(restart.cooldown), "30s", 0, 24 * MSEC_HOUR, NULL, true,
		"The pause between two replacements for soft.",
		NULL, NULL },
	{ "restart.min_useful_life", OPTION_TIME, AT(restart.min_useful_life), "30m", 0, 24 * MSEC_HOUR, NULL, true,
		"Workers that are above the same limit again within this time, three times over, "
		"are not helped by replacing: it is said, with the limit that would work, and tried "
		"ever more rarely.",
		NULL, NULL },
	{ "restart.quiet_wait", OPTION_TIME, AT(restart.quiet_wait), "5s", 0, 10 * MSEC_MINUTE, NULL, true,
		"How long to look for a moment without a request in the old worker.",
		NULL, NULL },
	{ "restart.stop_delay", OPTION_TIME, AT(restart.stop_delay), "off", 0, MSEC_HOUR, NULL, true,
		"When the daemon stops: go on serving so long first, until a balancer has noticed.",
		NULL, NULL },
	{ "restart.drain_timeout", OPTION_TIME, AT(restart.drain_timeout), "60s", MSEC_SECOND, 24 * MSEC_HOUR, NULL, true,
		"A worker that was asked to go and is still there by then is killed.",
		NULL, NULL },
	{ "restart.half_close_after", OPTION_TIME, AT(restart.half_close_after), "10s", 0, 24 * MSEC_HOUR, NULL, true,
		"When a drain does not get on for so long, its idle connections are closed for "
		"reading, so that their clients open new ones elsewhere. WebSockets look idle.",
		NULL, NULL },

	{ "restart.every", OPTION_TIME, AT(restart.every), "off", 0, 30 * 24 * MSEC_HOUR, NULL, true,
		"Replace all workers so often, whatever their memory says, one after the other; "
		"not those that are younger than half of it. Seldom needed: a leak is seen, and "
		"replaced, by its size.",
		NULL, NULL },
	{ "restart.splay", OPTION_TIME, AT(restart.splay), "5m", 0, 24 * MSEC_HOUR, NULL, true,
		"Up to so much later, by chance: not all machines at once.",
		NULL, NULL },

	{ "hooks.before_restart", OPTION_STRINGS, AT(hooks.before_restart), NULL, 0, ANY, NULL, true,
		"Run with each replacement, word by word; no shell reads it. The old worker serves "
		"until it has ended, or is late: meanwhile the new one boots. Not before a stop of "
		"the daemon, nor with `restart --force`.",
		"[bin/before_restart]", NULL },
	{ "hooks.after_sample", OPTION_STRINGS, AT(hooks.after_sample), NULL, 0, ANY, NULL, true,
		"Run when all workers have been measured (memory.interval), with the sums; not "
		"while the last one runs. Nothing waits for it.",
		"[bin/after_sample]", NULL },
	{ "hooks.timeout", OPTION_TIME, AT(hooks.timeout), "10s", 100, 10 * MSEC_MINUTE, NULL, true,
		"A hook that is still there by then is killed with its whole process group.",
		NULL, NULL },

	{ "control.socket", OPTION_STRING, AT(control.socket), NULL, 1, 107, NULL, false,
		"By default /run/pumakeeper/NAME/control, or below $XDG_RUNTIME_DIR, or in /tmp.",
		"/run/pumakeeper/shop/control", check_absolute },
	{ "control.group", OPTION_STRING, AT(control.group), NULL, 1, 255, NULL, false,
		"A group whose members may command, too. By default only our own user and root.",
		"deploy", NULL },

	{ "log.format", OPTION_CHOICE, AT(log.format), "text", 0, 0, format_choices, true,
		"text: key=value. json: one object a line.",
		NULL, NULL },
	{ "log.level", OPTION_CHOICE, AT(log.level), "info", 0, 0, level_choices, true,
		"The least important that is said.",
		NULL, NULL },
};
/* clang-format on */
const size_t options_len = ARRAY_LEN(options);
