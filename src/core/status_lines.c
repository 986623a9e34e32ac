#include "core/status_lines.h"

#include <inttypes.h>
#include <string.h>

#include "core/json_read.h"
#include "core/status_table.h"

/* Seconds; older figures are pointed out. They hold longer while nothing moves (core/watch.h). */
#define STALE_AFTER      60
#define STALE_CALM_AFTER (11 * 60)

enum ink status_ink(const char *state) {
	static const struct {
		const char *state;
		enum ink ink;
	} inks[] = {
		{ "ready", INK_GREEN },    { "ok", INK_GREEN },        { "booting", INK_YELLOW },
		{ "leaving", INK_YELLOW }, { "draining", INK_YELLOW }, { "closing", INK_YELLOW },
		{ "killing", INK_RED },    { "backoff", INK_RED },     { "starting", INK_YELLOW },
		{ "degraded", INK_RED },   { "stopping", INK_YELLOW }, { "loading", INK_YELLOW },
		{ "ending", INK_YELLOW },
	};
	for (size_t i = 0; state != NULL && i < ARRAY_LEN(inks); i++) {
		if (strcmp(inks[i].state, state) == 0)
			return inks[i].ink;
	}
	return INK_PLAIN;
}

static void put_part(const json_t *o, const char *key, const struct style *style,
		     struct text *out) {
	const char *s = json_read_string(o, key);
	paint_safe(out, style, s != NULL ? s : "");
}

void status_put_allocator(const json_t *allocator, const struct style *style, struct text *out) {
	const char *proof = json_read_string(allocator, "proof");
	if (json_read_string(allocator, "name") == NULL) {
		text_puts(out, paint_unknown(style));
		return;
	}
	put_part(allocator, "name", style, out);
	if (json_read_string(allocator, "version") != NULL) {
		text_puts(out, " ");
		put_part(allocator, "version", style, out);
	}
	if (proof == NULL)
		return;
	text_puts(out, strcmp(proof, "no") == 0 ? " not " : " ");
	paint_safe(out, style, strcmp(proof, "no") == 0 ? "proved" : proof);
}

