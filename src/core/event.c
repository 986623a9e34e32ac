#include "core/event.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
const struct event_row event_rows[EVENT_COUNT] = {
	[EVENT_DAEMON_STARTED] = { "daemon.started", LEVEL_INFO,
		"version pid name workers",
		"the daemon runs" },
	[EVENT_DAEMON_READY] = { "daemon.ready", LEVEL_INFO,
		"ready workers",
		"the first worker serves" },
	[EVENT_DAEMON_STOPPING] = { "daemon.stopping", LEVEL_INFO,
		"reason delay",
		"asked to stop; draining" },
	[EVENT_DAEMON_HURRIED] = { "daemon.hurried", LEVEL_WARNING,
		"reason",
		"asked twice: drains are cut short" },
	[EVENT_DAEMON_STOPPED] = { "daemon.stopped", LEVEL_INFO,
		"reason uptime",
		"every worker is gone" },
	[EVENT_DAEMON_GAVE_UP] = { "daemon.gave_up", LEVEL_ERROR,
		"attempts reason",
		"at the first start no worker ever became ready" },
	[EVENT_DAEMON_DETACHED] = { "daemon.detached", LEVEL_INFO,
		"by workers",
		"it leaves on purpose: workers serve on, the next pumakeeperd takes them over" },
	[EVENT_DAEMON_UPGRADE_ASKED] = { "daemon.upgrade_asked", LEVEL_INFO,
		"by path",
		"the installed pumakeeperd is started dry, to see whether it can take over" },
	[EVENT_DAEMON_UPGRADING] = { "daemon.upgrading", LEVEL_INFO,
		"path",
		"this process goes on as that program; herd.adopted comes next" },
	[EVENT_DAEMON_UPGRADE_FAILED] = { "daemon.upgrade_failed", LEVEL_ERROR,
		"reason",
		"this pumakeeperd goes on, and nothing has changed" },
	[EVENT_CONFIG_RELOADED] = { "config.reloaded", LEVEL_INFO,
		"changed",
		"the new configuration holds" },
	[EVENT_CONFIG_REFUSED] = { "config.refused", LEVEL_ERROR,
		"reason",
		"a bad file: nothing was changed" },
	[EVENT_CONFIG_NOTE] = { "config.note", LEVEL_INFO,
		"reason",
		"something to know about this setup" },
	[EVENT_WORKER_BOOTING] = { "worker.booting", LEVEL_INFO,
		"slot pid release attempt",
		"a process was started" },
	[EVENT_WORKER_READY] = { "worker.ready", LEVEL_INFO,
		"slot pid took",
		"it answered the probe (or proved itself otherwise)" },
	[EVENT_WORKER_PROBE_REFUSED] = { "worker.probe_refused", LEVEL_WARNING,
		"slot pid status location reason",
		"the app answered the probe with a refusal" },
	[EVENT_WORKER_FAILED] = { "worker.failed", LEVEL_ERROR,
		"slot pid reason attempt retry",
		"it never became ready; retried after a growing pause" },
	[EVENT_WORKER_DIED] = { "worker.died", LEVEL_ERROR,
		"slot pid reason age retry",
		"a ready worker ended by itself" },
	[EVENT_WORKER_RESTARTED] = { "worker.restarted", LEVEL_INFO,
		"slot pid reason age",
		"app.mode cluster: Puma's master has ended it, to start another one in its place" },
	[EVENT_WORKER_REBOOTED] = { "worker.rebooted", LEVEL_WARNING,
		"slot pid",
		"same pid, new image: it has to prove itself again" },
	[EVENT_WORKER_HUNG] = { "worker.hung", LEVEL_ERROR,
		"slot pid reason",
		"liveness: no answer and no work" },
	[EVENT_WORKER_STOPPED] = { "worker.stopped", LEVEL_WARNING,
		"slot pid",
		"it is in state T (SIGSTOP)" },
	[EVENT_REPLACEMENT_STARTED] = { "replacement.started", LEVEL_INFO,
		"slot pid cause figure value limit strikes order",
		"a fresh worker is brought up first" },
	[EVENT_REPLACEMENT_REHEARSED] = { "replacement.rehearsed", LEVEL_WARNING,
		"slot pid cause figure value limit strikes",
		"would have been replaced (restart.rehearse)" },
	[EVENT_REPLACEMENT_WAITS] = { "replacement.waits", LEVEL_INFO,
		"slot pid cause reason",
		"wanted, not yet" },
	[EVENT_REPLACEMENT_FAILED] = { "replacement.failed", LEVEL_ERROR,
		"slot pid cause reason retry",
		"the new worker did not make it; the old one stays" },
	[EVENT_REPLACEMENT_REFUSED] = { "replacement.refused", LEVEL_WARNING,
		"slot cause reason",
		"asked, and not done" },
	[EVENT_REPLACEMENT_FUTILE] = { "replacement.futile", LEVEL_ERROR,
		"cause plateau limit suggested retry reason",
		"replacing does not help: the limit is below what the app needs" },
	[EVENT_REPLACEMENT_USEFUL] = { "replacement.useful", LEVEL_INFO,
		"cause reason",
		"the futility guard is lifted" },
	[EVENT_REPLACEMENT_DONE] = { "replacement.done", LEVEL_INFO,
		"slot pid new_pid cause took gave_back before after",
		"the old worker is gone" },
	[EVENT_HOOK_DONE] = { "hook.done", LEVEL_INFO,
		"which slot pid took",
		"hooks.before_restart has ended: the old worker may go" },
	[EVENT_HOOK_FAILED] = { "hook.failed", LEVEL_WARNING,
		"which slot pid reason took",
		"a command of hooks was in vain; all else goes on. after_sample: told once, until it is mended" },
	[EVENT_DRAIN_STARTED] = { "drain.started", LEVEL_INFO,
		"slot pid open busy quiet",
		"TERM was sent" },
	[EVENT_DRAIN_HALF_CLOSED] = { "drain.half_closed", LEVEL_WARNING,
		"slot pid closed left which",
		"connections of a stalled drain were ended for reading" },
	[EVENT_DRAIN_UNABLE] = { "drain.unable", LEVEL_WARNING,
		"slot pid reason",
		"half-close is not permitted here" },
	[EVENT_DRAIN_KILLED] = { "drain.killed", LEVEL_ERROR,
		"slot pid open busy",
		"out of patience: SIGKILL" },
	[EVENT_DRAIN_DONE] = { "drain.done", LEVEL_INFO,
		"slot pid took how lost status",
		"the process is gone; how: clean, half_closed or killed" },
	[EVENT_MEMORY_SAMPLE] = { "memory.sample", LEVEL_DEBUG,
		"slot pid rss pss uss took",
		"a dear reading" },
	[EVENT_MEMORY_OVER] = { "memory.over", LEVEL_INFO,
		"slot pid figure value limit strikes",
		"over its limit" },
	[EVENT_MEMORY_OVERDUE] = { "memory.overdue", LEVEL_WARNING,
		"slot pid late",
		"a reading has not come back" },
	[EVENT_MEMORY_DEGRADED] = { "memory.degraded", LEVEL_WARNING,
		"reason",
		"only RSS can be read here" },
	[EVENT_MEMORY_LIMIT] = { "memory.limit", LEVEL_WARNING,
		"from to soft hard total reason",
		"there is more or less memory than before (the cgroup's limit): auto and percentages follow" },
	[EVENT_ALLOCATOR_PROOF] = { "allocator.proof", LEVEL_INFO,
		"slot pid name version proof",
		"which malloc the worker really uses" },
	[EVENT_ALLOCATOR_MISSING] = { "allocator.missing", LEVEL_WARNING,
		"reason",
		"the one that is wanted can't be preloaded: workers run without" },
	[EVENT_MOLD_LOADING] = { "mold.loading", LEVEL_INFO,
		"generation pid release",
		"app.preload: the process that workers are forked from was started" },
	[EVENT_MOLD_READY] = { "mold.ready", LEVEL_INFO,
		"generation pid took",
		"its app is loaded: it forks" },
	[EVENT_MOLD_BROKEN] = { "mold.broken", LEVEL_ERROR,
		"generation pid reason retry",
		"it has ended by itself; another one is made, workers go on" },
	[EVENT_MOLD_ENDING] = { "mold.ending", LEVEL_INFO,
		"generation pid",
		"no worker is wanted of it any more" },
	[EVENT_MOLD_GONE] = { "mold.gone", LEVEL_INFO,
		"generation pid",
		"and it is gone" },
	[EVENT_MOLD_ADOPTED] = { "mold.adopted", LEVEL_INFO,
		"generation pid release",
		"another daemon's: it forks nothing, and goes when ours is loaded" },
	[EVENT_MASTER_STARTED] = { "master.started", LEVEL_INFO,
		"generation pid release",
		"app.mode cluster: Puma's master was started" },
	[EVENT_MASTER_READY] = { "master.ready", LEVEL_INFO,
		"generation pid took",
		"it has forked its first worker" },
	[EVENT_MASTER_ADOPTED] = { "master.adopted", LEVEL_INFO,
		"generation pid release",
		"another daemon's: it forks for this one from now on" },
	[EVENT_MASTER_BROKEN] = { "master.broken", LEVEL_ERROR,
		"generation pid reason retry",
		"it has ended by itself, and its workers with it; it is started again" },
	[EVENT_MASTER_ENDING] = { "master.ending", LEVEL_INFO,
		"generation pid",
		"it was told to stop: its workers drain" },
	[EVENT_MASTER_GONE] = { "master.gone", LEVEL_INFO,
		"generation pid",
		"and it is gone" },
	[EVENT_MASTER_GROWS] = { "master.grows", LEVEL_INFO,
		"pid workers",
		"SIGTTIN: it was asked for one worker more, to replace one" },
	[EVENT_MASTER_SHRINKS] = { "master.shrinks", LEVEL_INFO,
		"pid workers",
		"SIGTTOU: the one that followed the replaced one is too many" },
	[EVENT_MASTER_LOOPS] = { "master.loops", LEVEL_ERROR,
		"workers within",
		"its workers end one after the other, and it forks them anew without a pause" },
	[EVENT_MASTER_RESTARTS] = { "master.restarts", LEVEL_INFO,
		"generation pid",
		"a person has told it to restart its workers; nobody is replaced meanwhile" },
	[EVENT_MASTER_RESTARTED] = { "master.restarted", LEVEL_INFO,
		"generation pid took",
		"and it has, or doesn't get on with it" },
	[EVENT_RELEASE_CHANGED] = { "release.changed", LEVEL_INFO,
		"from to",
		"workers from now on boot from it" },
	[EVENT_RELEASE_GONE] = { "release.gone", LEVEL_WARNING,
		"from to",
		"the pinned release was removed" },
	[EVENT_PLACE_LOST] = { "place.lost", LEVEL_ERROR,
		"path reason",
		"the runtime directory, or part of it, was removed and can't be made again" },
	[EVENT_PLACE_MADE] = { "place.made", LEVEL_WARNING,
		"path made",
		"the runtime directory, or part of it, was removed, and is there again" },
	[EVENT_STATE_PARTIAL] = { "state.partial", LEVEL_WARNING,
		"reason",
		"what a former pumakeeperd has left is not all understood; it is kept aside" },
	[EVENT_STATE_UNWRITTEN] = { "state.unwritten", LEVEL_WARNING,
		"reason",
		"the next pumakeeperd will know less of the workers than there is" },
	[EVENT_STATE_SLOW] = { "state.slow", LEVEL_WARNING,
		"took path",
		"the disk of the runtime directory stalls, and pumakeeperd with it; workers serve on" },
	[EVENT_RESTART_ASKED] = { "restart.asked", LEVEL_INFO,
		"slots by force",
		"a person (or tmp/restart.txt) asks" },
	[EVENT_RESTART_DONE] = { "restart.done", LEVEL_INFO,
		"slots took failed",
		"what was asked for is over" },
	[EVENT_CONTROL_REFUSED] = { "control.refused", LEVEL_WARNING,
		"uid reason",
		"a client was turned away" },
	[EVENT_LOG_DROPPED] = { "log.dropped", LEVEL_WARNING,
		"lines",
		"stderr was not read fast enough" },
	[EVENT_HERD_DEGRADED] = { "herd.degraded", LEVEL_WARNING,
		"ready workers reason",
		"fewer are ready than wanted" },
	[EVENT_HERD_OK] = { "herd.ok", LEVEL_INFO,
		"ready workers",
		"every wanted worker is ready" },
	[EVENT_HERD_ADOPTED] = { "herd.adopted", LEVEL_INFO,
		"workers gone replacements",
		"those who served under another daemon go on under this one" },
};
/* clang-format on */

