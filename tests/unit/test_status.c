#include <errno.h>

#include "core/explain.h"
#include "core/status.h"
#include "herd_play.h"
#include "util/utf8.h"

static const char *release_path(const void *context UNUSED, unsigned number) {
	return number == 1 ? "/srv/shop/releases/1" : NULL;
}

static const struct status_facts facts = {
	.app = "shop",
	.version = "0",
	.mode = "pool",
	.pid = 4711,
	.release = release_path,
};

/* The part at `path`, as compact JSON; "": it isn't there. */
static const char *part(const json_t *whole, const char *path) {
	static char text[4096];
	char step[64];
	const json_t *at = whole;
	for (const char *p = path; *p != '\0' && at != NULL;) {
		size_t n = strcspn(p, ".");
		snprintf(step, sizeof step, "%.*s", (int)n, p);
		at = json_is_array(at) ? json_array_get(at, strtoul(step, NULL, 10))
				       : json_object_get(at, step);
		p += p[n] == '.' ? n + 1 : n;
	}
	char *dump = at != NULL ? json_dumps(at, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
	snprintf(text, sizeof text, "%s", dump != NULL ? dump : "");
	free(dump);
	return text;
}

static json_t *whole;

static const char *status(const struct stage *t, const char *path) {
	json_decref(whole);
	whole = status_json(t->herd, &facts, t->now);
	ck_assert_ptr_nonnull(whole);
	return part(whole, path);
}

/* What explain says of one cause: 0 soft, 1 hard, 2 total, 3 a person. */
static const char *rule(const struct stage *t, unsigned slot, unsigned cause, const char *key) {
	char path[32];
	json_decref(whole);
	whole = explain_json(t->herd, slot, t->now);
	ck_assert_ptr_nonnull(whole);
	snprintf(path, sizeof path, "rules.%u.%s", cause, key);
	return part(whole, path);
}

static void end(struct stage *t) {
	json_decref(whole);
	whole = NULL;
	stage_close(t);
}

START_TEST(what_is_not_known_is_null_and_never_0)
{
	static const char *const unknown[] = { "rss_bytes",        "pss_bytes",       "uss_bytes",
					       "stale_s",          "last_reason",     "allocator",
					       "connections.open", "connections.busy" };
	struct stage t;
	char path[64];
	stage_open(&t, 1);
	stage_feed(&t, (struct herd_event){ .kind = HERD_START });
	for (size_t i = 0; i < ARRAY_LEN(unknown); i++) {
		snprintf(path, sizeof path, "workers.0.%s", unknown[i]);
		ck_assert_msg(strcmp(status(&t, path), "null") == 0, "%s: %s", path,
			      status(&t, path));
	}
	ck_assert_str_eq(status(&t, "workers.0.pid"), "null");
	ck_assert_str_eq(status(&t, "herd.rss_bytes"), "null");
	ck_assert_str_eq(status(&t, "herd.pss_bytes"), "null");
	ck_assert_str_eq(status(&t, "workers.0.release"), "\"/srv/shop/releases/1\"");
	end(&t);
}
END_TEST

START_TEST(the_state_goes_from_starting_to_ok_to_degraded_to_stopping)
{
	struct stage t;
	stage_open(&t, 2);
	stage_feed(&t, (struct herd_event){ .kind = HERD_START });
	ck_assert_str_eq(status(&t, "state"), "\"starting\"");
	stage_boot_all(&t);
	ck_assert_str_eq(status(&t, "state"), "\"ok\"");
	stage_exited(&t, stage_resident(&t, 0)->id);
	ck_assert_str_eq(status(&t, "state"), "\"degraded\"");
	stage_boot_all(&t);
	stage_stop(&t);
	ck_assert_str_eq(status(&t, "state"), "\"stopping\"");
	end(&t);
}
END_TEST

START_TEST(a_futile_limit_is_degraded_and_a_note)
{
	struct stage t;
	stage_start(&t, 2);
	struct futility *f = &t.herd->futile[CAUSE_SOFT];
	*f = (struct futility){ .futile = true, .reason = "because", .plateau_bytes = 400 * MIB };
	ck_assert_str_eq(status(&t, "state"), "\"degraded\"");
	ck_assert_ptr_nonnull(strstr(status(&t, "notes.0"), "memory.soft is futile: because"));
	end(&t);
}
END_TEST

START_TEST(a_total_that_is_divided_with_other_keepers_is_a_note)
{
	struct stage t;
	stage_start(&t, 1);
	ck_assert_str_eq(status(&t, "notes"), "[]");
	t.herd->limits.total_divided = true;
	ck_assert_ptr_nonnull(strstr(status(&t, "notes.0"), "divided with the other keepers"));
	end(&t);
}
END_TEST

START_TEST(a_slot_in_back_off_says_until_when_and_why)
{
	struct stage t;
	stage_start(&t, 2);
	stage_exited(&t, stage_resident(&t, 1)->id); /* an accident: it is back at once */
	stage_boot_all(&t);
	stage_exited(&t, stage_resident(&t, 1)->id);
	ck_assert_str_eq(status(&t, "workers.1.state"), "\"backoff\"");
	ck_assert_int_gt(strtol(status(&t, "workers.1.retry_s"), NULL, 10), 0);
	ck_assert_str_eq(status(&t, "workers.1.last_reason"), "\"died: exit status 0\"");
	ck_assert_str_eq(status(&t, "workers.1.pid"), "null");
	end(&t);
}
END_TEST

START_TEST(a_slot_that_waits_for_the_first_boot_is_not_in_back_off)
{
	struct stage t;
	stage_open(&t, 3);
	stage_feed(&t, (struct herd_event){ .kind = HERD_START });
	ck_assert_str_eq(status(&t, "workers.0.state"), "\"booting\"");
	ck_assert_str_eq(status(&t, "workers.2.state"), "\"waiting\"");
	end(&t);
}
END_TEST

START_TEST(a_slot_shows_who_serves_then_who_comes)
{
	struct stage t;
	stage_start(&t, 2);
	stage_read(&t, stage_resident(&t, 0)->id, 700 * MIB);
	ck_assert_str_eq(status(&t, "workers.0.state"), "\"ready\"");
	ck_assert_str_eq(status(&t, "workers.1.state"), "\"booting\"");
	ck_assert_str_eq(status(&t, "workers.1.slot"), "0");
	ck_assert_str_eq(status(&t, "workers.2.slot"), "1");
	ck_assert_str_eq(status(&t, "herd.replacing"), "1");
	end(&t);
}
END_TEST

START_TEST(a_reason_cut_within_a_character_is_still_told)
{
	struct stage t;
	stage_start(&t, 1);
	strcpy(t.herd->slots[0].last_reason, "kein Verzeichnis: /srv/caf\xc3");
	ck_assert_str_eq(status(&t, "workers.0.last_reason"),
			 "\"kein Verzeichnis: /srv/caf" UTF8_REPLACEMENT "\"");
	end(&t);
}
END_TEST

START_TEST(every_worker_has_the_same_keys)
{
	struct stage t;
	stage_start(&t, 2);
	stage_exited(&t, stage_resident(&t, 1)->id);
	status(&t, "");
	const json_t *workers = json_object_get(whole, "workers");
	const char *key;
	json_t *value;
	json_object_foreach(json_array_get(workers, 0), key, value)
		ck_assert_msg(json_object_get(json_array_get(workers, 1), key) != NULL, "%s", key);
	end(&t);
}
END_TEST

/* Of generation 2; `text`: why it has ended. */
static void mold_is(struct stage *t, enum mold_state state, int pid, const char *text) {
	struct herd_event event = { .kind = HERD_PARENT, .generation = 2, .text = text };
	event.parent.release = 1;
	event.parent.state = state;
	event.parent.pid = pid;
	event.parent.retry = 1500;
	stage_feed(t, event);
}

START_TEST(a_mold_is_shown_with_what_is_known_of_it)
{
	struct stage t;
	stage_start(&t, 1);
	ck_assert_str_eq(status(&t, "parent"), "null");
	mold_is(&t, MOLD_LOADING, 77, NULL);
	ck_assert_str_eq(status(&t, "parent"),
			 "{\"kind\":\"mold\",\"generation\":2,\"pid\":77,\"state\":\"loading\","
			 "\"age_s\":0,\"rss_bytes\":null,\"pss_bytes\":null,\"uss_bytes\":null,"
			 "\"release\":\"/srv/shop/releases/1\",\"last_reason\":null,"
			 "\"restarts\":false,\"says\":null,"
			 "\"retry_s\":null}");
	mold_is(&t, MOLD_READY, 77, NULL);
	struct herd_event failed = { .kind = HERD_PARENT_READ, .generation = 2, .error = EACCES };
	stage_feed(&t, failed);
	ck_assert_str_eq(status(&t, "parent.rss_bytes"), "null");
	ck_assert_str_eq(status(&t, "herd.pss_bytes"), "null");
	struct herd_event read = { .kind = HERD_PARENT_READ, .generation = 2 };
	read.read.memory = (struct memory){ .rss_bytes = 3, .pss_bytes = 2, .uss_bytes = 1 };
	stage_feed(&t, read);
	ck_assert_str_eq(status(&t, "parent.rss_bytes"), "3");
	ck_assert_str_eq(status(&t, "parent.uss_bytes"), "1");
	ck_assert_str_eq(status(&t, "state"), "\"ok\"");
	mold_is(&t, MOLD_BROKEN, 0, "SIGKILL");
	ck_assert_str_eq(status(&t, "parent.state"), "\"backoff\"");
	ck_assert_str_eq(status(&t, "state"), "\"degraded\"");
	ck_assert_str_eq(status(&t, "parent.pid"), "null");
	ck_assert_str_eq(status(&t, "parent.last_reason"), "\"SIGKILL\"");
	ck_assert_str_eq(status(&t, "parent.retry_s"), "2");
	end(&t);
}
END_TEST

START_TEST(explain_names_the_reason_of_each_rule)
{
	struct stage t;
	stage_start(&t, 2);
	ck_assert_str_eq(rule(&t, 0, 0, "reason"), "\"under the limit\"");
	ck_assert_str_eq(rule(&t, 0, 3, "reason"), "\"nobody asked\"");
	stage_read(&t, stage_resident(&t, 0)->id, 350 * MIB);
	ck_assert_str_eq(rule(&t, 0, 0, "reason"), "\"not over its limit often enough yet\"");
	ck_assert_str_eq(rule(&t, 0, 0, "fires"), "false");
	ck_assert_str_eq(part(whole, "verdict"), "\"fine\"");
	stage_read(&t, stage_resident(&t, 0)->id, 700 * MIB);
	ck_assert_str_eq(rule(&t, 0, 1, "reason"), "\"it is being replaced: hard\"");
	ck_assert_str_eq(part(whole, "verdict"), "\"being replaced\"");
	ck_assert_ptr_null(explain_json(t.herd, 5, t.now));
	end(&t);
}
END_TEST

START_TEST(explain_says_that_a_successor_failed)
{
	struct stage t;
	stage_start(&t, 2);
	stage_read(&t, stage_resident(&t, 0)->id, 700 * MIB);
	unsigned fresh = stage_successor(&t, 0)->id;
	stage_launched(&t, fresh);
	stage_exited(&t, fresh);
	ck_assert_str_eq(rule(&t, 0, 1, "fires"), "false");
	ck_assert_ptr_nonnull(strstr(rule(&t, 0, 1, "reason"), "its last successor failed"));
	end(&t);
}
END_TEST

START_TEST(explain_compares_the_total_with_the_sum)
{
	struct stage t;
	stage_start(&t, 2);
	stage_tick(&t, 100 * MIB);
	stage_read(&t, stage_resident(&t, 1)->id, 150 * MIB);
	t.herd->limits.total_bytes = 200 * MIB;
	/* One worker alone is far beyond 1.5 times this; so is the sum below it. */
	t.herd->futile[CAUSE_TOTAL] = (struct futility){ .futile = true,
							 .reason = "because",
							 .plateau_bytes = 180 * MIB,
							 .next_try_at = t.now + MSEC_HOUR };
	ck_assert_str_eq(rule(&t, 1, 2, "reason"), "\"futile: because\"");
	ck_assert_str_eq(rule(&t, 0, 2, "reason"), "\"slot 1 is larger and goes first\"");
	t.herd->futile[CAUSE_TOTAL].plateau_bytes = 100 * MIB;
	ck_assert_str_ne(rule(&t, 1, 2, "reason"), "\"futile: because\"");
	end(&t);
}
END_TEST

START_TEST(explain_in_a_rehearsal_says_so)
{
	struct stage t;
	stage_open(&t, 2);
	t.config.restart.rehearse = true;
	stage_begin(&t);
	stage_read(&t, stage_resident(&t, 0)->id, 700 * MIB);
	ck_assert_ptr_nonnull(strstr(rule(&t, 0, 1, "reason"), "restart.rehearse"));
	ck_assert_str_eq(rule(&t, 0, 1, "fires"), "false");
	end(&t);
}
END_TEST

SUITE("status", what_is_not_known_is_null_and_never_0,
      the_state_goes_from_starting_to_ok_to_degraded_to_stopping,
      a_futile_limit_is_degraded_and_a_note, a_total_that_is_divided_with_other_keepers_is_a_note,
      a_slot_in_back_off_says_until_when_and_why,
      a_slot_that_waits_for_the_first_boot_is_not_in_back_off,
      a_slot_shows_who_serves_then_who_comes, a_reason_cut_within_a_character_is_still_told,
      every_worker_has_the_same_keys, a_mold_is_shown_with_what_is_known_of_it,
      explain_names_the_reason_of_each_rule, explain_says_that_a_successor_failed,
      explain_compares_the_total_with_the_sum, explain_in_a_rehearsal_says_so)
