#include "core/status_table.h"

#include <string.h>

#include "suite.h"

static char buffer[100000];

static const char *print(const json_t *status, struct style style) {
	struct text out = TEXT_IN(buffer);
	status_table_print(status, &style, &out);
	ck_assert(!out.cut);
	return buffer;
}

static json_t *fixture(void) {
	json_t *status = json_load_file(FIXTURES "/answer/status-degraded.json", 0, NULL);
	ck_assert_ptr_nonnull(status);
	return status;
}

/* The same, of workers that were forked from a mold of generation 12, in that state. */
static json_t *forked(const char *state) {
	json_t *status = fixture(), *workers = json_object_get(status, "workers"), *worker;
	size_t i;
	bool lives = strcmp(state, "backoff") != 0;
	json_object_set_new(status, "parent",
			    json_pack("{s:s,s:i,s:i,s:s,s:i,s:i,s:i,s:i}", "kind", "mold",
				      "generation", 12, "pid", 4100, "state", state, "age_s", 75,
				      "rss_bytes", 118 << 20, "pss_bytes", 60 << 20, "uss_bytes",
				      3 << 20));
	json_t *parent = json_object_get(status, "parent");
	if (!lives) {
		json_object_set_new(parent, "pid", json_null());
		json_object_set_new(parent, "rss_bytes", json_null());
		json_object_set_new(parent, "retry_s", json_integer(8));
		json_object_set_new(parent, "last_reason",
				    json_string("the app could not be loaded: exit status 3; it "
						"printed: the moon is in the wrong place"));
	}
	json_array_foreach(workers, i, worker)
		json_object_set_new(worker, "generation", json_integer(12));
	return status;
}

/* The widest line. */
static unsigned width_of(const char *text) {
	unsigned widest = 0;
	static char copy[sizeof buffer];
	strcpy(copy, text);
	char *rest = NULL;
	for (char *line = strtok_r(copy, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest))
		widest = paint_width(line) > widest ? paint_width(line) : widest;
	return widest;
}

START_TEST(eighty_columns_hold_what_matters)
{
	json_t *status = fixture();
	ck_assert_str_eq(
		print(status, (struct style){ 80, false, true }),
		"myapp  degraded  3/4 ready  pool  812MiB of 3.2GiB (ΣPSS)  up 3h12m\n"
		"jemalloc 5.3.0 proved  tcp://0.0.0.0:9292  unix:///run/myapp/puma.sock\n"
		"release 20260701120000  pumakeeperd 0.1.0, pid 4021\n"
		"\n"
		"SLOT   PID STATE      AGE  RSS  USS LIMIT USS/LIMIT   BUSY/OPEN STRIKES RESTARTS\n"
		"   0  4242 ready    3h12m 310M 220M  512M ██▌     42%      3/12       0        2\n"
		"     soft: uss 529MiB over 512MiB, 3 of 5 strikes\n"
		"   1 14243 draining 5d18h 668M 563M  512M ██████ 109%       1/1       3       11\n"
		"     hard: uss 801MiB over 768MiB\n"
		"   2 14299 booting     3s  86M    –  512M –                 –/–       0        0\n"
		"   3  4250 ready      59s 477M 429M  512M █████   83%       0/4       1        1\n"
		"\n"
		"replacements 14  drained clean 12  half-closed 1  killed 1  connections lost 2\n"
		"! 3 of 4 workers are ready: slot 1 is being replaced and the new one has not\n"
		"  answered its probe yet\n"
		"! workers of different releases are running\n"
		"! slot 1: its figures are 1m15s old\n");
	json_decref(status);
}
END_TEST

START_TEST(a_mold_has_a_line_with_what_sharing_saves)
{
	json_t *status = forked("ready");
	ck_assert_ptr_nonnull(strstr(
		print(status, (struct style){ 80, false, true }),
		"\nmold  gen 12  pid 4100  ready  118M (pss 60M, uss 3M)  sharing saves 428M\n\n"));
	ck_assert_ptr_null(strstr(buffer, "GEN"));
	json_object_set_new(json_object_get(status, "herd"), "pss_bytes", json_null());
	ck_assert_ptr_null(strstr(print(status, (struct style){ 80, false, true }), "saves"));
	json_object_set_new(json_object_get(status, "herd"), "pss_bytes", json_integer(1300000001));
	ck_assert_ptr_null(strstr(print(status, (struct style){ 80, false, true }), "saves"));
	json_decref(status);
}
END_TEST

