/* A herd is left, and taken up again: whole ones, damaged ones, and such as can't be. */
#include <errno.h>
#include <jansson.h>

#include "core/state.h"
#include "herd_play.h"

#define BOOT "5f1b4e2c-0000-4000-8000-0123456789ab"

/* What a daemon leaves, and what the next one has of it. */
struct handover {
	struct state left, taken;
	struct buffer json;
	struct strings texts;
	char said[1000];
	enum state_verdict verdict;
};

static void leave(struct handover *o, struct herd *h) {
	memset(o, 0, sizeof *o);
	o->left = (struct state){ .boot_id = BOOT,
				  .program = "0.1.0",
				  .pid = 77,
				  .launch = "a digest",
				  .drain_timeout = 60000,
				  .restart_txt = 1234567890123456789,
				  .mold_generation = 9,
				  .herd = h };
	for (unsigned i = 0; i < 9; i++)
		releases_renew(&o->left.releases, i % 2 ? "/srv/shop/a" : "/srv/shop/b");
	o->left.n_listeners = 2;
	o->left.listeners[0] =
		(struct state_listener){ "tcp://127.0.0.1:3000", 4711, "listener-1" };
	o->left.listeners[1] = (struct state_listener){ "unix:///run/shop.sock", 4712, "" };
	ck_assert_int_eq(state_print(&o->left, &o->json), 0);
}

static void take_in(struct handover *o, const struct stage *t, const char *boot_id) {
	struct text said = TEXT_IN(o->said);
	o->taken.herd = calloc(1, sizeof *o->taken.herd);
	herd_init(o->taken.herd, t->herd->config, &t->limits);
	o->verdict = state_read(o->json.data, o->json.len, boot_id, &o->taken, &o->texts, &said);
}

static void take(struct handover *o, const struct stage *t) {
	take_in(o, t, BOOT);
}

static void handover_finish(struct handover *o) {
	buffer_finish(&o->json);
	strings_finish(&o->texts);
	free(o->taken.herd);
}

/* What was taken would be left as it was. */
static void check_whole(struct handover *o) {
	struct buffer again = { 0 };
	ck_assert_str_eq(o->said, "");
	ck_assert_int_eq(o->verdict, STATE_WHOLE);
	ck_assert_int_eq(state_print(&o->taken, &again), 0);
	ck_assert_uint_eq(again.len, o->json.len);
	ck_assert(memcmp(again.data, o->json.data, again.len) == 0);
	buffer_finish(&again);
}

static void check_survives(struct stage *t) {
	struct handover o;
	leave(&o, t->herd);
	take(&o, t);
	check_whole(&o);
	handover_finish(&o);
}

/* The stage goes on with the herd that was taken up. */
static void hand_over(struct stage *t, struct handover *o) {
	leave(o, t->herd);
	take(o, t);
	check_whole(o);
	free(t->herd);
	t->herd = o->taken.herd;
	o->taken.herd = NULL;
}

static void adopt(struct stage *t) {
	stage_feed(t, (struct herd_event){ .kind = HERD_ADOPT });
}

START_TEST(what_the_daemon_knows_survives)
{
	struct stage t;
	struct handover o;
	stage_start(&t, 2);
	t.herd->release = 9;
	leave(&o, t.herd);
	o.left.detached = o.left.stopping = true;
	o.json.len = 0;
	ck_assert_int_eq(state_print(&o.left, &o.json), 0);
	take(&o, &t);
	check_whole(&o);
	ck_assert_str_eq(o.taken.boot_id, BOOT);
	ck_assert_str_eq(o.taken.program, "0.1.0");
	ck_assert_str_eq(o.taken.launch, "a digest");
	ck_assert_int_eq(o.taken.pid, 77);
	ck_assert(o.taken.detached && o.taken.stopping);
	ck_assert_int_eq(o.taken.drain_timeout, 60000);
	ck_assert_int_eq(o.taken.restart_txt, 1234567890123456789);
	ck_assert_uint_eq(o.taken.mold_generation, 9);
	ck_assert_uint_eq(o.taken.n_listeners, 2);
	ck_assert_str_eq(o.taken.listeners[1].url, "unix:///run/shop.sock");
	ck_assert_uint_eq(o.taken.listeners[1].inode, 4712);
	ck_assert_str_eq(o.taken.listeners[0].name, "listener-1");
	for (unsigned i = 1; i <= 9; i++) {
		const char *was = releases_path(&o.left.releases, i);
		const char *is = releases_path(&o.taken.releases, i);
		ck_assert(was == NULL ? is == NULL : strcmp(was, is) == 0);
	}
	handover_finish(&o);
	stage_close(&t);
}
END_TEST

