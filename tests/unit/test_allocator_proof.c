#include "daemon/allocator_proof.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/process.h"
#include "os/spawn.h"
#include "suite.h"
#include "util/fd.h"

#define WORDS(...) ((char *const *)(const char *const[]){ __VA_ARGS__, NULL })

/* The first of these that is installed; NULL: none, and the test says so and is passed over. */
static const char *installed(const char *what, const char *const paths[], size_t n) {
	for (size_t i = 0; i < n; i++) {
		if (access(paths[i], R_OK) == 0)
			return paths[i];
	}
	printf("skip: %s is not installed\n", what);
	return NULL;
}
#define INSTALLED(what, ...)                                  \
	installed(what, (const char *const[]){ __VA_ARGS__ }, \
		  ARRAY_LEN(((const char *const[]){ __VA_ARGS__ })))

static const char *jemalloc(void) {
	return INSTALLED("jemalloc", "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2",
			 "/usr/lib/aarch64-linux-gnu/libjemalloc.so.2",
			 "/usr/lib64/libjemalloc.so.2", "/usr/lib/libjemalloc.so.2");
}

/* A line "up" says that ld.so has done its work; ld.so may have said something before. */
static void wait_until_up(int fd) {
	char seen[4000] = "";
	size_t len = 0;
	while (strstr(seen, "up\n") == NULL) {
		ssize_t n = read(fd, seen + len, sizeof seen - 1 - len);
		ck_assert_msg(n > 0, "it ended, saying: %s", seen);
		len += (size_t)n;
	}
}

/* A child that runs its program, and its /proc directory. */
static struct process start(char *const *argv, const char *preload) {
	char variable[300] = "NONE=";
	if (preload != NULL)
		snprintf(variable, sizeof variable, "LD_PRELOAD=%s", preload);
	char *const *envp = WORDS("PATH=/usr/bin:/bin", "MALLOC_ARENA_MAX=2", variable);
	int ends[2];
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	struct spawned child;
	enum spawn_step failed;
	int error = spawn_start(&(struct spawn){ .argv = argv, .envp = envp, .output = ends[1] },
				&child, &failed);
	ck_assert_msg(error == 0, "%s: %s", argv[0], strerror(-error));
	close(ends[1]);
	close(child.pidfd);
	wait_until_up(ends[0]);
	close(ends[0]);
	struct process p;
	ck_assert_int_eq(process_open(child.pid, &p), 0);
	return p;
}

static void end(struct process *p) {
	process_close(p);
	kill(p->pid, SIGKILL);
	ck_assert_int_eq(waitpid(p->pid, NULL, 0), p->pid);
}

static struct allocator prove(char *const *argv, const char *preload) {
	struct process p = start(argv, preload);
	struct allocator a;
	allocator_prove(p.dir, &a);
	end(&p);
	return a;
}

#define SLEEPER WORDS("/bin/sh", "-c", "echo up; kill -STOP $$")

static void assert_is(const struct allocator *a, enum allocator_proof proof, const char *name) {
	ck_assert_str_eq(allocator_proof_name(a->proof), allocator_proof_name(proof));
	ck_assert_str_eq(a->name, name);
}

START_TEST(a_plain_program_runs_on_glibc)
{
	struct allocator a = prove(SLEEPER, NULL);
	assert_is(&a, PROOF_NO, "glibc");
	char version[32];
	snprintf(version, sizeof version, "%d.%d", __GLIBC__, __GLIBC_MINOR__);
	ck_assert_str_eq(a.version, version);
}
END_TEST

START_TEST(a_preloaded_jemalloc_is_proved_with_its_version)
{
	if (jemalloc() == NULL)
		return;
	struct allocator a = prove(SLEEPER, jemalloc());
	assert_is(&a, PROOF_PROVED, "jemalloc");
	ck_assert_uint_gt(strlen(a.version), strlen("5.."));
}
END_TEST

START_TEST(another_preloaded_malloc_is_proved_by_its_name)
{
	const char *tcmalloc = INSTALLED("tcmalloc",
					 "/usr/lib/x86_64-linux-gnu/libtcmalloc_minimal.so.4",
					 "/usr/lib/aarch64-linux-gnu/libtcmalloc_minimal.so.4");
	if (tcmalloc == NULL)
		return;
	struct allocator a = prove(SLEEPER, tcmalloc);
	assert_is(&a, PROOF_PROVED, "tcmalloc");
}
END_TEST

START_TEST(a_preload_that_ld_so_ignored_proves_nothing)
{
	/* The environment shows it, the process doesn't use it. */
	struct allocator a = prove(SLEEPER, "/nowhere/libjemalloc.so.2");
	assert_is(&a, PROOF_NO, "glibc");
}
END_TEST

