#include "core/proc.h"

#include <errno.h>
#include <string.h>

#include "fixture.h"
#include "suite.h"

#define KIB 1024u

/* The fixture with the first `from` in it replaced; both may be of any length. */
static struct fixture mended(const char *name, const char *from, const char *to) {
	struct fixture f = fixture_read(name), out = { 0 };
	char *at = strstr(f.text, from);
	ck_assert_msg(at != NULL, "%s has no %s", name, from);
	out.len = (size_t)snprintf(out.text, sizeof out.text, "%.*s%s%s", (int)(at - f.text),
				   f.text, to, at + strlen(from));
	return out;
}

#define ROLLUP "proc/linux-6.18-ruby-smaps_rollup"

static const struct memory untouched = { 1, 2, 3, 4 };

static void assert_rollup_refused(const char *text) {
	struct memory m = untouched;
	ck_assert_msg(proc_rollup(text, &m) == -EBADMSG, "accepted: %.80s", text);
	ck_assert_mem_eq(&m, &untouched, sizeof m);
}

START_TEST(a_rollup_gives_what_a_restart_gives_back)
{
	struct memory m;
	ck_assert_int_eq(proc_rollup(fixture_read(ROLLUP).text, &m), 0);
	ck_assert_uint_eq(m.rss_bytes, 25228 * KIB);
	ck_assert_uint_eq(m.pss_bytes, 21678 * KIB);
	ck_assert_uint_eq(m.uss_bytes, 19920 * KIB);
	ck_assert_uint_eq(m.swap_pss_bytes, 0);

	const char *clean = "Private_Clean:         0", *huge = "Private_Hugetlb:       0";
	ck_assert_int_eq(proc_rollup(mended(ROLLUP, clean, "Private_Clean: 100").text, &m), 0);
	ck_assert_uint_eq(m.uss_bytes, 20020 * KIB);
	ck_assert_int_eq(proc_rollup(mended(ROLLUP, huge, "Private_Hugetlb: 2048").text, &m), 0);
	ck_assert_uint_eq(m.uss_bytes, 21968 * KIB);
	ck_assert_int_eq(
		proc_rollup(mended(ROLLUP, "SwapPss:               0", "SwapPss: 12").text, &m), 0);
	ck_assert_uint_eq(m.swap_pss_bytes, 12 * KIB);
}
END_TEST

START_TEST(a_rollup_may_have_its_lines_in_any_order)
{
	struct memory m;
	ck_assert_int_eq(
		proc_rollup("1-2 ---p 0 00:00 0 [rollup]\nSwapPss: 6 kB\n"
			    "Private_Hugetlb:\t4 kB\nNew_In_7.0: much\nPss_Dirty: 99 kB\n"
			    "Private_Dirty: 2 kB\nPrivate_Clean: 1 kB\nPss: 8 kB\nRss: 9 kB\n",
			    &m),
		0);
	ck_assert_mem_eq(&m, &((struct memory){ 9 * KIB, 8 * KIB, 7 * KIB, 6 * KIB }), sizeof m);
}
END_TEST

START_TEST(a_cut_off_rollup_is_refused_wherever_it_was_cut)
{
	struct fixture f = fixture_read(ROLLUP);
	size_t enough = (size_t)(strstr(f.text, "Locked:") - f.text);
	for (size_t len = 0; len < enough; len++) {
		struct fixture cut = f;
		cut.text[len] = '\0';
		assert_rollup_refused(cut.text);
	}
}
END_TEST

START_TEST(a_full_smaps_is_not_a_rollup)
{ assert_rollup_refused(fixture_read("proc/linux-6.18-ruby-smaps").text); }
END_TEST

START_TEST(numbers_that_cannot_be_are_refused)
{
	static const char *const values[] = {
		"Rss: 18446744073709551615 kB",
		"Rss: 18446744073709551617 kB",
		"Rss: 1125899906842625 kB",
		"Rss: 99999999999999999999999999999999 kB",
		"Rss: -1 kB",
		"Rss: kB",
		"Rss: 0x10 kB",
		"Rss: 12 MB",
		"Rss: 12kB",
		"Rss: 12 kB extra",
		"Rss: 1 2 kB",
		"Rss; 12 kB",
	};
	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		assert_rollup_refused(
			mended(ROLLUP, "Rss:               25228 kB", values[i]).text);
	struct memory m;
	ck_assert_int_eq(proc_rollup(mended(ROLLUP, "Rss:               25228 kB",
					    "Rss: 1125899906842624 kB")
					     .text,
				     &m),
			 0);
	ck_assert_uint_eq(m.rss_bytes, (uint64_t)1 << 60);
}
END_TEST