START_TEST(a_herd_that_serves_survives_with_its_figures)
{
	struct stage t;
	struct handover o;
	stage_start(&t, 4);
	for (int i = 0; i < 100; i++) {
		stage_wait(&t, t.now + 5 * MSEC_SECOND);
		stage_tick(&t, (uint64_t)(80 + i) * MIB);
		stage_read(&t, stage_resident(&t, 1)->id, (uint64_t)(50 + i) * MIB);
	}
	unsigned id = stage_resident(&t, 1)->id;
	struct watch before = herd_worker(t.herd, id)->watch;
	ck_assert_uint_eq(before.history.len, HISTORY_MAX);
	hand_over(&t, &o);
	const struct watch *after = &herd_worker(t.herd, id)->watch;
	ck_assert_uint_eq(after->memory.uss_bytes, before.memory.uss_bytes);
	ck_assert_uint_eq(after->rss_bytes, before.rss_bytes);
	ck_assert_int_eq(after->dear_at, before.dear_at);
	for (size_t i = 0; i < HISTORY_MAX; i++)
		ck_assert_uint_eq(history_nth(&after->history, i)->rss_bytes,
				  history_nth(&before.history, i)->rss_bytes);
	ck_assert_uint_eq(herd_serving(t.herd), 4);
	handover_finish(&o);
	stage_close(&t);
}
END_TEST

START_TEST(a_question_that_is_out_is_asked_again)
{
	struct stage t;
	struct handover o;
	stage_start(&t, 2);
	stage_wait(&t, t.now + 5 * MSEC_SECOND);
	stage_tick(&t, 400 * MIB);
	ck_assert_uint_ne(t.herd->reading, 0);
	struct worker *w = stage_resident(&t, 0);
	stage_restart(&t, (unsigned[]){ 0 }, 1, false);
	stage_bring_up(&t, 0);
	ck_assert(w->counting && w->proof_asked && !w->proof_known);
	unsigned id = w->id;
	hand_over(&t, &o);
	ck_assert_uint_eq(t.herd->reading, 0);
	ck_assert(!herd_worker(t.herd, id)->counting && !herd_worker(t.herd, id)->proof_asked);
	adopt(&t);
	ck_assert_ptr_nonnull(stage_order(&t, ORDER_COUNT));
	ck_assert_ptr_nonnull(stage_order(&t, ORDER_PROVE));
	handover_finish(&o);
	stage_close(&t);
}
END_TEST

START_TEST(a_replacement_goes_on_while_its_successor_boots)
{
	struct stage t;
	struct handover o;
	stage_start(&t, 2);
	stage_read(&t, stage_resident(&t, 0)->id, 700 * MIB);
	unsigned old = stage_resident(&t, 0)->id, fresh = stage_successor(&t, 0)->id;
	stage_launched(&t, fresh);
	hand_over(&t, &o);
	ck_assert_str_eq(t.herd->slots[0].replacement.why, "hard");
	adopt(&t);
	stage_answered(&t, fresh);
	ck_assert_uint_eq(stage_resident(&t, 0)->id, fresh);
	stage_wait(&t, t.now + 6 * MSEC_SECOND);
	stage_exited(&t, old);
	ck_assert_uint_eq(t.told[EVENT_REPLACEMENT_DONE], 1);
	ck_assert_str_eq(stage_said(&t, EVENT_REPLACEMENT_DONE, "cause"), "hard");
	handover_finish(&o);
	stage_close(&t);
}
END_TEST

START_TEST(a_drain_ends_when_it_would_have_ended)
{
	struct stage t;
	struct handover o;
	stage_start(&t, 2);
	unsigned old = stage_resident(&t, 0)->id;
	stage_restart(&t, NULL, 0, false);
	stage_bring_up(&t, 0);
	ck_assert(stage_signalled(&t, old, SIGTERM));
	stage_counted(&t, old, 3, 0);
	msec_t end = t.now + t.config.restart.drain_timeout;
	stage_wait(&t, t.now + 15 * MSEC_SECOND);
	hand_over(&t, &o);
	ck_assert_int_eq(herd_worker(t.herd, old)->life.drain_end, end);
	adopt(&t);
	stage_wait(&t, end - 1);
	ck_assert_uint_eq(t.told[EVENT_DRAIN_KILLED], 0);
	stage_wait(&t, end);
	ck_assert_uint_eq(t.told[EVENT_DRAIN_KILLED], 1);
	handover_finish(&o);
	stage_close(&t);
}
END_TEST

