#include "core/command.h"

#include <errno.h>
#include <string.h>

#include "suite.h"

static struct error err;
static struct strings words;

#define WORDS(...)  set_words((const char *const[]){ __VA_ARGS__, NULL })
#define SAYS(text_) ck_assert_msg(strstr(err.text, text_) != NULL, "%s", err.text)

static const struct strings *set_words(const char *const *list) {
	strings_finish(&words);
	for (; *list != NULL; list++)
		ck_assert_int_eq(strings_add(&words, *list), 0);
	return &words;
}

static struct command understood(const struct strings *list) {
	struct command command;
	ck_assert_msg(command_understand(list, &command, &err) == 0, "%s", err.text);
	return command;
}

static int refused(const struct strings *list) {
	struct command command;
	err.text[0] = '\0';
	return command_understand(list, &command, &err);
}

static const char *worker_line(const struct strings *list) {
	static char line[1000];
	struct text out = TEXT_IN(line);
	struct command command = understood(list);
	struct strings argv = { 0 };
	ck_assert_int_eq(command_puma_argv(list, &command, &(struct command_puma){ 0 }, &argv), 0);
	for (size_t i = 0; i < argv.len; i++) {
		const char *quote = strchr(argv.items[i], ' ') != NULL ? "'" : "";
		text_printf(&out, "%s%s%s%s", i > 0 ? " " : "", quote, argv.items[i], quote);
	}
	strings_finish(&argv);
	return line;
}

START_TEST(puma_is_found_behind_every_usual_prefix)
{
	ck_assert_uint_eq(understood(WORDS("puma")).puma, 0);
	ck_assert_uint_eq(understood(WORDS("bundle", "exec", "puma", "-C", "x.rb")).puma, 2);
	ck_assert_uint_eq(understood(WORDS("/opt/r/bin/bundle", "exec", "bin/puma")).puma, 2);
	ck_assert_uint_eq(understood(WORDS("ruby", "-S", "puma")).puma, 2);
	ck_assert_uint_eq(understood(WORDS("ruby3.1", "-I", "lib", "bin/puma")).puma, 3);
	ck_assert_uint_eq(understood(WORDS("env", "A=B", "C=rails", "bundle", "exec", "puma")).puma,
			  5);
	ck_assert_uint_eq(understood(WORDS("nice", "-n", "5", "bin/puma")).puma, 3);
	ck_assert_uint_eq(understood(WORDS("rbenv", "exec", "bundle", "exec", "puma")).puma, 4);
	ck_assert_uint_eq(understood(WORDS("./unknown-wrapper", "--", "puma")).puma, 2);
	ck_assert_int_eq(understood(WORDS("puma")).kind, COMMAND_PUMA);
}
END_TEST

START_TEST(what_is_not_puma_is_passed_through_untouched)
{
	ck_assert_int_eq(understood(WORDS("bundle", "exec", "falcon", "serve")).kind,
			 COMMAND_OTHER);
	ck_assert_int_eq(understood(WORDS("bin/start", "--shell", "bash", "server")).kind,
			 COMMAND_OTHER);
	ck_assert_int_eq(understood(WORDS("bin/rails", "runner", "serve.rb")).kind, COMMAND_OTHER);
	ck_assert_int_eq(understood(WORDS("bash", "bin/start.sh")).kind, COMMAND_OTHER);
	ck_assert_int_eq(understood(WORDS("puma-dev", "x")).kind, COMMAND_OTHER);
	ck_assert_str_eq(worker_line(WORDS("python3", "-m", "serve me")), "python3 -m 'serve me'");
}
END_TEST

START_TEST(a_workers_options_come_where_they_win)
{
	ck_assert_str_eq(worker_line(WORDS("bundle", "exec", "puma", "-w", "4", "config.ru")),
			 "bundle exec puma -w 4 config.ru -w 0 --bind-to-activated-sockets only");
	ck_assert_str_eq(worker_line(WORDS("puma", "-v", "--", "config.ru")),
			 "puma -v -w 0 --bind-to-activated-sockets only -- config.ru");
	/* A `--` in front of puma belongs to somebody else. */
	ck_assert_str_eq(worker_line(WORDS("with", "--", "puma")),
			 "with -- puma -w 0 --bind-to-activated-sockets only");
}
END_TEST