const char *level_name(enum log_level level) {
	switch (level) {
	case LEVEL_ERROR: return "error";
	case LEVEL_WARNING: return "warning";
	case LEVEL_INFO: return "info";
	case LEVEL_DEBUG: return "debug";
	}
	return "?";
}

struct event event_make(enum event_id id) {
	return (struct event){ .id = id };
}

/* A key that the table does not declare is a bug of ours, and found by any test. */
static void assert_declared(enum event_id id, const char *key) {
	const char *fields = event_rows[id].fields;
	size_t n = strlen(key);
	for (const char *at = fields; (at = strstr(at, key)) != NULL; at += n) {
		bool starts = at == fields || at[-1] == ' ';
		bool ends = at[n] == '\0' || at[n] == ' ';
		if (starts && ends)
			return;
	}
	assert(false && "the event's row does not declare this field");
}

static void add(struct event *e, const char *key, struct event_field field) {
	assert_declared(e->id, key);
	assert(e->len < ARRAY_LEN(e->fields) && strlen(key) < EVENT_KEY_MAX);
	e->fields[e->len] = field;
	strcpy(e->fields[e->len++].key, key);
}

void event_number(struct event *e, const char *key, int64_t number) {
	add(e, key, (struct event_field){ .type = FIELD_NUMBER, .number = number });
}