START_TEST(a_restart_goes_on_with_the_slots_that_are_left)
{
	struct stage t;
	struct handover o;
	stage_start(&t, 3);
	stage_restart(&t, NULL, 0, false);
	unsigned old = stage_resident(&t, 0)->id;
	stage_bring_up(&t, 0);
	stage_counted(&t, old, 0, 0);
	stage_exited(&t, old);
	hand_over(&t, &o);
	ck_assert(t.herd->restart.active && !t.herd->slots[0].asked && t.herd->slots[2].asked);
	ck_assert_str_eq(t.herd->restart.by, "a test");
	adopt(&t);
	for (unsigned slot = 1; slot < 3; slot++) {
		old = stage_resident(&t, slot)->id;
		stage_bring_up(&t, slot);
		stage_counted(&t, old, 0, 0);
		stage_exited(&t, old);
	}
	ck_assert_uint_eq(t.told[EVENT_RESTART_DONE], 1);
	ck_assert_int_eq(stage_number(&t, EVENT_RESTART_DONE, "slots"), 3);
	handover_finish(&o);
	stage_close(&t);
}
END_TEST

START_TEST(a_herd_that_leaves_goes_on_leaving)
{
	struct stage t;
	struct handover o;
	stage_start(&t, 2);
	stage_restart(&t, NULL, 0, false);
	unsigned fresh = stage_successor(&t, 0)->id;
	stage_launched(&t, fresh);
	stage_stop(&t);
	stage_exited(&t, fresh);
	leave(&o, t.herd);
	take(&o, &t);
	ck_assert_str_eq(o.said, ""); /* the replacement that nobody ends any more is no news */
	ck_assert_int_eq(o.verdict, STATE_WHOLE);
	ck_assert_int_eq(o.taken.herd->state, HERD_LEAVING);
	ck_assert_uint_eq(herd_in_flight(o.taken.herd), 0);
	handover_finish(&o);
	stage_close(&t);
}
END_TEST

START_TEST(a_stop_that_waits_comes_when_it_would_have_come)
{
	struct stage t;
	struct handover o;
	stage_open(&t, 2);
	t.config.restart.stop_delay = 10 * MSEC_SECOND;
	stage_begin(&t);
	stage_stop(&t);
	msec_t stop_at = t.now + 10 * MSEC_SECOND;
	stage_wait(&t, t.now + 3 * MSEC_SECOND);
	hand_over(&t, &o);
	ck_assert_int_eq(t.herd->state, HERD_WAITING_TO_STOP);
	ck_assert_int_eq(t.herd->stop_at, stop_at);
	handover_finish(&o);
	stage_close(&t);
}
END_TEST

static unsigned random_seed;
static unsigned dice(unsigned sides) {
	random_seed = random_seed * 1664525 + 1013904223;
	return (random_seed >> 8) % sides;
}

static void happen(struct stage *t, struct worker *w) {
	unsigned slot = w->slot;
	switch (dice(12)) {
	case 0: stage_exited(t, w->id); break;
	case 1: stage_restart(t, &slot, 1, dice(2)); break;
	case 2: stage_happens(t, HERD_STOPPED, w->id); break;
	case 3: stage_happens(t, HERD_REBOOTED, w->id); break;
	case 4: stage_read(t, w->id, dice(800) * MIB); break;
	case 5: stage_counted(t, w->id, 3, (int)dice(2)); break;
	case 6: stage_tick(t, dice(800) * MIB); break;
	case 7: stage_restart(t, NULL, 0, dice(2)); break;
	case 8:
		t->limits.workers = 1 + dice(6);
		stage_reload(t);
		break;
	default:
		if (w->pid == 0)
			stage_launched(t, w->id);
		else
			stage_answered(t, w->id);
	}
}

START_TEST(whatever_has_happened_to_a_herd_it_survives)
{
	for (unsigned seed = 1; seed <= 10; seed++) {
		struct stage t;
		random_seed = seed;
		stage_start(&t, 4);
		for (int i = 0; i < 300; i++) {
			if (dice(4) == 0)
				stage_wait(&t, t.now + dice(20) * MSEC_SECOND);
			struct worker *w = &t.herd->workers[dice(t.herd->cells)];
			if (w->life.state != WORKER_GONE)
				happen(&t, w);
			if (i % 10 == 0)
				check_survives(&t);
		}
		stage_close(&t);
	}
}
END_TEST

