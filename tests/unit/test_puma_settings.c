#include "core/puma_settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

/* As inspect.rb writes it; `extra` comes last, and the last of two equal keys counts. */
#define TOLD(extra)                                                                                                           \
	"{\"pid\":42,\"ruby_version\":\"3.1.2\",\"puma_version\":\"5.6.5\","                                                  \
	"\"rack_handler\":false,\"directory\":\"/srv/shop\",\"environment\":\"production\","                                  \
	"\"rackup\":\"config.ru\",\"config_files\":[\"config/puma.rb\"],"                                                     \
	"\"binds\":[\"tcp://0.0.0.0:9292\"],\"binds_from\":\"default\",\"workers\":0,"                                        \
	"\"workers_from\":\"default\",\"threads\":{\"min\":0,\"max\":5},\"preload_app\":false,"                               \
	"\"preload_from\":\"default\",\"drain_on_shutdown\":false,\"pidfile\":null,\"state_path\":null,\"control_url\":null," \
	"\"plugins\":[],\"hooks\":[]" extra "}"

static struct error err;
static struct puma_settings settings;
static struct strings notes;

static const struct puma_settings *parsed(const char *json) {
	puma_settings_finish(&settings);
	ck_assert_msg(puma_settings_parse(json, &settings, &err) == 0, "%s", err.text);
	return &settings;
}

/* Every sentence, one a line. */
static const char *noted(const char *json, struct puma_plan plan) {
	static char text[4000];
	text[0] = '\0';
	strings_finish(&notes);
	ck_assert_int_eq(puma_settings_notes(parsed(json), &plan, &notes), 0);
	for (size_t i = 0; i < notes.len; i++) {
		strcat(text, notes.items[i]);
		strcat(text, "\n");
	}
	return text;
}

#define SAYS(text, part) ck_assert_msg(strstr(text, part) != NULL, "%s", text)

START_TEST(what_is_told_is_understood)
{
	const struct puma_settings *s = parsed(TOLD(
		",\"workers\":3,\"workers_from\":\"environment\",\"threads\":{\"min\":2,\"max\":4}"
		",\"preload_app\":true,\"pidfile\":\"p\",\"plugins\":[\"a\",\"b\"]"));
	ck_assert_int_eq(s->pid, 42);
	ck_assert_str_eq(s->puma_version, "5.6.5");
	ck_assert_uint_eq(s->workers, 3);
	ck_assert_int_eq(s->workers_from, FROM_ENVIRONMENT);
	ck_assert_uint_eq(s->threads_min, 2);
	ck_assert_uint_eq(s->threads_max, 4);
	ck_assert(s->preload_app && !s->drain_on_shutdown && !s->rack_handler);
	ck_assert_str_eq(s->pidfile, "p");
	ck_assert_ptr_null(s->state_path);
	ck_assert_uint_eq(s->plugins.len, 2);
	ck_assert_str_eq(s->binds.items[0], "tcp://0.0.0.0:9292");
}
END_TEST

START_TEST(what_is_not_as_we_tell_it_is_an_error_and_changes_nothing)
{
	static const char *const bad[] = {
		"",
		"[]",
		"null",
		"{}",
		"{\"pid\":42",
		"\xff\xfe",
		TOLD(",\"pid\":-1"),
		TOLD(",\"pid\":99999999999"),
		TOLD(",\"pid\":\"42\""),
		TOLD(",\"binds\":\"x\""),
		TOLD(",\"binds\":[1]"),
		TOLD(",\"binds\":[\"ok\",null]"),
		TOLD(",\"binds_from\":\"nowhere\""),
		TOLD(",\"threads\":5"),
		TOLD(",\"threads\":{}"),
		TOLD(",\"preload_app\":1"),
		TOLD(",\"preload_from\":true"),
		TOLD(",\"environment\":null"),
		TOLD(",\"pidfile\":7"),
	};
	struct puma_settings before = { .pid = 7 };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		err.text[0] = '\0';
		ck_assert_msg(puma_settings_parse(bad[i], &before, &err) == -1, "%s", bad[i]);
		ck_assert_int_eq(before.pid, 7);
		SAYS(err.text, "Puma's settings can't be read");
	}
}
END_TEST

START_TEST(a_plain_configuration_passes_and_needs_no_words)
{
	ck_assert_int_eq(puma_settings_check(parsed(TOLD("")), 42, &err), 0);
	ck_assert_str_eq(noted(TOLD(""), (struct puma_plan){ 0 }), "");
}
END_TEST