START_TEST(a_mold_that_loads_says_for_how_long)
{
	json_t *status = forked("loading");
	json_object_set_new(json_object_get(status, "parent"), "rss_bytes", json_null());
	ck_assert_ptr_nonnull(
		strstr(print(status, (struct style){ 80, false, true }),
		       "\nmold  gen 12  pid 4100  loading  for 1m15s  sharing saves 428M\n\n"));
	json_decref(status);
}
END_TEST

START_TEST(a_broken_mold_says_why_and_when_there_is_another)
{
	json_t *status = forked("backoff");
	ck_assert_ptr_nonnull(strstr(
		print(status, (struct style){ 80, false, true }),
		"\nmold  gen 12  backoff  another one in 8s  sharing saves 428M\n"
		"  the app could not be loaded: exit status 3; it printed: the moon is in the\n"
		"  wrong place\n\n"));
	json_decref(status);
}
END_TEST

START_TEST(generations_are_told_apart_when_they_differ)
{
	json_t *status = forked("ready");
	json_t *worker = json_array_get(json_object_get(status, "workers"), 2);
	json_object_set_new(worker, "generation", json_integer(13));
	print(status, (struct style){ 120, false, true });
	ck_assert_ptr_nonnull(strstr(buffer, " GEN "));
	ck_assert_ptr_nonnull(strstr(buffer, " 12 "));
	ck_assert_ptr_nonnull(strstr(buffer, " 13 "));
	json_decref(status);
}
END_TEST

START_TEST(old_figures_of_a_worker_that_lies_still_are_not_pointed_out)
{
	static const char words[] = "its figures are";
	json_t *status = fixture(), *worker = json_array_get(json_object_get(status, "workers"), 1);
	json_object_set_new(worker, "calm", json_true());
	ck_assert_ptr_null(strstr(print(status, (struct style){ 80, false, true }), words));
	json_object_set_new(worker, "stale_s", json_integer(700));
	ck_assert_ptr_nonnull(strstr(print(status, (struct style){ 80, false, true }), words));
	json_object_set_new(worker, "calm", json_false());
	json_object_set_new(worker, "stale_s", json_integer(75));
	ck_assert_ptr_nonnull(strstr(print(status, (struct style){ 80, false, true }), words));
	json_decref(status);
}
END_TEST

START_TEST(no_line_is_wider_than_the_terminal)
{
	json_t *const all[] = { fixture(), forked("ready"), forked("backoff") };
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		for (unsigned width = 40; width <= 200; width++) {
			print(all[i], (struct style){ width, false, true });
			ck_assert_msg(width_of(buffer) <= width, "%u: %s", width, buffer);
		}
		json_decref(all[i]);
	}
}
END_TEST

START_TEST(forty_columns_still_name_each_worker_and_its_state)
{
	json_t *status = fixture();
	print(status, (struct style){ 40, false, true });
	ck_assert_ptr_nonnull(strstr(buffer, "   1 14243 draining ██████ 109%"));
	ck_assert_ptr_null(strstr(buffer, "RESTARTS"));
	json_decref(status);
}
END_TEST

START_TEST(plain_ascii_is_plain_ascii)
{
	json_t *status = fixture();
	json_object_set_new(status, "app", json_string("café"));
	print(status, (struct style){ 120, false, false });
	for (const char *c = buffer; *c != '\0'; c++)
		ck_assert_msg(*c == '\n' || (*c >= ' ' && *c < 0x7f), "%s", c);
	ck_assert_ptr_nonnull(strstr(buffer, "(sum of PSS)"));
	ck_assert_ptr_nonnull(strstr(buffer, "###### 109%"));
	json_decref(status);
}
END_TEST