START_TEST(ruby_is_proved_by_its_own_calls)
{
	const char *ruby = INSTALLED("ruby", "/usr/bin/ruby", "/usr/local/bin/ruby");
	if (ruby == NULL || jemalloc() == NULL)
		return;
	char *const *argv = WORDS(ruby, "-e", "$stdout.sync = true; puts :up; sleep");
	struct allocator with = prove(argv, jemalloc()), without = prove(argv, NULL);
	assert_is(&with, PROOF_PROVED, "jemalloc");
	assert_is(&without, PROOF_NO, "glibc");
}
END_TEST

START_TEST(an_allocator_linked_into_the_program_is_proved_by_its_symbols)
{
	struct allocator a = prove(WORDS(getenv("STATIC_ALLOCATOR")), NULL);
	assert_is(&a, PROOF_PROVED, "jemalloc");
	ck_assert_str_eq(a.version, "");
}
END_TEST

START_TEST(a_deleted_library_is_still_proved)
{
	if (jemalloc() == NULL)
		return;
	char dir[] = "/tmp/test-proof-XXXXXX", command[600], copy[80];
	ck_assert_ptr_nonnull(mkdtemp(dir));
	/* A name that tells nothing, and then not even that. */
	snprintf(copy, sizeof copy, "%s/libmine.so", dir);
	snprintf(command, sizeof command, "cp -L %s %s", jemalloc(), copy);
	ck_assert_int_eq(system(command), 0);
	struct process p = start(SLEEPER, copy);
	unlink(copy);
	rmdir(dir);
	struct allocator a;
	allocator_prove(p.dir, &a);
	end(&p);
	assert_is(&a, PROOF_PROVED, "jemalloc");
	ck_assert_str_ne(a.version, "");
}
END_TEST

START_TEST(a_zombie_and_one_that_is_gone_are_unknown)
{
	struct process p = start(SLEEPER, NULL);
	struct allocator a;
	kill(p.pid, SIGKILL);
	siginfo_t info;
	ck_assert_int_eq(waitid(P_PID, (id_t)p.pid, &info, WEXITED | WNOWAIT), 0);
	allocator_prove(p.dir, &a);
	assert_is(&a, PROOF_UNKNOWN, "");
	ck_assert_int_eq(waitpid(p.pid, NULL, 0), p.pid);
	allocator_prove(p.dir, &a);
	assert_is(&a, PROOF_UNKNOWN, "");
	process_close(&p);
}
END_TEST

/* In a child of its own, as nobody: the exit status is the proof of a `dumpable` target. */
static int proof_as_nobody(int dumpable) {
	pid_t observer = fork();
	if (observer == 0) {
		if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
			_exit(100);
		prctl(PR_SET_DUMPABLE, 1);
		int ends[2];
		pid_t target = pipe(ends) == 0 ? fork() : -1;
		if (target == 0) {
			prctl(PR_SET_DUMPABLE, dumpable);
			_exit(write(ends[1], "x", 1) == 1 && pause());
		}
		char byte;
		struct process p;
		struct allocator a = { .proof = PROOF_MAPPED };
		int error = read(ends[0], &byte, 1) == 1 ? process_open(target, &p) : 0;
		if (error == 0)
			allocator_prove(p.dir, &a);
		if (error == -ESRCH) /* not even its name: /proc is mounted with hidepid=2 */
			a.proof = PROOF_UNKNOWN;
		kill(target, SIGKILL);
		waitpid(target, NULL, 0);
		_exit((int)a.proof);
	}
	int status;
	ck_assert_int_eq(waitpid(observer, &status, 0), observer);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

START_TEST(a_process_that_is_not_dumpable_is_unknown_to_others_than_root)
{
	ck_assert_int_eq(proof_as_nobody(0), PROOF_UNKNOWN);
	/* The same one without it, so that the test can fail. With a sanitizer it has its malloc. */
	ck_assert_int_ne(proof_as_nobody(1), PROOF_UNKNOWN);
}
END_TEST

static void *prove_often(void *dir) {
	for (int i = 0; i < 50; i++) {
		struct allocator a;
		allocator_prove(*(int *)dir, &a);
		assert_is(&a, PROOF_NO, "glibc");
	}
	return NULL;
}

START_TEST(several_threads_may_prove_at_once)
{
	struct process p = start(SLEEPER, NULL);
	pthread_t threads[4];
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, prove_often, &p.dir), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		pthread_join(threads[i], NULL);
	end(&p);
}
END_TEST

SUITE("allocator_proof", a_plain_program_runs_on_glibc,
      a_preloaded_jemalloc_is_proved_with_its_version,
      another_preloaded_malloc_is_proved_by_its_name, a_preload_that_ld_so_ignored_proves_nothing,
      ruby_is_proved_by_its_own_calls,
      an_allocator_linked_into_the_program_is_proved_by_its_symbols,
      a_deleted_library_is_still_proved, a_zombie_and_one_that_is_gone_are_unknown,
      a_process_that_is_not_dumpable_is_unknown_to_others_than_root,
      several_threads_may_prove_at_once)