START_TEST(a_mold_survives)
{
	struct stage t;
	struct handover o;
	stage_start(&t, 2);
	struct herd_event event = { .kind = HERD_PARENT, .generation = 1 };
	event.parent.release = 1;
	event.parent.state = MOLD_READY;
	event.parent.pid = 50;
	stage_feed(&t, event);
	ck_assert_int_ne(t.herd->parents[0].asked_at, 0);
	hand_over(&t, &o);
	ck_assert_int_eq(t.herd->parents[0].pid, 50);
	ck_assert_int_eq(t.herd->parents[0].state, MOLD_READY);
	ck_assert_int_eq(t.herd->parents[0].asked_at, 0);
	handover_finish(&o);
	stage_close(&t);
}
END_TEST

START_TEST(bytes_of_any_kind_survive_or_are_replaced)
{
	struct stage t;
	struct handover o;
	stage_start(&t, 1);
	memset(t.herd->slots[0].last_reason, 0xff, sizeof t.herd->slots[0].last_reason - 1);
	leave(&o, t.herd);
	releases_renew(&o.left.releases, "/srv/caf\xe9");
	o.json.len = 0;
	ck_assert_int_eq(state_print(&o.left, &o.json), 0);
	take(&o, &t);
	ck_assert_str_eq(o.said, "");
	ck_assert_str_eq(releases_path(&o.taken.releases, 10), "/srv/caf\xe9");
	const char *reason = o.taken.herd->slots[0].last_reason;
	ck_assert_uint_eq(strlen(reason), 93);
	ck_assert_int_eq(strncmp(reason, "\xef\xbf\xbd\xef\xbf\xbd", 6), 0);
	handover_finish(&o);
	stage_close(&t);
}
END_TEST

/* A herd of two with a replacement in slot 0, workers 1 to 3 and a mold; as JSON. */
static json_t *example(struct stage *t) {
	struct handover o;
	stage_start(t, 2);
	stage_restart(t, (unsigned[]){ 0 }, 1, false);
	t->herd->parents[0] =
		(struct parent){ .generation = 1, .release = 1, .pid = 50, .state = MOLD_READY };
	leave(&o, t->herd);
	json_t *root = json_loadb(o.json.data, o.json.len, 0, NULL);
	handover_finish(&o);
	return root;
}

/* At `path`, "herd.workers.0.id", comes `text`; none: it is taken out. */
static void put(json_t *root, const char *path, const char *text) {
	char copy[200], *rest = copy, *key = NULL;
	json_t *at = root;
	snprintf(copy, sizeof copy, "%s", path);
	while ((key = strsep(&rest, ".")) != NULL && rest != NULL)
		at = json_is_array(at) ? json_array_get(at, strtoul(key, NULL, 10))
				       : json_object_get(at, key);
	ck_assert_msg(at != NULL, "%s", path);
	json_t *value = text != NULL ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
	ck_assert(text == NULL || value != NULL);
	if (value == NULL)
		json_object_del(at, key);
	else if (json_is_array(at) && strtoul(key, NULL, 10) == json_array_size(at))
		json_array_append_new(at, value);
	else if (json_is_array(at))
		json_array_set_new(at, strtoul(key, NULL, 10), value);
	else
		json_object_set_new(at, key, value);
}

static void take_json(struct handover *o, const struct stage *t, const json_t *root) {
	memset(o, 0, sizeof *o);
	char *text = json_dumps(root, JSON_COMPACT);
	ck_assert(buffer_add(&o->json, text, strlen(text), STATE_BYTES_MAX));
	free(text);
	take(o, t);
}