START_TEST(statm_counts_pages)
{
	uint64_t rss = 5;
	ck_assert_int_eq(proc_statm(fixture_read("proc/linux-6.18-ruby-statm").text, 4096, &rss),
			 0);
	ck_assert_uint_eq(rss, 25228 * KIB);
	ck_assert_int_eq(proc_statm("38555 6307 1327 1 0 20161 0\n", 65536, &rss), 0);
	ck_assert_uint_eq(rss, 6307u * 65536);
	ck_assert_int_eq(proc_statm(fixture_read("proc/linux-6.18-zombie-statm").text, 4096, &rss),
			 0);
	ck_assert_uint_eq(rss, 0);
}
END_TEST

START_TEST(a_statm_that_is_none_is_refused)
{
	static const char *const texts[] = {
		"",
		"\n",
		"38555",
		"38555 ",
		"38555 63",
		" 38555 63 ",
		"38555 -1 0",
		"a b c",
		"1 99999999999999999999 1",
		"1 281474976710657 1",
	};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		uint64_t rss = 5;
		ck_assert_msg(proc_statm(texts[i], 4096, &rss) == -EBADMSG, "%s", texts[i]);
		ck_assert_uint_eq(rss, 5);
	}
}
END_TEST

#define STATUS "proc/linux-6.18-ruby-status"

START_TEST(a_status_says_how_it_is)
{
	struct proc_status s;
	ck_assert_int_eq(proc_status(fixture_read(STATUS).text, &s), 0);
	ck_assert_uint_eq(s.rss_bytes, 25228 * KIB);
	ck_assert_uint_eq(s.swap_bytes, 0);
	ck_assert_uint_eq(s.threads, 2);
	ck_assert_int_eq(s.state, 'S');
	ck_assert_int_eq(s.ppid, 12624);
	ck_assert_int_eq(
		proc_status(mended(STATUS, "VmSwap:	       0 kB", "VmSwap:	   70 kB").text,
			    &s),
		0);
	ck_assert_uint_eq(s.swap_bytes, 70 * KIB);
}
END_TEST

START_TEST(a_zombie_has_no_memory)
{
	struct proc_status s;
	ck_assert_int_eq(proc_status(fixture_read("proc/linux-6.18-zombie-status").text, &s), 0);
	ck_assert_int_eq(s.state, 'Z');
	ck_assert_uint_eq(s.rss_bytes + s.swap_bytes, 0);
}
END_TEST

START_TEST(a_cut_off_status_is_refused_and_not_taken_for_one_without_memory)
{
	struct fixture f = fixture_read(STATUS);
	struct proc_status s = { .ppid = 7 };
	size_t enough = (size_t)(strchr(strstr(f.text, "Threads:"), '\n') - f.text) + 1;
	for (size_t len = 0; len < enough; len++) {
		struct fixture cut = f;
		cut.text[len] = '\0';
		ck_assert_int_eq(proc_status(cut.text, &s), -EBADMSG);
	}
	ck_assert_int_eq(s.ppid, 7);
	ck_assert_int_eq(
		proc_status(mended(STATUS, "VmRSS:	   25228 kB", "VmRSS:	   x kB").text, &s),
		-EBADMSG);
}
END_TEST

START_TEST(a_stat_says_since_when_it_is)
{
	struct proc_stat s;
	ck_assert_int_eq(proc_stat(fixture_read("proc/linux-6.18-ruby-stat").text, &s), 0);
	ck_assert_int_eq(s.state, 'S');
	ck_assert_int_eq(s.ppid, 12624);
	ck_assert_uint_eq(s.utime_ticks, 7);
	ck_assert_uint_eq(s.stime_ticks, 0);
	ck_assert_uint_eq(s.start_ticks, 67485);
	ck_assert_int_eq(proc_stat(fixture_read("proc/linux-6.18-zombie-stat").text, &s), 0);
	ck_assert_int_eq(s.state, 'Z');
	ck_assert_uint_eq(s.start_ticks, 67503);
}
END_TEST

