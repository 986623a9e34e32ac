#include "core/worker_environment.h"

#include <errno.h>
#include <string.h>

#include "suite.h"

static struct strings envp;

#define WORDS(...)    ((char *const *)(const char *const[]){ __VA_ARGS__, NULL })
#define BUILD(...)    ck_assert_int_eq(build((struct worker_environment){ __VA_ARGS__ }), 0)
#define IS(key, want) ck_assert_str_eq(value(key), want)

static int build(struct worker_environment wish) {
	strings_finish(&envp);
	return worker_environment_build(&wish, &envp);
}

static const char *value(const char *key) {
	const char *found = strings_get(&envp, key);
	return found != NULL ? found : "(unset)";
}

START_TEST(what_systemd_meant_for_us_stays_with_us)
{
	BUILD(.inherited = WORDS("NOTIFY_SOCKET=/run/n", "WATCHDOG_USEC=1", "WATCHDOG_PID=2",
				 "LISTEN_FDS=3", "LISTEN_PID=4", "LISTEN_FDNAMES=a", "FDSTORE=9",
				 "PUMA_INHERIT_0=5:tcp://a", "PUMAKEEPER_USER_RUBYOPT=-w",
				 "HOME=/srv", "NOTIFY_SOCKETS=mine", "garbage"));
	ck_assert_uint_eq(envp.len, 2);
	IS("HOME", "/srv");
	IS("NOTIFY_SOCKETS", "mine");
}
END_TEST

START_TEST(the_apps_variables_win_and_may_hold_anything)
{
	struct strings app = { 0 };
	ck_assert_int_eq(strings_add(&app, "RAILS_ENV=production"), 0);
	ck_assert_int_eq(strings_add(&app, "URL=a=b=c"), 0);
	ck_assert_int_eq(strings_add(&app, "EMPTY="), 0);
	BUILD(.inherited = WORDS("RAILS_ENV=test", "HOME=/"), .app = &app);
	IS("RAILS_ENV", "production");
	IS("URL", "a=b=c");
	IS("EMPTY", "");
	IS("HOME", "/");
	ck_assert_ptr_null(envp.items[envp.len]);
	strings_finish(&app);
}
END_TEST

START_TEST(a_gemfile_behind_current_is_the_releases_own)
{
	BUILD(.inherited = WORDS("BUNDLE_GEMFILE=/srv/current/Gemfile", "URL=/srv/current/x"),
	      .directory = "/srv/releases/7", .current = "/srv/current");
	IS("BUNDLE_GEMFILE", "/srv/releases/7/Gemfile");
	IS("URL", "/srv/current/x");
	IS("PUMAKEEPER_CURRENT", "/srv/current");
	IS("PUMAKEEPER_RELEASE", "/srv/releases/7");
	BUILD(.inherited = WORDS("A=b"), .directory = "/srv/shop", .current = "/srv/shop");
	IS("PUMAKEEPER_CURRENT", "(unset)");
}
END_TEST

START_TEST(the_working_directory_is_the_one_it_will_have)
{
	BUILD(.inherited = WORDS("PWD=/root", "OLDPWD=/x"), .directory = "/srv/shop/releases/7");
	IS("PWD", "/srv/shop/releases/7");
	IS("OLDPWD", "(unset)");
	BUILD(.inherited = WORDS("PWD=/root"));
	IS("PWD", "/root");
}
END_TEST

START_TEST(sockets_are_announced_with_a_slot_for_the_pid)
{
	const char *names[] = { "listener", "listener", "probe" };
	BUILD(.fd_names = names, .n_fds = 3);
	IS("LISTEN_FDS", "3");
	IS("LISTEN_FDNAMES", "listener:listener:probe");
	ck_assert_uint_ge(strlen(value("LISTEN_PID")), 10);
	BUILD(.n_fds = 0);
	IS("LISTEN_FDS", "(unset)");
	IS("LISTEN_PID", "(unset)");
}
END_TEST

START_TEST(a_mold_has_a_generation_and_no_sockets_but_is_the_process_that_was_started)
{
	BUILD(.mold = "3", .ruby_file = "/usr/share/mold.rb", .preload = "/lib/libjemalloc.so.2");
	IS("PUMAKEEPER_MOLD", "3");
	IS("RUBYOPT", "-r/usr/share/mold.rb");
	IS("LD_PRELOAD", "/lib/libjemalloc.so.2");
	IS("LISTEN_FDS", "(unset)");
	ck_assert_uint_ge(strlen(value("LISTEN_PID")), 10); /* the same slot */
	BUILD(.inherited = WORDS("PUMAKEEPER_MOLD=2", "HOME=/"));
	IS("PUMAKEEPER_MOLD", "(unset)"); /* a daemon that a worker starts */
}
END_TEST