void event_bytes(struct event *e, const char *key, uint64_t bytes) {
	add(e, key, (struct event_field){ .type = FIELD_BYTES, .number = (int64_t)bytes });
}

void event_time(struct event *e, const char *key, msec_t duration) {
	add(e, key, (struct event_field){ .type = FIELD_TIME, .number = duration });
}

void event_text(struct event *e, const char *key, const char *fmt, ...) {
	size_t room = sizeof e->text - e->used;
	va_list args;
	va_start(args, fmt);
	vsnprintf(e->text + e->used, room, fmt, args);
	va_end(args);
	add(e, key, (struct event_field){ .type = FIELD_TEXT, .at = (uint16_t)e->used });
	e->used += strlen(e->text + e->used);
	if (e->used + 1 < sizeof e->text)
		e->used++;
}

static void print_bytes(int64_t bytes, struct text *out) {
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double value = (double)bytes;
	size_t unit = 0;
	for (; value >= 1024 && unit + 1 < ARRAY_LEN(units); unit++)
		value /= 1024;
	text_printf(out, value < 10 && unit > 0 ? "%.1f%s" : "%.0f%s", value, units[unit]);
}

static void print_time(msec_t t, struct text *out) {
	if (t < MSEC_SECOND)
		text_printf(out, "%" PRId64 "ms", t);
	else if (t < MSEC_MINUTE)
		text_printf(out, "%.1fs", (double)t / 1000);
	else if (t < MSEC_HOUR)
		text_printf(out, "%" PRId64 "m%02" PRId64 "s", t / MSEC_MINUTE, t / 1000 % 60);
	else
		text_printf(out, "%" PRId64 "h%02" PRId64 "m", t / MSEC_HOUR, t / MSEC_MINUTE % 60);
}