START_TEST(what_can_not_be_a_pool_is_refused_with_what_to_do)
{
	ck_assert_int_eq(puma_settings_check(parsed(TOLD("")), 41, &err), -1);
	SAYS(err.text, "process 41 was started, but 42 would serve");
	ck_assert_int_eq(puma_settings_check(parsed(TOLD(",\"rack_handler\":true")), 42, &err), -1);
	SAYS(err.text, "Write `bundle exec puma");
	ck_assert_int_eq(puma_settings_check(parsed(TOLD(",\"puma_version\":\"5.0.4\"")), 42, &err),
			 -1);
	SAYS(err.text, "Puma 5.0.4");
	ck_assert_int_eq(puma_settings_check(parsed(TOLD(",\"puma_version\":\"5.1.0\"")), 42, &err),
			 0);
	ck_assert_int_eq(puma_settings_check(parsed(TOLD(",\"puma_version\":\"10.0\"")), 42, &err),
			 0);
	ck_assert_int_eq(
		puma_settings_check(
			parsed(TOLD(",\"binds\":[\"tcp://a:1\",\"ssl://0.0.0.0:443?key=secret\"]"
				    ",\"binds_from\":\"config file\"")),
			42, &err),
		-1);
	SAYS(err.text, "config/puma.rb binds ssl://0.0.0.0:443: a port meant for TLS");
	ck_assert_ptr_null(strstr(err.text, "secret"));
}
END_TEST

START_TEST(everything_that_is_dropped_is_named_with_its_source)
{
	const char *text = noted(
		TOLD(",\"workers\":4,\"workers_from\":\"config file\",\"pidfile\":\"tmp/p.pid\""
		     ",\"state_path\":\"tmp/s\",\"control_url\":\"tcp://x\",\"drain_on_shutdown\":true"
		     ",\"plugins\":[\"tmp_restart\",\"solid_queue\",\"systemd\"]"
		     ",\"hooks\":[\"before_fork\",\"on_worker_boot\"]"),
		(struct puma_plan){ 0 });
	SAYS(text, "workers 4 (config/puma.rb) is ignored: pumakeeper launches app.workers\n");
	SAYS(text, "pidfile tmp/p.pid is ignored");
	SAYS(text, "state_path tmp/s is ignored");
	SAYS(text, "activate_control_app tcp://x is ignored");
	SAYS(text, "drain_on_shutdown is ignored");
	SAYS(text, "plugin :tmp_restart is not loaded");
	SAYS(text, "plugin :solid_queue starts once in each worker");
	ck_assert_ptr_null(strstr(text, "systemd"));
	SAYS(text, "`before_fork`, `on_worker_boot` in config/puma.rb: not called");
	SAYS(text, "belongs in an initializer");
	ck_assert_uint_eq(notes.len, 8);
}
END_TEST

START_TEST(without_a_mold_the_way_to_one_is_shown)
{
	const char *json =
		TOLD(",\"workers\":2,\"workers_from\":\"config file\",\"preload_app\":true"
		     ",\"preload_from\":\"config file\",\"hooks\":[\"before_fork\"]");
	const char *text = noted(json, (struct puma_plan){ .workers_taken = true });
	SAYS(text, "preload_app (config/puma.rb) is ignored");
	SAYS(text, "`app.preload: true` keeps the sharing");
	SAYS(text, "`before_fork` in config/puma.rb: not called");
	SAYS(text, "with `app.preload: true` they are");
	ck_assert_uint_eq(notes.len, 2);
	/* In single mode it means nothing to Puma, either. */
	ck_assert_str_eq(noted(TOLD(",\"preload_app\":true"), (struct puma_plan){ 0 }), "");
}
END_TEST

