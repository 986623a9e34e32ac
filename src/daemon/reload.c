/* New configuration, and new code. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/supervisor_parts.h"

static void tell_refused(struct supervisor *s, const char *reason) {
	struct event e = event_make(EVENT_CONFIG_REFUSED);
	event_text(&e, "reason", "%s", reason);
	supervisor_tell(s, &e);
}

static void print_errors(const struct plan_source *source, const struct errors *errors,
			 struct text *out) {
	for (size_t i = 0; i < errors->len; i++) {
		const struct error *e = &errors->list[i];
		text_puts(out, i > 0 ? "\n" : "");
		if (e->line > 0)
			text_printf(out, "%s:%zu:%zu: %s", source->path, e->line, e->column,
				    e->text);
		else
			text_printf(out, "%s: %s", source->path, e->text);
	}
}

struct difference {
	const struct plan *from, *to;
	struct text *live, *fixed;
};

static void note_difference(const struct option *option, void *context) {
	struct difference *d = context;
	struct text *out = option->live ? d->live : d->fixed;
	text_printf(out, "%s%s: ", out->len > 0 ? "; " : "", option->path);
	option_print(option, &d->from->config, out);
	text_puts(out, " → ");
	option_print(option, &d->to->config, out);
}

static bool is_noted(const struct plan *plan, const char *note) {
	for (size_t i = 0; i < plan->notes.len; i++) {
		if (strcmp(plan->notes.items[i], note) == 0)
			return true;
	}
	return false;
}

/* What there is to know, and was not before, such as a hook that isn't there. */
static void print_new_notes(const struct plan *old, const struct plan *new, struct text *out) {
	for (size_t i = 0; i < new->notes.len; i++) {
		if (!is_noted(old, new->notes.items[i]))
			text_printf(out, "\n%s", new->notes.items[i]);
	}
}

static void adopt(struct supervisor *s, struct plan *new) {
	struct plan *old = s->plan;
	uint64_t before = old->limits.effective_bytes;
	s->plan = new;
	const struct journal_rules rules = {
		.format = new->config.log.format,
		.level = new->config.log.level,
		.fd = STDERR_FILENO,
		.priority = journal_is_systemds(STDERR_FILENO, getenv("JOURNAL_STREAM")),
	};
	journal_set_rules(s->journal, &rules);
	s->output.path = new->config.app.output;
	perform_new_rules(s);
	struct herd_event event = { .kind = HERD_RELOAD };
	event.reload.config = &new->config;
	event.reload.limits = &new->limits;
	feed(s, &event);
	plan_succeed(new, old);
	find_effective_limit(s);
	if (new->limits.effective_bytes != before)
		tell_effective_limit(s, before, NULL);
}

static bool refuse(struct supervisor *s, struct plan *new, const struct text *said) {
	tell_refused(s, said->data);
	plan_destroy(new);
	return false;
}

static bool compare_and_adopt(struct supervisor *s, struct plan *new, struct text *said) {
	char live_buffer[600], fixed_buffer[600];
	struct text live = TEXT_IN(live_buffer), fixed = TEXT_IN(fixed_buffer);
	struct difference d = { .from = s->plan, .to = new, .live = &live, .fixed = &fixed };
	if (config_diff(&s->plan->config, &new->config, note_difference, &d) > 0) {
		text_printf(said, "only a restart of pumakeeper can change %s", fixed.data);
		return refuse(s, new, said);
	}
	text_puts(said, live.len > 0 ? live.data : "nothing has changed");
	print_new_notes(s->plan, new, said);
	adopt(s, new);
	struct event e = event_make(EVENT_CONFIG_RELOADED);
	event_text(&e, "changed", "%s", live.len > 0 ? live.data : "nothing");
	supervisor_tell(s, &e);
	supervisor_tell_notes(s, &s->plan->notes);
	return true;
}

static bool read_and_adopt(struct supervisor *s, struct text *said) {
	struct errors errors = { 0 };
	if (s->source->path == NULL) {
		text_puts(said, "pumakeeperd was started without a configuration file");
		tell_refused(s, said->data);
		return false;
	}
	struct plan *new = plan_create(s->source, s->plan, &errors);
	if (new == NULL) {
		print_errors(s->source, &errors, said);
		tell_refused(s, said->data);
		return false;
	}
	if (plan_keep_workers(new, s->plan, &errors) != 0) {
		print_errors(s->source, &errors, said);
		return refuse(s, new, said);
	}
	if (plan_keep_binds(new, s->plan) != 0) {
		text_puts(said, strerror(ENOMEM));
		return refuse(s, new, said);
	}
	return compare_and_adopt(s, new, said);
}

bool reload(struct supervisor *s, struct text *said) {
	service_begin_reload(s->service);
	bool done = read_and_adopt(s, said);
	service_end_reload(s->service);
	return done;
}

static void tell_release(struct supervisor *s, const char *from, const char *to) {
	struct event e = event_make(EVENT_RELEASE_CHANGED);
	event_text(&e, "from", "%s", from);
	event_text(&e, "to", "%s", to);
	supervisor_tell(s, &e);
}

/* The same code from a warmer mold: who doesn't serve from it is a failed deploy. */
void deploy_promoted(struct supervisor *s, unsigned release) {
	struct herd_event event = { .kind = HERD_RESTART, .number = release, .text = "app.refork" };
	event.restart.deploy = true;
	const struct restart *r = &s->herd->restart;
	/* Else newer code is on its way, and the old mold was enough. */
	if (!r->active || s->herd->release == r->release_before)
		feed(s, &event);
}

/* It isn't replaced alone. */
static bool has_stem(const struct supervisor *s, const unsigned *slots, unsigned n) {
	for (unsigned i = 0; i < n; i++) {
		const struct worker *w = herd_resident(s->herd, slots[i]);
		if (w != NULL && w->stem)
			return true;
	}
	return false;
}

/* Only here, and at the start, is the directory resolved: nothing else deploys. */
void deploy(struct supervisor *s, const unsigned *slots, unsigned n, bool force, const char *by) {
	struct herd_event event = { .kind = HERD_RESTART, .text = by };
	n = has_stem(s, slots, n) ? 0 : n;
	event.restart.slots = slots;
	event.restart.n = n;
	event.restart.force = force;
	char path[PATH_MAX];
	if (n == 0 && plan_resolve_directory(s->plan, path) == 0) {
		const char *before = releases_path(&s->releases, s->herd->release);
		if (before != NULL && strcmp(before, path) != 0)
			tell_release(s, before, path);
		event.restart.deploy = true;
		/* What is loaded once is loaded anew, also where the path is the same. */
		bool renews = s->molds != NULL || s->cluster != NULL;
		event.number = renews ? releases_renew(&s->releases, path)
				      : releases_add(&s->releases, path);
	}
	feed(s, &event);
}

/* Puma's own plugin would exec all workers at once; here it is a rolling restart. */
void look_at_restart_txt(struct supervisor *s) {
	char path[PATH_MAX + 32];
	struct stat st;
	int64_t now = 0;
	if (s->plan->command.kind != COMMAND_PUMA || s->cluster != NULL)
		return;
	snprintf(path, sizeof path, "%s/tmp/restart.txt", s->plan->wished_directory);
	if (stat(path, &st) == 0)
		now = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	bool first = s->herd->started == 0;
	bool touched = !first && now > s->restart_txt;
	if (now > s->restart_txt)
		s->restart_txt = now;
	if (touched)
		deploy(s, NULL, 0, false, "tmp/restart.txt");
}