/* What was mended has nothing more to be mended, and goes on until everybody has left. */
static void check_goes_on(struct stage *t, struct handover *o) {
	struct handover again = { 0 };
	ck_assert_int_eq(state_print(&o->taken, &again.json), 0);
	take(&again, t);
	check_whole(&again);
	handover_finish(&again);
	free(t->herd);
	t->herd = o->taken.herd;
	o->taken.herd = NULL;
	adopt(t);
	stage_wait(t, t->now + MSEC_MINUTE);
	stage_stop(t);
	for (int i = 0; i < 1000 && !t->left; i++) {
		stage_wait(t, t->now + MSEC_MINUTE);
		for (unsigned k = 0; k < t->herd->cells; k++) {
			if (worker_goes(t->herd->workers[k].life.state))
				stage_exited(t, t->herd->workers[k].id);
		}
		struct herd_event gone = { .kind = HERD_PARENT };
		gone.generation = t->herd->parents[0].generation;
		gone.parent.release = t->herd->parents[0].release;
		if (gone.generation != 0)
			stage_feed(t, gone);
	}
	ck_assert(t->left);
}

static const struct damage {
	const char *path, *value; /* NULL: taken out */
	const char *said;
	unsigned workers; /* that are there after */
} damages[] = {
	{ "herd.workers.0.id", "0", "worker 0 (pid 100) is let go: it has no id of its own", 3 },
	{ "herd.workers.0.id", "2", "worker 2 (pid 101) is let go: it has no id of its own", 3 },
	{ "herd.workers.0.id", "77", "the last worker was 77, not 3", 3 },
	{ "herd.workers.0.id", "-1", "herd.workers[0].id: -1 can't be", 3 },
	{ "herd.workers.0.id", "4294967296", "4294967296 can't be", 3 },
	{ "herd.workers.0.id", "\"1\"", "herd.workers[0].id: has another type", 3 },
	{ "herd.workers.0.id", "1.0", "herd.workers[0].id: has another type", 3 },
	{ "herd.last_id", NULL, "the last worker was 1, not 0", 3 },
	{ "herd.workers.0.slot", "128", "is let go: it has no slot that there is", 3 },
	{ "herd.workers.0.slot", NULL, "is let go: it has no slot that there is", 3 },
	{ "herd.workers.0.slot", "1", "is let go: its slot has another resident", 3 },
	{ "herd.workers.0.role", "\"leaver\"", "is let go: it was to leave", 3 },
	{ "herd.workers.0.role", "\"king\"", "role: is a word that is unknown here", 3 },
	{ "herd.workers.0.pid", "1", "is left out: that is no worker's pid", 2 },
	{ "herd.workers.0.pid", "-1", "is left out: that is no worker's pid", 2 },
	{ "herd.workers.0.pid", "-5", "pid: -5 can't be", 2 },
	{ "herd.workers.0.pid", "77", "is left out: that is no worker's pid", 2 },
	{ "herd.workers.0.pid", "101", "is left out: it is there twice", 2 },
	{ "herd.workers.0.pid", NULL, "is left out: it has no process", 2 },
	{ "herd.workers.0.life", NULL, "has no state that is known", 3 },
	{ "herd.workers.0.life.state", "\"asleep\"", "has no state that is known", 3 },
	{ "herd.workers.0.life.state", "\"gone\"", "the replacement in slot 0 is given up", 2 },
	{ "herd.workers.0.life.state", "\"draining\"", "drains without an end", 3 },
	{ "herd.workers.0.life.state", "\"leaving\"", "has no deadline", 3 },
	{ "herd.workers.0.life.since", "9223372036854775807", "can't be", 3 },
	{ "herd.workers.0", "{\"id\":1,\"slot\":0,\"pid\":5,\"life\":{\"state\":\"ready\"}}",
	  "worker 1 (pid 5) serves, and was never ready", 3 },
	{ "herd.workers.0.ready_at", NULL, "serves, and was never ready", 3 },
	{ "herd.workers.0.busy", "2147483647", "2147483647 can't be", 3 },
	{ "herd.workers.0.watch", "[]", "watch: has another type", 3 },
	{ "herd.workers.0.watch.verdict", "\"total\"", "verdict: is a word", 3 },
	{ "herd.workers.0.watch.strikes.seen", "33", "33 can't be", 3 },
	{ "herd.workers.0.watch.history", "[]", "history: is left out: \"at\" can't be", 3 },
	{ "herd.workers.0.watch.history.dear", "[0,0,1]", "\"dear\" can't be", 3 },
	{ "herd.workers.0.watch.history.rss_bytes", "[1,-5]", "\"rss_bytes\" can't be", 3 },
	{ "herd.workers.0", "null", "herd.workers[0]: has another type", 2 },
	{ "herd.workers", "{}", "herd.workers: has another type", 0 },
	{ "herd.workers", NULL, "the replacement in slot 0 is given up", 0 },
	{ "herd.slots.0", "{}", "worker 3 (pid 0) succeeds nobody", 3 },
	{ "herd.slots.0.replacement.phase", "\"letting go\"", "in slot 0 is given up", 3 },
	{ "herd.slots.0.replacement.phase", "\"stopping first\"", "in slot 0 is given up", 3 },
	{ "herd.slots.0.replacement.phase", "\"refilling\"", "in slot 0 is given up", 3 },
	{ "herd.slots.0.replacement.phase", "7", "phase: is a word that is unknown here", 3 },
	{ "herd.slots.0.replacement.old_id", "2", "in slot 0 is given up", 3 },
	{ "herd.slots.0.replacement.new_id", "99", "in slot 0 is given up", 3 },
	{ "herd.slots.0.replacement.why", NULL, "in slot 0 is given up", 3 },
	{ "herd.slots.0.replacement.why", "5", "why: has another type", 3 },
	{ "herd.restart.active", NULL, "slot 0 is to be restarted by nobody", 3 },
	{ "herd.restart.active", "1", "herd.restart.active: has another type", 3 },
	{ "herd.restart.by", "[[[[]]]]", "herd.restart.by: has another type", 3 },
	{ "herd.state", "\"dreaming\"", "herd.state: is a word that is unknown here", 3 },
	{ "herd.release", "12", "the last release was 12, not 9", 3 },
	{ "herd.parents.0.pid", "1", "mold 1 (pid 1) is left out: it has no process", 3 },
	{ "herd.parents.0.generation", NULL, "mold 0 (pid 50) is left out", 3 },
	{ "herd.parents.1", "{\"generation\":1,\"pid\":60,\"state\":\"ready\"}", "mold 1 (pid 60)",
	  3 },
	{ "herd.parents.0.generation", "10", "the last mold was 10, not 9", 3 },
	{ "herd.futile_soft", "{\"futile\":true}", "a futile limit has no reason", 3 },
	{ "herd.counters.boots", "-1", "herd.counters.boots: -1 can't be", 3 },
	{ "herd.more", "{\"a\":[]}", "herd: \"more\" is unknown here", 3 },
	{ "herd.workers.1.mood", "\"blue\"", "herd.workers[1]: \"mood\" is unknown here", 3 },
	{ "version", "2", "it is of version 2, and 1 is known here", 3 },
	{ "releases", "{\"last\":1,\"paths\":[\"a\",\"b\"]}", "releases: are left out", 3 },
	{ "releases.paths.7", "\"hex:4\"", "releases: 9 has no path", 3 },
	{ "releases.paths.7", "7", "releases: 9 has no path", 3 },
	{ "listeners", "7", "listeners: has another type", 3 },
	{ "pid", "\"x\"", "pid: has another type", 3 },
	{ "herd", "{\"slots\":7}", "herd.slots: has another type", 0 },
};