START_TEST(with_a_mold_only_the_hooks_that_are_never_called_are_named)
{
	static const struct {
		const char *json, *hooks;
	} rows[] = {
		{ TOLD(",\"hooks\":[\"before_fork\",\"on_worker_boot\",\"on_worker_shutdown\","
		       "\"on_worker_fork\",\"after_worker_fork\",\"before_worker_boot\","
		       "\"before_worker_shutdown\",\"before_worker_fork\"]"),
		  NULL },
		{ TOLD(",\"hooks\":[\"before_fork\",\"after_worker_shutdown\",\"on_refork\"]"),
		  "`after_worker_shutdown`, `on_refork`" },
		{ TOLD(",\"hooks\":[\"after_refork\",\"on_worker_boot\",\"before_refork\"]"),
		  "`after_refork`, `before_refork`" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *text = noted(rows[i].json, (struct puma_plan){ .preload = true });
		ck_assert_uint_eq(notes.len, rows[i].hooks != NULL);
		if (rows[i].hooks == NULL)
			continue;
		ck_assert_msg(strncmp(text, rows[i].hooks, strlen(rows[i].hooks)) == 0, "%s", text);
		SAYS(text, " in config/puma.rb: not called, because pumakeeper itself sees to");
		SAYS(noted(rows[i].json, (struct puma_plan){ 0 }), rows[i].hooks);
		ck_assert_uint_eq(notes.len, 2); /* those that a mold would call are another one */
	}
}
END_TEST

START_TEST(where_a_worker_may_become_a_mold_the_hooks_before_it_are_called)
{
	const char *json = TOLD(",\"hooks\":[\"on_refork\",\"before_refork\"]");
	ck_assert_str_eq(noted(json, (struct puma_plan){ .preload = true, .refork = true }), "");
	json = TOLD(",\"hooks\":[\"after_refork\"]");
	SAYS(noted(json, (struct puma_plan){ .preload = true, .refork = true }), "`after_refork`");
}
END_TEST

START_TEST(workers_that_were_taken_are_not_ignored)
{
	const char *json = TOLD(",\"workers\":2,\"workers_from\":\"environment\"");
	ck_assert_str_eq(noted(json, (struct puma_plan){ .workers_taken = true }), "");
	SAYS(noted(json, (struct puma_plan){ 0 }), "workers 2 (WEB_CONCURRENCY) is ignored");
}
END_TEST

START_TEST(a_bind_is_noted_only_when_nobody_serves_it)
{
	struct strings listen = { 0 };
	ck_assert_int_eq(strings_add(&listen, "tcp://0.0.0.0:3000"), 0);
	ck_assert_int_eq(strings_add(&listen, "unix:///srv/shop/tmp/a.sock?mode=0660"), 0);
	struct puma_plan plan = { .listen = &listen };
	const char *text = noted(TOLD(",\"binds_from\":\"command line\",\"binds\":["
				      "\"tcp://0.0.0.0:3000?backlog=64\",\"unix://tmp/a.sock\","
				      "\"tcp://0.0.0.0:30000\"]"),
				 plan);
	ck_assert_uint_eq(notes.len, 1);
	SAYS(text, "tcp://0.0.0.0:30000 (the command line) is not served");
	strings_finish(&listen);
}
END_TEST

START_TEST(binds_become_addresses_to_listen_on)
{
	struct strings listen = { 0 };
	parsed(TOLD(
		",\"binds\":[\"tcp://[::]:9292?low_latency=true\",\"unix:///run/a.sock?mode=0770\","
		"\"unix://tmp/a.sock?umask=0117\",\"ssl://x\"]"));
	ck_assert_int_eq(puma_settings_listen(&settings, &listen), 0);
	ck_assert_str_eq(listen.items[0], "tcp://[::]:9292");
	ck_assert_str_eq(listen.items[1], "unix:///run/a.sock?mode=0770");
	ck_assert_str_eq(listen.items[2], "unix:///srv/shop/tmp/a.sock?umask=0117");
	ck_assert_str_eq(listen.items[3], "ssl://x"); /* for whoever listens to refuse */
	strings_finish(&listen);
	strings_finish(&notes);
	puma_settings_finish(&settings);
}
END_TEST

SUITE("puma_settings", what_is_told_is_understood,
      what_is_not_as_we_tell_it_is_an_error_and_changes_nothing,
      a_plain_configuration_passes_and_needs_no_words,
      what_can_not_be_a_pool_is_refused_with_what_to_do,
      everything_that_is_dropped_is_named_with_its_source, without_a_mold_the_way_to_one_is_shown,
      with_a_mold_only_the_hooks_that_are_never_called_are_named,
      where_a_worker_may_become_a_mold_the_hooks_before_it_are_called,
      workers_that_were_taken_are_not_ignored, a_bind_is_noted_only_when_nobody_serves_it,
      binds_become_addresses_to_listen_on)