const char *status_release_name(const char *path) {
	const char *slash = path != NULL ? strrchr(path, '/') : NULL;
	return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

static const char *or_unknown(const char *s, const struct style *style) {
	return s != NULL ? s : paint_unknown(style);
}

/* A number in the middle of a sentence; the caller's buffer. */
#define NUMBER 24
static const char *count(const json_t *o, const char *key, const struct style *style,
			 char buffer[NUMBER]) {
	struct text out = text_in(buffer, NUMBER);
	int64_t n;
	if (json_read_number(o, key, &n))
		text_printf(&out, "%" PRId64, n);
	else
		text_puts(&out, paint_unknown(style));
	return buffer;
}

static const char *bytes(const json_t *o, const char *key, bool is_short, const struct style *style,
			 char buffer[NUMBER]) {
	struct text out = text_in(buffer, NUMBER);
	int64_t n;
	if (json_read_number(o, key, &n))
		paint_bytes(&out, n, is_short);
	else
		text_puts(&out, paint_unknown(style));
	return buffer;
}

static void print_memory(const json_t *herd, struct flow *flow) {
	char used[NUMBER], limit[NUMBER];
	int64_t n;
	bool pss = json_read_number(herd, "pss_bytes", &n);
	const char *key = pss ? "pss_bytes" : "rss_bytes";
	const char *sum = flow->style->unicode ? "Σ" : "sum of ";
	if (!pss && !json_read_number(herd, "rss_bytes", &n))
		return;
	bytes(herd, key, false, flow->style, used);
	if (json_read_number(herd, "limit_bytes", &n))
		flow_part(flow, INK_PLAIN, "%s of %s (%s%s)", used,
			  bytes(herd, "limit_bytes", false, flow->style, limit), sum,
			  pss ? "PSS" : "RSS");
	else
		flow_part(flow, INK_PLAIN, "%s (%s%s)", used, sum, pss ? "PSS" : "RSS");
}

static void print_first_line(const json_t *status, struct flow *flow) {
	char ready[NUMBER], wanted[NUMBER], age[NUMBER];
	const json_t *herd = json_object_get(status, "herd");
	const char *state = json_read_string(status, "state");
	int64_t uptime;
	flow_part(flow, INK_BOLD, "%s", or_unknown(json_read_string(status, "app"), flow->style));
	flow_part(flow, status_ink(state), "%s", or_unknown(state, flow->style));
	flow_part(flow, INK_PLAIN, "%s/%s ready", count(herd, "ready", flow->style, ready),
		  count(herd, "wanted", flow->style, wanted));
	if (json_read_string(status, "mode") != NULL)
		flow_part(flow, INK_PLAIN, "%s", json_read_string(status, "mode"));
	print_memory(herd, flow);
	if (json_read_number(status, "uptime_s", &uptime)) {
		struct text out = TEXT_IN(age);
		paint_age(&out, uptime);
		flow_part(flow, INK_PLAIN, "up %s", age);
	}
	flow_end(flow);
}

/* What all workers have in common; the first that knows speaks for them. */
static void print_allocator(const json_t *workers, struct flow *flow) {
	char buffer[256];
	struct text out = TEXT_IN(buffer);
	if (!json_read_same(workers, "allocator"))
		return;
	for (size_t i = 0; i < json_array_size(workers); i++) {
		const json_t *a = json_object_get(json_array_get(workers, i), "allocator");
		if (!json_is_object(a))
			continue;
		const char *proof = json_read_string(a, "proof");
		bool fine = proof != NULL && strcmp(proof, "no") != 0;
		status_put_allocator(a, flow->style, &out);
		flow_part(flow, fine ? INK_DIM : INK_YELLOW, "%s", buffer);
		return;
	}
}

static void print_second_line(const json_t *status, struct flow *flow) {
	char pid[NUMBER];
	const json_t *listen = json_object_get(status, "listen");
	const char *release = status_release_name(json_read_string(status, "release"));
	print_allocator(json_object_get(status, "workers"), flow);
	for (size_t i = 0; i < json_array_size(listen); i++) {
		const char *url = json_string_value(json_array_get(listen, i));
		if (url != NULL)
			flow_part(flow, INK_DIM, "%s", url);
	}
	if (release != NULL)
		flow_part(flow, INK_DIM, "release %s", release);
	if (json_read_string(status, "version") != NULL)
		flow_part(flow, INK_DIM, "pumakeeperd %s, pid %s",
			  json_read_string(status, "version"),
			  count(status, "pid", flow->style, pid));
	flow_end(flow);
}

/* What workers would take beyond what they do, if each had all for itself. */
static void print_sharing(const json_t *herd, struct flow *flow) {
	char saved[NUMBER];
	struct text out = TEXT_IN(saved);
	int64_t rss, pss;
	if (!json_read_number(herd, "rss_bytes", &rss) ||
	    !json_read_number(herd, "pss_bytes", &pss) || pss < 0 || rss <= pss)
		return;
	paint_bytes(&out, rss - pss, true);
	flow_part(flow, INK_GREEN, "sharing saves %s", saved);
}

/* One that isn't ready: for how long, or until when. */
static void print_wait(const json_t *parent, struct flow *flow) {
	char when[NUMBER];
	struct text out = TEXT_IN(when);
	const char *state = json_read_string(parent, "state");
	int64_t seconds;
	if (json_read_number(parent, "retry_s", &seconds)) {
		paint_age(&out, seconds);
		flow_part(flow, INK_PLAIN, "another one in %s", when);
	} else if (state != NULL && strcmp(state, "ready") != 0 &&
		   json_read_number(parent, "age_s", &seconds)) {
		paint_age(&out, seconds);
		flow_part(flow, INK_PLAIN, "for %s", when);
	}
}

/* Puma's own count of who has booted; not what it says of each, which is in the table. */
static void print_says(const char *says, struct flow *flow) {
	if (says == NULL)
		return;
	const char *each = strstr(says, ", worker_status");
	int n = (int)(each != NULL ? (size_t)(each - says) : strlen(says));
	flow_part(flow, INK_DIM, "%.*s", n, says);
}

/* What workers are forked from. */
static void print_parent(const json_t *status, struct flow *flow) {
	char one[NUMBER], two[NUMBER], three[NUMBER];
	const json_t *parent = json_object_get(status, "parent");
	const char *state = json_read_string(parent, "state");
	const char *reason = json_read_string(parent, "last_reason");
	int64_t n;
	if (!json_is_object(parent))
		return;
	flow_part(flow, INK_BOLD, "%s", or_unknown(json_read_string(parent, "kind"), flow->style));
	flow_part(flow, INK_PLAIN, "gen %s", count(parent, "generation", flow->style, one));
	if (json_read_number(parent, "pid", &n))
		flow_part(flow, INK_PLAIN, "pid %s", count(parent, "pid", flow->style, one));
	flow_part(flow, status_ink(state), "%s", or_unknown(state, flow->style));
	print_wait(parent, flow);
	if (json_read_true(parent, "restarts"))
		flow_part(flow, INK_YELLOW, "restarts its workers");
	if (json_read_number(parent, "rss_bytes", &n))
		flow_part(flow, INK_PLAIN, "%s (pss %s, uss %s)",
			  bytes(parent, "rss_bytes", true, flow->style, one),
			  bytes(parent, "pss_bytes", true, flow->style, two),
			  bytes(parent, "uss_bytes", true, flow->style, three));
	print_sharing(json_object_get(status, "herd"), flow);
	print_says(json_read_string(parent, "says"), flow);
	flow_end(flow);
	if (reason == NULL)
		return;
	text_puts(flow->out, "  ");
	paint_wrapped(flow->out, flow->style, 2, reason);
}

void status_print_head(const json_t *status, const struct style *style, struct text *out) {
	struct flow flow = { .out = out, .style = style };
	print_first_line(status, &flow);
	print_second_line(status, &flow);
	print_parent(status, &flow);
}

/* In this order; those that must stay 0 only when they are not. */
static void print_counters(const json_t *counters, const json_t *herd, const struct style *style,
			   struct text *out) {
	static const struct {
		const char *key, *words;
		bool bad;
	} rows[] = {
		{ "replacements", "replacements", false },
		{ "drained_clean", "drained clean", false },
		{ "half_closed", "half-closed", true },
		{ "killed", "killed", true },
		{ "connections_lost", "connections lost", true },
		{ "futile", "futile", true },
		{ "boots_failed", "boots failed", true },
		{ "died", "died", true },
	};
	struct flow flow = { .out = out, .style = style };
	if (json_is_object(counters))
		text_puts(out, "\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t n;
		if (!json_read_number(counters, rows[i].key, &n) || (rows[i].bad && n == 0))
			continue;
		flow_part(&flow, rows[i].bad ? INK_YELLOW : INK_DIM, "%s %" PRId64, rows[i].words,
			  n);
	}
	int64_t due;
	if (json_read_number(herd, "restart_due_s", &due)) {
		char age[NUMBER];
		struct text in = TEXT_IN(age);
		paint_age(&in, due);
		flow_part(&flow, INK_DIM, "all restarted in %s", age);
	}
	flow_end(&flow);
}

static void print_note(const char *note, const struct style *style, struct text *out) {
	paint(out, style, INK_YELLOW, "!");
	text_puts(out, " ");
	paint_wrapped(out, style, 2, note);
}

static void print_stale(const json_t *worker, const struct style *style, struct text *out) {
	char slot[NUMBER], note[100], age[NUMBER];
	struct text line = TEXT_IN(note), since = TEXT_IN(age);
	int64_t stale = json_read_number_or(worker, "stale_s", 0);
	if (stale < (json_read_true(worker, "calm") ? STALE_CALM_AFTER : STALE_AFTER))
		return;
	paint_age(&since, stale);
	text_printf(&line, "slot %s: its figures are %s old", count(worker, "slot", style, slot),
		    age);
	print_note(note, style, out);
}

static void print_notes(const json_t *status, const struct style *style, struct text *out) {
	const json_t *workers = json_object_get(status, "workers");
	const json_t *notes = json_object_get(status, "notes");
	if (json_read_true(status, "rehearse"))
		print_note("a rehearsal: it says what it would replace, and replaces nothing",
			   style, out);
	for (size_t i = 0; i < json_array_size(notes); i++) {
		const char *note = json_string_value(json_array_get(notes, i));
		if (note != NULL)
			print_note(note, style, out);
	}
	for (size_t i = 0; i < json_array_size(workers); i++)
		print_stale(json_array_get(workers, i), style, out);
}

void status_print_foot(const json_t *status, const struct style *style, struct text *out) {
	print_counters(json_object_get(status, "counters"), json_object_get(status, "herd"), style,
		       out);
	print_notes(status, style, out);
}

bool status_is_degraded(const json_t *status) {
	const char *state = json_read_string(status, "state");
	return state == NULL || strcmp(state, "degraded") == 0;
}