START_TEST(what_cannot_be_is_mended_or_left_out_and_said)
{
	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		const struct damage *d = &damages[i];
		struct stage t;
		struct handover o;
		json_t *root = example(&t);
		put(root, d->path, d->value);
		take_json(&o, &t, root);
		json_decref(root);
		ck_assert_msg(o.verdict == STATE_PARTIAL, "%s: %d %s", d->path, (int)o.verdict,
			      o.said);
		ck_assert_msg(strstr(o.said, d->said) != NULL, "%s: %s", d->path, o.said);
		ck_assert_msg(o.taken.herd->cells == d->workers, "%s: %u of %u", d->path,
			      o.taken.herd->cells, d->workers);
		check_goes_on(&t, &o);
		handover_finish(&o);
		stage_close(&t);
	}
}
END_TEST

START_TEST(never_may_be_said)
{
	struct stage t;
	struct handover o;
	json_t *root = example(&t);
	put(root, "herd.workers.0.life.deadline", "9223372036854775807");
	take_json(&o, &t, root);
	json_decref(root);
	ck_assert_str_eq(o.said, "");
	ck_assert_int_eq(o.verdict, STATE_WHOLE);
	ck_assert_int_eq(herd_worker(o.taken.herd, 1)->life.deadline, MSEC_NEVER);
	handover_finish(&o);
	stage_close(&t);
}
END_TEST