START_TEST(rails_server_and_rackup_are_answered_with_the_puma_line)
{
	ck_assert_int_eq(refused(WORDS("bin/rails", "server", "-p", "3000")), -1);
	SAYS("`bin/rails server`");
	SAYS("Write `bundle exec puma -C config/puma.rb`");
	ck_assert_int_eq(refused(WORDS("bundle", "exec", "rails", "s")), -1);
	ck_assert_int_eq(refused(WORDS("ruby", "bin/rails", "server")), -1);
	ck_assert_int_eq(refused(WORDS("bundle", "exec", "rackup")), -1);
	SAYS("`rackup`");
}
END_TEST

START_TEST(a_wrapper_that_forks_is_answered_with_what_it_was_to_run)
{
	ck_assert_int_eq(refused(WORDS("doppler", "run", "--", "bundle", "exec", "puma")), -1);
	SAYS("`doppler` stays behind");
	SAYS("Write `bundle exec puma`; put what it sets into app.environment");
	ck_assert_int_eq(refused(WORDS("bundle", "exec", "thrust", "bin/rails", "server")), -1);
	SAYS("Write `bundle exec puma -C config/puma.rb`; run it in front");
	ck_assert_int_eq(refused(WORDS("sudo", "-u", "app", "puma", "-t", "1:5")), -1);
	SAYS("Write `puma -t 1:5`; the daemon and its workers run as the unit's User=");
	ck_assert_int_eq(refused(WORDS("rvm", "3.2", "do", "bundle", "exec", "puma")), -1);
	SAYS("Write `bundle exec puma`");
	ck_assert_int_eq(refused(WORDS("timeout", "60", "setsid", "puma")), -1);
	SAYS("Write `bundle exec puma -C config/puma.rb`");
}
END_TEST

START_TEST(a_shell_that_runs_more_than_puma_must_say_exec)
{
	ck_assert_int_eq(refused(WORDS("bash", "-lc", "cd /srv && bundle exec puma")), -1);
	SAYS("`bash` stays behind");
	SAYS("exec");
	ck_assert_int_eq(refused(WORDS("sh", "-e", "-c", "bin/rails server; echo exec")), -1);
	ck_assert_int_eq(refused(WORDS("/bin/bash", "-c", "echo 'executive' exec")), -1);

	ck_assert_int_eq(understood(WORDS("bash", "-lc", "cd /srv && exec falcon")).kind,
			 COMMAND_OTHER);
}
END_TEST

/* ruby/worker.rb makes it a single Puma without them. */
START_TEST(a_shell_that_execs_puma_is_puma_without_options_of_ours)
{
	ck_assert_int_eq(understood(WORDS("bash", "-lc", "exec bin/puma -C x")).kind, COMMAND_PUMA);
	ck_assert_uint_eq(understood(WORDS("bash", "-lc", "exec bin/puma -C x")).puma, 3);
	ck_assert_int_eq(understood(WORDS("bash", "-lc", "bundle exec puma")).kind, COMMAND_PUMA);
	ck_assert_str_eq(worker_line(WORDS("env", "A=B", "bash", "-lc", "exec bin/puma -C x")),
			 "env A=B bash -lc 'exec bin/puma -C x'");
	ck_assert_int_eq(understood(WORDS("sh", "-c", "exec pumactl start")).kind, COMMAND_OTHER);
}
END_TEST

START_TEST(strange_words_are_survived)
{
	ck_assert_int_eq(refused(&(struct strings){ 0 }), -1);
	SAYS("is empty");
	ck_assert_int_eq(refused(WORDS("")), -1);
	ck_assert_int_eq(understood(WORDS("bash", "-c")).kind, COMMAND_OTHER);
	ck_assert_int_eq(understood(WORDS("bash", "-")).kind, COMMAND_OTHER);
	ck_assert_int_eq(understood(WORDS("puma/", "x")).kind, COMMAND_OTHER);
	char endless[2000];
	memset(endless, 'x', sizeof endless - 1);
	endless[sizeof endless - 1] = '\0';
	ck_assert_int_eq(refused(WORDS("bash", "-c", endless)), -1);
	ck_assert_int_eq(refused(WORDS("sudo", "puma", endless)), -1);
	ck_assert_uint_lt(strlen(err.text), sizeof err.text);
}
END_TEST