START_TEST(the_allocator_is_appended_and_the_users_pairs_come_last)
{
	BUILD(.inherited = WORDS("LD_PRELOAD=/lib/mine.so", "MALLOC_CONF=narenas:8"),
	      .preload = "/lib/libjemalloc.so.2", .malloc_conf = "thp:never", .few_arenas = true);
	IS("LD_PRELOAD", "/lib/mine.so:/lib/libjemalloc.so.2");
	IS("MALLOC_CONF", "narenas:2,dirty_decay_ms:1000,muzzy_decay_ms:0,thp:never,narenas:8");
	IS("MALLOC_ARENA_MAX", "2");
	IS("PUMAKEEPER_USER_LD_PRELOAD", "/lib/mine.so");
	IS("PUMAKEEPER_USER_MALLOC_CONF", "narenas:8");
	IS("PUMAKEEPER_USER_MALLOC_ARENA_MAX", "");

	BUILD(.preload = "/lib/libjemalloc.so.2");
	IS("LD_PRELOAD", "/lib/libjemalloc.so.2");
	IS("MALLOC_CONF", "narenas:2,dirty_decay_ms:1000,muzzy_decay_ms:0");
	IS("PUMAKEEPER_USER_LD_PRELOAD", "");
}
END_TEST

START_TEST(without_an_allocator_nothing_of_it_is_set)
{
	BUILD(.inherited = WORDS("MALLOC_CONF=narenas:8"), .malloc_conf = "thp:never");
	IS("LD_PRELOAD", "(unset)");
	IS("MALLOC_CONF", "narenas:8");
	IS("MALLOC_ARENA_MAX", "(unset)");
}
END_TEST

START_TEST(the_users_number_of_arenas_is_kept)
{
	BUILD(.inherited = WORDS("MALLOC_ARENA_MAX=7"), .few_arenas = true);
	IS("MALLOC_ARENA_MAX", "7");
	IS("PUMAKEEPER_USER_MALLOC_ARENA_MAX", "(unset)");
}
END_TEST

START_TEST(our_ruby_comes_behind_the_users_own)
{
	BUILD(.inherited = WORDS("RUBYOPT=-W0 --yjit"), .ruby_file = "/usr/share/worker.rb");
	IS("RUBYOPT", "-W0 --yjit -r/usr/share/worker.rb");
	IS("PUMAKEEPER_RUBYOPT", "-r/usr/share/worker.rb");
	BUILD(.ruby_file = "/usr/share/worker.rb");
	IS("RUBYOPT", "-r/usr/share/worker.rb");
}
END_TEST

START_TEST(a_path_that_rubyopt_would_split_is_found_through_rubylib)
{
	BUILD(.inherited = WORDS("RUBYOPT=-W0", "RUBYLIB=/a:/b c"),
	      .ruby_file = "/my apps/of mine/share/ruby/worker.rb");
	IS("RUBYOPT", "-W0 -rshare/ruby/worker.rb");
	IS("PUMAKEEPER_RUBYOPT", "-rshare/ruby/worker.rb");
	IS("RUBYLIB", "/a:/b c:/my apps/of mine");
	IS("PUMAKEEPER_RUBYLIB", "/my apps/of mine");
	BUILD(.ruby_file = "/my\tfiles/worker.rb");
	IS("RUBYOPT", "-rworker.rb");
	IS("RUBYLIB", "/my\tfiles");
	BUILD(.ruby_file = "/share/worker.rb");
	IS("RUBYLIB", "(unset)");
	IS("PUMAKEEPER_RUBYLIB", "(unset)");
}
END_TEST

START_TEST(a_path_that_rubyopt_and_rubylib_would_split_is_refused)
{
	ck_assert_int_eq(build((struct worker_environment){ .ruby_file = "/my: files/worker.rb" }),
			 -EINVAL);
	ck_assert_int_eq(build((struct worker_environment){ .ruby_file = "/lib/my worker.rb" }),
			 -EINVAL);
	ck_assert_uint_eq(envp.len, 0);
}
END_TEST

START_TEST(web_concurrency_makes_no_cluster_and_is_left_alone_for_a_preflight)
{
	BUILD(.inherited = WORDS("WEB_CONCURRENCY=4"), .single = true);
	IS("WEB_CONCURRENCY", "0");
	BUILD(.inherited = WORDS("WEB_CONCURRENCY=4"));
	IS("WEB_CONCURRENCY", "4");
	strings_finish(&envp);
}
END_TEST

SUITE("worker_environment", what_systemd_meant_for_us_stays_with_us,
      the_apps_variables_win_and_may_hold_anything, the_working_directory_is_the_one_it_will_have,
      a_gemfile_behind_current_is_the_releases_own, sockets_are_announced_with_a_slot_for_the_pid,
      a_mold_has_a_generation_and_no_sockets_but_is_the_process_that_was_started,
      the_allocator_is_appended_and_the_users_pairs_come_last,
      without_an_allocator_nothing_of_it_is_set, the_users_number_of_arenas_is_kept,
      our_ruby_comes_behind_the_users_own, a_path_that_rubyopt_would_split_is_found_through_rubylib,
      a_path_that_rubyopt_and_rubylib_would_split_is_refused,
      web_concurrency_makes_no_cluster_and_is_left_alone_for_a_preflight)