START_TEST(a_program_called_foo_bracket_z_does_not_confuse_its_stat)
{
	struct proc_stat s;
	ck_assert_int_eq(proc_stat(fixture_read("proc/linux-6.18-bracket-stat").text, &s), 0);
	ck_assert_int_eq(s.state, 'S');
	ck_assert_int_eq(s.ppid, 12624);
	ck_assert_uint_eq(s.start_ticks, 67485);
	struct proc_status status;
	ck_assert_int_eq(proc_status(fixture_read("proc/linux-6.18-bracket-status").text, &status),
			 0);
	ck_assert_int_eq(status.state, 'S');
	ck_assert_int_eq(
		proc_stat("1 (a)\n2 (b) R 3) D 5 0 0 0 -1 0 0 0 0 0 6 7 0 0 -20 -5 1 0 8 ", &s), 0);
	ck_assert_int_eq(s.state, 'D');
	ck_assert_uint_eq(s.stime_ticks, 7);
	ck_assert_uint_eq(s.start_ticks, 8);
}
END_TEST

START_TEST(a_cut_off_stat_gives_no_identity)
{
	struct fixture f = fixture_read("proc/linux-6.18-ruby-stat");
	struct proc_stat s = { .start_ticks = 7 };
	size_t enough = (size_t)(strstr(f.text, "67485 ") - f.text) + strlen("67485 ");
	for (size_t len = 0; len < enough; len++) {
		struct fixture cut = f;
		cut.text[len] = '\0';
		ck_assert_int_eq(proc_stat(cut.text, &s), -EBADMSG);
	}
	static const char *const texts[] = {
		"1 (a) S -5 0 0 0 0 0 0 0 0 0 6 7 0 0 0 0 1 0 8 ",
		"1 (a) S 2147483648 0 0 0 0 0 0 0 0 0 6 7 0 0 0 0 1 0 8 ",
		"1 (a) S 1 0 0 0 0 0 0 0 0 0 x 7 0 0 0 0 1 0 8 ",
		"1 (a) S 1  0 0 0 0 0 0 0 0 0 7 0 0 0 0 1 0 8 ",
		"1 (a) 5 1 0 0 0 0 0 0 0 0 0 6 7 0 0 0 0 1 0 8 ",
		"1 (a) S 1 0 0 0 0 0 0 0 0 0 6 7 0 0 0 0 1 0 18446744073709551616 ",
	};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		ck_assert_msg(proc_stat(texts[i], &s) == -EBADMSG, "%s", texts[i]);
	ck_assert_uint_eq(s.start_ticks, 7);
}
END_TEST

START_TEST(meminfo_has_the_ram_and_the_swap)
{
	struct fixture f = fixture_read("proc/linux-6.18-meminfo");
	uint64_t total = 5, swap = 6;
	ck_assert_int_eq(proc_meminfo(f.text, &total, &swap), 0);
	ck_assert_uint_eq(total, (uint64_t)24684092 * KIB);
	ck_assert_uint_eq(swap, 0);
	ck_assert_int_eq(proc_meminfo("MemTotal: 1 kB\n", &total, &swap), -EBADMSG);
	ck_assert_int_eq(proc_meminfo("SwapTotal: 1 kB\n", &total, &swap), -EBADMSG);
	ck_assert_int_eq(proc_meminfo("", &total, &swap), -EBADMSG);
	ck_assert_uint_eq(total, (uint64_t)24684092 * KIB);
}
END_TEST

SUITE("proc", a_rollup_gives_what_a_restart_gives_back, a_rollup_may_have_its_lines_in_any_order,
      a_cut_off_rollup_is_refused_wherever_it_was_cut, a_full_smaps_is_not_a_rollup,
      numbers_that_cannot_be_are_refused, statm_counts_pages, a_statm_that_is_none_is_refused,
      a_status_says_how_it_is, a_zombie_has_no_memory,
      a_cut_off_status_is_refused_and_not_taken_for_one_without_memory,
      a_stat_says_since_when_it_is, a_program_called_foo_bracket_z_does_not_confuse_its_stat,
      a_cut_off_stat_gives_no_identity, meminfo_has_the_ram_and_the_swap)