START_TEST(words_are_printed_as_one_would_type_them)
{
	ck_assert_int_eq(refused(WORDS("doppler", "run", "--", "puma", "", "it's", "$HOME", "x=y")),
			 -1);
	SAYS("Write `puma '' 'it'\\''s' '$HOME' x=y`");
}
END_TEST

START_TEST(a_command_that_is_not_found_names_the_path_that_was_searched)
{
	char line[400];
	struct text out = TEXT_IN(line);
	command_explain(WORDS("bundle", "exec"),
			&(struct command_failure){ "exec", ENOENT, "/usr/bin:/bin", "/srv" }, &out);
	ck_assert_ptr_nonnull(strstr(line, "`bundle` is not in PATH=/usr/bin:/bin;"));
	ck_assert_ptr_nonnull(strstr(line, "name its whole path in app.command, or"));

	char path[2000] =
		"/usr/local/bin:"; /* a person's may be long, and the advice matters more */
	memset(path + strlen(path), 'x', sizeof path - strlen(path) - 1);
	path[sizeof path - 1] = '\0';
	out = TEXT_IN(line);
	command_explain(
		WORDS("hook"),
		&(struct command_failure){ "exec", ENOENT, path, "/srv", "hooks.after_sample" },
		&out);
	ck_assert_ptr_nonnull(strstr(line, "PATH=/usr/local/bin:xxx"));
	ck_assert_ptr_nonnull(strstr(line, "xxx…; name its whole path in hooks.after_sample, or"));

	out = TEXT_IN(line);
	command_explain(WORDS("bin/puma"),
			&(struct command_failure){ "exec", ENOENT, NULL, "/srv" }, &out);
	ck_assert_str_eq(line, "bin/puma: no such file (from /srv)");

	out = TEXT_IN(line);
	command_explain(WORDS("puma"),
			&(struct command_failure){ "directory", ENOENT, NULL, "/no" }, &out);
	ck_assert_str_eq(line, "app.directory /no: No such file or directory");

	out = TEXT_IN(line);
	command_explain(WORDS("puma"), &(struct command_failure){ "exec", EACCES, NULL, NULL },
			&out);
	ck_assert_str_eq(line, "cannot start `puma` (exec): Permission denied");

	out = TEXT_IN(line);
	command_explain(WORDS("bin/puma"),
			&(struct command_failure){ "interpreter", ENOENT, NULL, NULL }, &out);
	ck_assert_ptr_nonnull(strstr(line, "interpreter that is not there"));
	strings_finish(&words);
}
END_TEST

START_TEST(a_clusters_master_has_its_workers_and_knows_its_sockets_by_name)
{
	char puma[] = "puma", w[] = "-w", nine[] = "9", end[] = "--", file[] = "config.ru";
	char *items[] = { puma, w, nine, end, file };
	static const char *const binds[] = { "tcp://0.0.0.0:80", "unix:///run/shop" };
	const struct strings list = { .items = items, .len = ARRAY_LEN(items) };
	const struct command_puma wish = { .workers = 2, .binds = binds, .n_binds = 2 };
	static const char *const expected[] = {
		"puma",
		"-w",
		"9",
		"-w",
		"2",
		"--bind-to-activated-sockets",
		"only",
		"-b",
		"tcp://0.0.0.0:80",
		"-b",
		"unix:///run/shop",
		"--",
		"config.ru",
	};
	struct command command = understood(&list);
	struct strings argv = { 0 };
	ck_assert_int_eq(command_puma_argv(&list, &command, &wish, &argv), 0);
	ck_assert_uint_eq(argv.len, ARRAY_LEN(expected));
	for (size_t i = 0; i < argv.len; i++)
		ck_assert_str_eq(argv.items[i], expected[i]);
	strings_finish(&argv);
}
END_TEST

SUITE("command", a_clusters_master_has_its_workers_and_knows_its_sockets_by_name,
      puma_is_found_behind_every_usual_prefix, what_is_not_puma_is_passed_through_untouched,
      a_workers_options_come_where_they_win,
      rails_server_and_rackup_are_answered_with_the_puma_line,
      a_wrapper_that_forks_is_answered_with_what_it_was_to_run,
      a_shell_that_runs_more_than_puma_must_say_exec,
      a_shell_that_execs_puma_is_puma_without_options_of_ours, strange_words_are_survived,
      words_are_printed_as_one_would_type_them,
      a_command_that_is_not_found_names_the_path_that_was_searched)