START_TEST(who_has_no_place_is_let_go_at_once)
{
	struct stage t;
	struct handover o;
	json_t *root = example(&t);
	put(root, "herd.workers.1.slot", "999");
	take_json(&o, &t, root);
	json_decref(root);
	struct worker *w = herd_worker(o.taken.herd, 2);
	ck_assert_int_eq(w->role, ROLE_LEAVER);
	ck_assert_int_eq(w->life.state, WORKER_LEAVING);
	free(t.herd);
	t.herd = o.taken.herd;
	o.taken.herd = NULL;
	adopt(&t);
	stage_happens(&t, HERD_DEADLINE, 0);
	ck_assert(stage_signalled(&t, 2, SIGTERM));
	handover_finish(&o);
	stage_close(&t);
}
END_TEST

START_TEST(more_than_there_is_room_for_is_said)
{
	struct stage t;
	struct handover o;
	json_t *root = example(&t),
	       *workers = json_object_get(json_object_get(root, "herd"), "workers");
	json_t *slots = json_object_get(json_object_get(root, "herd"), "slots");
	for (int i = 0; i < 400; i++) {
		json_t *copy = json_deep_copy(json_array_get(workers, 1));
		json_object_set_new(copy, "id", json_integer(1000 + i));
		json_object_set_new(copy, "pid", json_integer(1000 + i));
		json_array_append_new(workers, copy);
		json_array_append_new(slots, json_object());
	}
	take_json(&o, &t, root);
	json_decref(root);
	ck_assert_uint_eq(o.taken.herd->cells, HERD_WORKERS_MAX);
	ck_assert_ptr_nonnull(strstr(o.said, "herd.workers: there are 403, and room for 288"));
	ck_assert_ptr_nonnull(strstr(o.said, "herd.slots: there are 401, and room for 128"));
	ck_assert_ptr_nonnull(strstr(o.said, "; and "));
	ck_assert_uint_lt(strlen(o.said), sizeof o.said - 1);
	check_goes_on(&t, &o);
	handover_finish(&o);
	stage_close(&t);
}
END_TEST

START_TEST(a_state_for_which_there_is_no_room_is_not_begun)
{
	struct stage t;
	struct handover o;
	stage_start(&t, 1);
	leave(&o, t.herd);
	struct buffer full = { 0 };
	ck_assert(buffer_reserve(&full, STATE_BYTES_MAX, STATE_BYTES_MAX));
	memset(full.data, ' ', STATE_BYTES_MAX);
	for (size_t room = 0; room < o.json.len; room += 50) {
		full.len = STATE_BYTES_MAX - room;
		ck_assert_int_eq(state_print(&o.left, &full), -ENOMEM);
		ck_assert_uint_eq(full.len, STATE_BYTES_MAX - room);
	}
	full.len = STATE_BYTES_MAX - o.json.len - 100; /* what is blank needs room for its name */
	ck_assert_int_eq(state_print(&o.left, &full), 0);
	take(&o, &t);
	buffer_finish(&full);
	handover_finish(&o);
	stage_close(&t);
}
END_TEST

static void check_nothing(const struct stage *t, const char *json, size_t len,
			  enum state_verdict wanted, const char *said) {
	struct handover o = { 0 };
	struct herd *untouched = calloc(1, sizeof *untouched);
	herd_init(untouched, t->herd->config, &t->limits);
	ck_assert(buffer_add(&o.json, json, len, SIZE_MAX));
	take(&o, t);
	ck_assert_int_eq(o.verdict, wanted);
	ck_assert_msg(strstr(o.said, said) != NULL, "%s", o.said);
	ck_assert(memcmp(untouched, o.taken.herd, sizeof *untouched) == 0);
	free(untouched);
	handover_finish(&o);
}

START_TEST(of_another_boot_nothing_is_taken)
{
	struct stage t;
	json_t *root = example(&t);
	put(root, "boot_id", "\"another one\"");
	char *text = json_dumps(root, 0);
	check_nothing(&t, text, strlen(text), STATE_OTHER_BOOT, "booted since");
	free(text);
	json_decref(root);
	stage_close(&t);
}
END_TEST