START_TEST(what_is_not_known_is_never_zero)
{
	json_t *status = json_pack("{s:[{}]}", "workers");
	ck_assert_str_eq(
		print(status, (struct style){ 100, false, true }),
		"–  –  –/– ready\n"
		"\n"
		"SLOT PID STATE AGE RSS PSS USS LIMIT USS/LIMIT BUSY/OPEN STRIKES RESTARTS\n"
		"   –   – –       –   –   –   –     – –               –/–       –        –\n");
	json_decref(status);
}
END_TEST

START_TEST(no_workers_are_no_table)
{
	json_t *status = json_pack("{s:s,s:s,s:{s:i,s:i},s:[]}", "app", "myapp", "state",
				   "starting", "herd", "ready", 0, "wanted", 4, "workers");
	ck_assert_str_eq(print(status, (struct style){ 80, false, true }),
			 "myapp  starting  0/4 ready\n");
	json_decref(status);
}
END_TEST

START_TEST(sixty_four_workers_are_sixty_four_rows)
{
	json_t *status = fixture(), *workers = json_object_get(status, "workers");
	while (json_array_size(workers) < 64)
		json_array_append(workers, json_array_get(workers, 3));
	print(status, (struct style){ 80, true, true });
	unsigned rows = 0;
	for (const char *at = buffer; (at = strstr(at, "477M")) != NULL; at++)
		rows++;
	ck_assert_uint_eq(rows, 61);
	json_decref(status);
}
END_TEST

START_TEST(allocators_are_told_apart_when_they_differ)
{
	json_t *status = fixture(), *worker = json_array_get(json_object_get(status, "workers"), 0);
	json_object_set_new(worker, "allocator",
			    json_pack("{s:s,s:n,s:s}", "name", "libc", "version", "proof", "no"));
	print(status, (struct style){ 150, false, true });
	ck_assert_ptr_nonnull(strstr(buffer, "ALLOCATOR"));
	ck_assert_ptr_nonnull(strstr(buffer, "libc not proved"));
	ck_assert_ptr_nonnull(strstr(buffer, "jemalloc 5.3.0 proved"));
	json_decref(status);
}
END_TEST

/* Every string of it. */
static void poison(json_t *value, const char *poisoned) {
	const char *key;
	json_t *member;
	size_t i;
	void *safe;
	json_object_foreach_safe(value, safe, key, member) {
		if (json_is_string(member))
			json_object_set_new(value, key, json_string(poisoned));
		else
			poison(member, poisoned);
	}
	json_array_foreach(value, i, member) {
		if (json_is_string(member))
			json_array_set_new(value, i, json_string(poisoned));
		else
			poison(member, poisoned);
	}
}

START_TEST(no_string_of_the_answer_can_reach_the_terminal)
{
	const char *const poisons[] = {
		"\033]0;owned\007\033[2J\r\n\x7f",
		"\xc2\x9b[31m\xc2\x85",
		"\xe2\x80\xae\xe2\x80\xa8",
	};
	for (size_t i = 0; i < ARRAY_LEN(poisons); i++) {
		json_t *status = forked("backoff");
		poison(status, poisons[i]);
		print(status, (struct style){ 80, false, true });
		for (const char *c = buffer; *c != '\0'; c++)
			ck_assert_msg(*c == '\n' || (unsigned char)*c >= ' ', "%zu", i);
		ck_assert_ptr_null(strstr(buffer, "\x7f"));
		ck_assert_ptr_null(strstr(buffer, "\xc2\x9b"));
		ck_assert_ptr_null(strstr(buffer, "\xc2\x85"));
		ck_assert_ptr_null(strstr(buffer, "\xe2\x80\xae"));
		ck_assert_uint_le(width_of(buffer), 80);
		json_decref(status);
	}
}
END_TEST

