#include "os/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "suite.h"
#include "util/fd.h"

/* An argv or envp; spawn.h takes what execve(2) takes. */
#define WORDS(...) ((char *const *)(const char *const[]){ __VA_ARGS__, NULL })

/* What the program writes, and its exit status; the child must start. */
struct outcome {
	char out[4000];
	int status;
	struct spawned child;
};

static struct outcome run(struct spawn spawn) {
	int ends[2];
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	spawn.output = ends[1];
	struct outcome o = { 0 };
	enum spawn_step failed;
	int error = spawn_start(&spawn, &o.child, &failed);
	ck_assert_msg(error == 0, "%s: %s", spawn_step_name(failed), strerror(-error));
	close(ends[1]);
	size_t len = 0;
	for (ssize_t n; (n = read(ends[0], o.out + len, sizeof o.out - 1 - len)) > 0;)
		len += (size_t)n;
	close(ends[0]);
	ck_assert_int_eq(waitpid(o.child.pid, &o.status, 0), o.child.pid);
	close(o.child.pidfd);
	return o;
}

static struct outcome sh(struct spawn spawn, const char *script) {
	char *const *argv = WORDS("/bin/sh", "-c", script);
	char *const *envp = WORDS("PATH=/usr/bin:/bin");
	spawn.argv = argv;
	if (spawn.envp == NULL)
		spawn.envp = envp;
	return run(spawn);
}

static int try_in_vain(struct spawn spawn, enum spawn_step *step) {
	struct spawned child;
	char *const *envp = WORDS("PATH=/nowhere:/etc:/bin");
	spawn.output = -1;
	if (spawn.envp == NULL)
		spawn.envp = envp;
	return spawn_start(&spawn, &child, step);
}

static int open_text(const char *text) {
	int ends[2];
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_eq(write(ends[1], text, strlen(text)), (ssize_t)strlen(text));
	close(ends[1]);
	return ends[0];
}

START_TEST(descriptors_arrive_as_3_4_5_even_when_their_numbers_cross)
{
	const char *texts[] = { "one\n", "two\n", "three\n" };
	const int orders[][3] = { { 0, 1, 2 }, { 2, 0, 1 }, { 1, 2, 0 }, { 2, 1, 0 } };
	const char *expected[] = { "one\ntwo\nthree\n", "three\none\ntwo\n", "two\nthree\none\n",
				   "three\ntwo\none\n" };
	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		/* Three neighbours, as close to 3, 4, 5 as this process can have them. */
		int opened[3], fds[3];
		for (int j = 0; j < 3; j++)
			opened[j] = open_text(texts[j]);
		for (int j = 0; j < 3; j++)
			fds[j] = opened[orders[i][j]];
		struct outcome o =
			sh((struct spawn){ .fds = fds, .n_fds = 3 }, "cat <&3; cat <&4; cat <&5");
		ck_assert_str_eq(o.out, expected[i]);
		for (int j = 0; j < 3; j++)
			close(opened[j]);
	}
}
END_TEST

START_TEST(a_descriptor_already_in_its_place_loses_its_cloexec)
{
	/* dup2(3, 3) would change nothing. */
	int fds[20];
	fds[0] = open_text("x");
	int n = fds[0] - 2; /* so that the last one given is the one at its own number */
	for (int i = 0; i < n; i++)
		fds[i] = fds[0];
	ck_assert_int_le(n, 20);
	char script[64];
	snprintf(script, sizeof script, "cat <&%d", fds[0]);
	struct outcome o = sh((struct spawn){ .fds = fds, .n_fds = (size_t)n }, script);
	ck_assert_str_eq(o.out, "x");
	close(fds[0]);
}
END_TEST

START_TEST(nothing_else_is_inherited_not_even_what_is_not_cloexec)
{
	int leak = open("/etc/passwd", O_RDONLY); /* deliberately without CLOEXEC */
	int high = fcntl(leak, F_DUPFD, 200);
	int given = open_text("x");
	struct outcome o = sh((struct spawn){ .fds = &given, .n_fds = 1 }, "ls /proc/$$/fd");
	ck_assert_str_eq(o.out, "0\n1\n2\n3\n");
	close(leak);
	close(high);
	close(given);
}
END_TEST

START_TEST(listen_pid_is_the_childs_own)
{
	char slot[] = "LISTEN_PID=0000000000";
	char *const *envp = WORDS("PATH=/bin:/usr/bin", slot);
	struct outcome o =
		sh((struct spawn){ .envp = envp }, "test \"$LISTEN_PID\" = $$ && echo same");
	ck_assert_str_eq(o.out, "same\n");
	ck_assert_str_eq(slot, "LISTEN_PID=0000000000"); /* ours is untouched */
}
END_TEST