START_TEST(a_container_that_was_started_anew_is_another_boot_of_the_same_machine)
{
	static const struct {
		const char *left, *now;
		enum state_verdict verdict;
	} rows[] = {
		{ "a-boot.17", "a-boot.17", STATE_WHOLE },
		{ "a-boot.17", "a-boot.18", STATE_OTHER_BOOT },
		{ "a-boot.17", "a-boot.170", STATE_OTHER_BOOT },
		{ "a-boot.17", "b-boot.17", STATE_OTHER_BOOT },
		{ "a-boot", "a-boot.17", STATE_WHOLE }, /* who wrote it could not see process 1 */
		{ "a-boot.17", "a-boot", STATE_WHOLE },
		{ "a-boo", "a-boot.17", STATE_OTHER_BOOT },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct stage t;
		struct handover o;
		stage_start(&t, 1);
		leave(&o, t.herd);
		snprintf(o.left.boot_id, sizeof o.left.boot_id, "%s", rows[i].left);
		o.json.len = 0;
		ck_assert_int_eq(state_print(&o.left, &o.json), 0);
		take_in(&o, &t, rows[i].now);
		ck_assert_msg(o.verdict == rows[i].verdict, "%s, %s: %s", rows[i].left, rows[i].now,
			      o.said);
		handover_finish(&o);
		stage_close(&t);
	}
}
END_TEST

START_TEST(whoever_does_not_mind_reads_it_all_the_same_and_is_told_which_boot_it_is_of)
{
	struct stage t;
	struct handover o;
	stage_start(&t, 1);
	leave(&o, t.herd);
	take_in(&o, &t, NULL);
	check_whole(&o);
	ck_assert_str_eq(o.taken.boot_id, BOOT);
	handover_finish(&o);
	stage_close(&t);
}
END_TEST

START_TEST(a_text_that_is_cut_off_is_broken_wherever_it_ends)
{
	struct stage t;
	struct handover o;
	stage_start(&t, 1);
	leave(&o, t.herd);
	for (size_t len = 0; len < o.json.len; len += len < 200 ? 1 : 37)
		check_nothing(&t, o.json.data, len, STATE_BROKEN, "");
	check_nothing(&t, o.json.data, o.json.len - 1, STATE_BROKEN, "");
	handover_finish(&o);
	stage_close(&t);
}
END_TEST

START_TEST(what_is_no_state_is_broken)
{
	static const char *const texts[] = {
		"",
		"{}",
		"[]",
		"null",
		"\xff",
		"{\"version\":1}",
		"{\"version\":0,\"boot_id\":\"" BOOT "\",\"herd\":{}}",
		"{\"version\":\"1\",\"boot_id\":\"" BOOT "\",\"herd\":{}}",
		"{\"version\":1,\"boot_id\":7,\"herd\":{}}",
		"{\"version\":1,\"boot_id\":\"" BOOT "\",\"herd\":[]}",
		"{\"version\":1,\"boot_id\":\"" BOOT "\",\"herd\":{}}x",
		"{\"version\":123456789012345678901234567890,\"boot_id\":\"" BOOT "\"}",
	};
	struct stage t;
	stage_start(&t, 1);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		check_nothing(&t, texts[i], strlen(texts[i]), STATE_BROKEN, "");
	stage_close(&t);
}
END_TEST

START_TEST(depth_and_length_without_end_are_broken)
{
	struct stage t;
	stage_start(&t, 1);
	size_t len = STATE_BYTES_MAX + 1;
	char *text = malloc(len);
	memset(text, '[', len);
	check_nothing(&t, text, len, STATE_BROKEN, "too long");
	check_nothing(&t, text, len - 1, STATE_BROKEN, "");
	free(text);
	stage_close(&t);
}
END_TEST

SUITE("state", what_the_daemon_knows_survives, a_herd_that_serves_survives_with_its_figures,
      a_question_that_is_out_is_asked_again, a_replacement_goes_on_while_its_successor_boots,
      a_drain_ends_when_it_would_have_ended, a_restart_goes_on_with_the_slots_that_are_left,
      a_herd_that_leaves_goes_on_leaving, a_stop_that_waits_comes_when_it_would_have_come,
      never_may_be_said, a_state_for_which_there_is_no_room_is_not_begun,
      whatever_has_happened_to_a_herd_it_survives, a_mold_survives,
      bytes_of_any_kind_survive_or_are_replaced, what_cannot_be_is_mended_or_left_out_and_said,
      who_has_no_place_is_let_go_at_once, more_than_there_is_room_for_is_said,
      of_another_boot_nothing_is_taken,
      a_container_that_was_started_anew_is_another_boot_of_the_same_machine,
      whoever_does_not_mind_reads_it_all_the_same_and_is_told_which_boot_it_is_of,
      a_text_that_is_cut_off_is_broken_wherever_it_ends, what_is_no_state_is_broken,
      depth_and_length_without_end_are_broken)