START_TEST(any_shape_of_answer_is_survived)
{
	const char *const shapes[] = {
		"[]",
		"7",
		"null",
		"{\"workers\":7}",
		"{\"parent\":7}",
		"{\"parent\":{}}",
		"{\"parent\":{\"retry_s\":-9,\"rss_bytes\":\"x\"},\"herd\":{\"rss_bytes\":1,\"pss_bytes\":-1}}",
		"{\"workers\":[1,null,\"x\",[]]}",
		"{\"herd\":[],\"counters\":[1],\"notes\":{},\"listen\":[1,{}]}",
		"{\"workers\":[{\"uss_bytes\":9223372036854775807,\"limit_bytes\":1}]}",
		"{\"workers\":[{\"age_s\":9223372036854775807,\"figure\":\"\"}]}",
		"{\"workers\":[{\"uss_bytes\":-1,\"limit_bytes\":-1,\"slot\":-9223372036854775807}]}",
	};
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		json_t *status = json_loads(shapes[i], JSON_DECODE_ANY, NULL);
		ck_assert_ptr_nonnull(status);
		print(status, (struct style){ 80, true, true });
		ck_assert(status_is_degraded(status));
		json_decref(status);
	}
}
END_TEST

static json_t *one_worker(int64_t uss, int strikes) {
	return json_pack("{s:[{s:i,s:I,s:I,s:i,s:i}]}", "workers", "slot", 0, "uss_bytes", uss,
			 "limit_bytes", INT64_C(1000), "strikes", strikes, "restarts", 0);
}

START_TEST(the_bar_changes_its_colour_near_the_limit)
{
	const struct {
		int64_t uss;
		const char *shown;
	} cases[] = {
		{ 0, "\033[32m         0%\033[0m" },       { 799, "\033[32m████▊   79%\033[0m" },
		{ 800, "\033[33m████▊   80%\033[0m" },     { 1000, "\033[1;31m██████ 100%\033[0m" },
		{ 50000, "\033[1;31m██████ 999%\033[0m" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_t *status = one_worker(cases[i].uss, 0);
		print(status, (struct style){ 80, true, true });
		ck_assert_msg(strstr(buffer, cases[i].shown) != NULL, "%s", buffer);
		json_decref(status);
	}
}
END_TEST

START_TEST(a_column_of_zeros_is_not_worth_its_place)
{
	json_t *calm = one_worker(500, 0), *struck = one_worker(500, 1);
	ck_assert_ptr_null(strstr(print(calm, (struct style){ 100, false, true }), "STRIKES"));
	ck_assert_ptr_nonnull(strstr(print(struck, (struct style){ 100, false, true }), "STRIKES"));
	ck_assert_ptr_null(strstr(buffer, "RESTARTS"));
	json_decref(calm);
	json_decref(struck);
}
END_TEST

START_TEST(a_rehearsal_is_not_mistaken_for_the_play)
{
	json_t *status = json_pack("{s:s,s:b}", "app", "myapp", "rehearse", 1);
	print(status, (struct style){ 0, false, true });
	ck_assert_ptr_nonnull(strstr(buffer, "! a rehearsal: it says what it would replace"));
	json_decref(status);
}
END_TEST

START_TEST(degraded_is_what_it_says)
{
	json_t *status = json_pack("{s:s}", "state", "ok");
	ck_assert(!status_is_degraded(status));
	json_object_set_new(status, "state", json_string("degraded"));
	ck_assert(status_is_degraded(status));
	json_decref(status);
}
END_TEST

SUITE("status_table", eighty_columns_hold_what_matters, a_mold_has_a_line_with_what_sharing_saves,
      a_mold_that_loads_says_for_how_long, a_broken_mold_says_why_and_when_there_is_another,
      generations_are_told_apart_when_they_differ,
      old_figures_of_a_worker_that_lies_still_are_not_pointed_out,
      no_line_is_wider_than_the_terminal, forty_columns_still_name_each_worker_and_its_state,
      plain_ascii_is_plain_ascii, what_is_not_known_is_never_zero, no_workers_are_no_table,
      sixty_four_workers_are_sixty_four_rows, allocators_are_told_apart_when_they_differ,
      no_string_of_the_answer_can_reach_the_terminal, any_shape_of_answer_is_survived,
      the_bar_changes_its_colour_near_the_limit, a_column_of_zeros_is_not_worth_its_place,
      a_rehearsal_is_not_mistaken_for_the_play, degraded_is_what_it_says)
