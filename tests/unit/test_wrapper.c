#include "core/wrapper.h"

#include "suite.h"

START_TEST(programs_are_known_by_the_last_part_of_their_path)
{
	ck_assert_int_eq(wrapper_find("bundle")->habit, EXECS);
	ck_assert_int_eq(wrapper_find("/opt/ruby/bin/ruby3.1")->habit, EXECS);
	ck_assert_int_eq(wrapper_find("/bin/bash")->habit, SHELL);
	ck_assert_int_eq(wrapper_find("doppler")->habit, FORKS);
	ck_assert_ptr_null(wrapper_find("ruby-build"));
	ck_assert_ptr_null(wrapper_find("bash/"));
	ck_assert_ptr_null(wrapper_find(""));
}
END_TEST

START_TEST(exec_counts_only_where_a_command_may_begin)
{
	static const char *const becomes[] = {
		"exec puma",
		"cd /srv && exec bundle exec puma",
		"cd /srv; exec puma",
		"A=1 B=2 exec puma",
		"if true; then exec puma; fi",
		"\n\texec\tpuma",
		"{ exec puma; }",
		"false || exec puma",
	};
	static const char *const stays[] = {
		"", "puma", "bundle exec puma", "echo exec", "executive", "puma; echo exec", "  ",
	};
	for (size_t i = 0; i < ARRAY_LEN(becomes); i++)
		ck_assert_msg(wrapper_script_execs(becomes[i]), "%s", becomes[i]);
	for (size_t i = 0; i < ARRAY_LEN(stays); i++)
		ck_assert_msg(!wrapper_script_execs(stays[i]), "%s", stays[i]);
}
END_TEST

START_TEST(one_command_is_what_no_shell_has_to_stay_for)
{
	static const char *const more[] = {
		"", " ", "a; b", "a && b", "a | b", "(a)", "a\nb", "`a`"
	};
	ck_assert(wrapper_script_is_one_command("bundle exec puma -C config/puma.rb"));
	ck_assert(wrapper_script_is_one_command("A=1 puma"));
	for (size_t i = 0; i < ARRAY_LEN(more); i++)
		ck_assert_msg(!wrapper_script_is_one_command(more[i]), "%s", more[i]);
}
END_TEST

SUITE("wrapper", programs_are_known_by_the_last_part_of_their_path,
      exec_counts_only_where_a_command_may_begin, one_command_is_what_no_shell_has_to_stay_for)