START_TEST(a_clean_child_has_default_signals_its_own_session_and_no_capability_to_inherit)
{
	sigset_t blocked;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	struct outcome o = sh((struct spawn){ 0 },
			      "cat /proc/self/status; readlink /proc/self/fd/0;"
			      "cut -d' ' -f1,5,6 /proc/$$/stat; echo $$");
	sigprocmask(SIG_UNBLOCK, &blocked, NULL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	ck_assert_ptr_nonnull(strstr(o.out, "SigBlk:\t0000000000000000"));
	ck_assert_ptr_nonnull(strstr(o.out, "SigIgn:\t0000000000000000"));
	ck_assert_ptr_nonnull(strstr(o.out, "CapInh:\t0000000000000000"));
	ck_assert_ptr_nonnull(strstr(o.out, "CapAmb:\t0000000000000000"));
	ck_assert_ptr_nonnull(strstr(o.out, "/dev/null\n"));
	char leads[64]; /* pid = process group = session */
	snprintf(leads, sizeof leads, "%d %d %d\n%d\n", o.child.pid, o.child.pid, o.child.pid,
		 o.child.pid);
	ck_assert_ptr_nonnull(strstr(o.out, leads));
}
END_TEST

START_TEST(the_umask_stays_ours)
{
	mode_t before = umask(0037);
	struct outcome o = sh((struct spawn){ 0 }, "umask");
	umask(before);
	ck_assert_str_eq(o.out, "0037\n");
}
END_TEST

START_TEST(relative_words_are_resolved_in_the_directory)
{
	char *const *argv = WORDS("bin/sh", "-c", "pwd");
	char *const *envp = WORDS("LANG=C");
	struct outcome o = run((struct spawn){ .argv = argv, .envp = envp, .directory = "/usr" });
	ck_assert_str_eq(o.out, "/usr\n");
}
END_TEST

START_TEST(a_bare_word_is_searched_in_the_childs_path)
{
	char *const *argv = WORDS("sh", "-c", "echo found");
	char *const *envp = WORDS("PATH=/nowhere:/bin");
	ck_assert_str_eq(run((struct spawn){ .argv = argv, .envp = envp }).out, "found\n");

	enum spawn_step step;
	char *const *elsewhere = WORDS("PATH=/nowhere:/etc");
	ck_assert_int_eq(try_in_vain((struct spawn){ .argv = argv, .envp = elsewhere }, &step),
			 -ENOENT);
	ck_assert_int_eq(step, SPAWN_EXEC);
}
END_TEST

START_TEST(a_failed_exec_comes_back_as_its_errno_and_leaves_no_child)
{
	enum spawn_step step;
	char *const *missing = WORDS("/nowhere/puma");
	ck_assert_int_eq(try_in_vain((struct spawn){ .argv = missing }, &step), -ENOENT);
	ck_assert_int_eq(step, SPAWN_EXEC);

	char *const *fine = WORDS("/bin/true");
	ck_assert_int_eq(
		try_in_vain((struct spawn){ .argv = fine, .directory = "/nowhere" }, &step),
		-ENOENT);
	ck_assert_int_eq(step, SPAWN_CHDIR);

	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}
END_TEST

/* A file of this mode and text in /tmp; its path. */
static const char *make_file(mode_t mode, const char *text) {
	static char path[64];
	strcpy(path, "/tmp/test-spawn-XXXXXX");
	int fd = mkstemp(path);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
	return path;
}

START_TEST(a_file_that_may_not_be_run_says_more_than_one_that_is_missing)
{
	const char *path = make_file(0644, "#!/bin/sh\n");
	enum spawn_step step;
	int error = try_in_vain((struct spawn){ .argv = WORDS(path + strlen("/tmp/")),
						.envp = WORDS("PATH=/tmp:/nowhere") },
				&step);
	unlink(path);
	ck_assert_int_eq(error, -EACCES);
	ck_assert_int_eq(step, SPAWN_EXEC);
}
END_TEST

START_TEST(a_script_whose_interpreter_is_missing_says_so)
{
	const char *path = make_file(0755, "#!/nowhere/ruby\n");
	enum spawn_step step;
	int error = try_in_vain((struct spawn){ .argv = WORDS(path) }, &step);
	unlink(path);
	ck_assert_int_eq(error, -ENOENT);
	ck_assert_int_eq(step, SPAWN_INTERPRETER);
}
END_TEST

START_TEST(a_bad_descriptor_is_an_error_before_anything_runs)
{
	char *const *argv = WORDS("/bin/true");
	int fds[] = { 987 };
	enum spawn_step step;
	ck_assert_int_eq(try_in_vain((struct spawn){ .argv = argv, .fds = fds, .n_fds = 1 }, &step),
			 -EBADF);
	ck_assert_int_eq(step, SPAWN_DESCRIPTORS);
}
END_TEST

SUITE("spawn", descriptors_arrive_as_3_4_5_even_when_their_numbers_cross,
      a_descriptor_already_in_its_place_loses_its_cloexec,
      nothing_else_is_inherited_not_even_what_is_not_cloexec, listen_pid_is_the_childs_own,
      a_clean_child_has_default_signals_its_own_session_and_no_capability_to_inherit,
      the_umask_stays_ours, relative_words_are_resolved_in_the_directory,
      a_bare_word_is_searched_in_the_childs_path,
      a_failed_exec_comes_back_as_its_errno_and_leaves_no_child,
      a_file_that_may_not_be_run_says_more_than_one_that_is_missing,
      a_script_whose_interpreter_is_missing_says_so,
      a_bad_descriptor_is_an_error_before_anything_runs)