static bool plain(const char *s) {
	if (*s == '\0')
		return false;
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s <= ' ' || *s == '"' || *s == '=' || *s == 0x7f)
			return false;
	}
	return true;
}

/* The escapes of JSON serve the log line as well. */
static void print_quoted(const char *s, struct text *out) {
	text_put(out, "\"", 1);
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;
		if (c == '"' || c == '\\')
			text_printf(out, "\\%c", c);
		else if (c == '\n')
			text_puts(out, "\\n");
		else if (c < ' ' || c == 0x7f)
			text_printf(out, "\\u%04x", c);
		else
			text_put(out, s, 1);
	}
	text_put(out, "\"", 1);
}

static void print_field(const struct event *e, const struct event_field *f, struct text *out) {
	text_printf(out, " %s=", f->key);
	switch (f->type) {
	case FIELD_NUMBER: text_printf(out, "%" PRId64, f->number); break;
	case FIELD_BYTES: print_bytes(f->number, out); break;
	case FIELD_TIME: print_time(f->number, out); break;
	case FIELD_TEXT:
		if (plain(e->text + f->at))
			text_puts(out, e->text + f->at);
		else
			print_quoted(e->text + f->at, out);
		break;
	}
}

void event_print(const struct event *e, struct text *out) {
	text_printf(out, "event=%s", event_rows[e->id].name);
	for (unsigned i = 0; i < e->len; i++)
		print_field(e, &e->fields[i], out);
}
