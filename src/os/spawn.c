#include "os/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/fd.h"

/*
 * Between fork and exec only async-signal-safe calls: another thread may have held
 * any lock at the moment of the fork. No malloc, no stdio, no getenv here.
 */

#define FIRST_FD 3

struct report {
	enum spawn_step step;
	int error;
};

__attribute__((noreturn)) static void give_up(int fd, enum spawn_step step, int error) {
	struct report report = { step, error };
	if (write(fd, &report, sizeof report) < 0) {
		/* The parent is gone, then nobody needs to know. */
	}
	_exit(127);
}

/* What the daemon handles or ignores is not the program's business (a nohup's SIGHUP too). */
static void signals_to_default(void) {
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* An exec'd Rails app must not be able to inherit what systemd may have given us. */
static void drop_capabilities(void) {
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	if (syscall(SYS_capget, &header, data) != 0)
		return;
	for (size_t i = 0; i < ARRAY_LEN(data); i++)
		data[i].inheritable = 0;
	syscall(SYS_capset, &header, data);
}

static int standard_streams(int output) {
	if (output >= 0 && (dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0))
		return -1;
	int null = open("/dev/null", O_RDONLY);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0)
		return -1;
	return 0; /* `null` itself goes with everything else that isn't meant to stay */
}

/*
 * First all of them above the range that they are to fill, then down into it: so none is
 * overwritten before it is used, and dup2() never meets itself (dup2(3, 3) does nothing,
 * and so leaves CLOEXEC on).
 */
static int place(const struct spawn *s, int *report) {
	int above = FIRST_FD + (int)s->n_fds;
	int moved[SPAWN_FDS_MAX];
	for (size_t i = 0; i < s->n_fds; i++) {
		if ((moved[i] = fcntl(s->fds[i], F_DUPFD_CLOEXEC, above)) < 0)
			return -1;
	}
	int moved_report = fcntl(*report, F_DUPFD_CLOEXEC, above);
	if (moved_report < 0)
		return -1;
	*report = moved_report;
	if (standard_streams(s->output) != 0)
		return -1;
	for (size_t i = 0; i < s->n_fds; i++) {
		if (dup2(moved[i], FIRST_FD + (int)i) < 0)
			return -1;
	}
	return 0;
}

/* Everything else goes, whoever opened it; close_range(2) is Linux 5.9. */
static int close_others(const struct spawn *s, int report) {
	unsigned from = FIRST_FD + (unsigned)s->n_fds, kept = (unsigned)report;
	if (kept > from && close_range(from, kept - 1, 0) != 0)
		return -1;
	return close_range(kept + 1, UINT_MAX, 0);
}

static const char *value_of(char *const *envp, const char *key) {
	size_t n = strlen(key);
	for (; *envp != NULL; envp++) {
		if (strncmp(*envp, key, n) == 0)
			return *envp + n;
	}
	return NULL;
}

static void fill_listen_pid(char *const *envp) {
	for (; *envp != NULL; envp++) {
		char *slot = *envp;
		if (strncmp(slot, "LISTEN_PID=", 11) != 0 || strlen(slot) < 11 + 10)
			continue;
		char digits[16];
		size_t n = 0;
		for (pid_t rest = getpid(); rest > 0; rest /= 10)
			digits[n++] = (char)('0' + rest % 10);
		slot += 11;
		while (n > 0)
			*slot++ = digits[--n];
		*slot = '\0';
	}
}

/*
 * Like execvpe(3), but with the child's PATH, not ours. What matters is the error that
 * comes out: a candidate that is there and can't be run says more than one that isn't.
 */
static int exec_search(const struct spawn *s, enum spawn_step *step) {
	const char *word = s->argv[0];
	const char *path = value_of(s->envp, "PATH=");
	int found = ENOENT;
	char candidate[PATH_MAX];

	if (path == NULL || *path == '\0')
		path = "/usr/local/bin:/bin:/usr/bin";
	if (strchr(word, '/') != NULL)
		path = "";
	for (;; path++) {
		size_t n = strcspn(path, ":"), w = strlen(word);
		if (n + 1 + w < sizeof candidate) {
			memcpy(candidate, path, n);
			candidate[n] = '/';
			memcpy(candidate + (n > 0 ? n + 1 : 0), word, w + 1);
			execve(candidate, s->argv, s->envp);
			if (errno == ENOENT && access(candidate, F_OK) == 0) {
				*step = SPAWN_INTERPRETER;
				return ENOENT;
			}
			if (errno != ENOENT && errno != ENOTDIR)
				found = errno;
		}
		path += n;
		if (*path == '\0')
			return found;
	}
}

__attribute__((noreturn)) static void child(const struct spawn *s, int report) {
	signals_to_default();
	setsid();
	drop_capabilities();
	if (s->dies_with_us)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (place(s, &report) != 0 || close_others(s, report) != 0)
		give_up(report, SPAWN_DESCRIPTORS, errno);
	if (s->directory != NULL && chdir(s->directory) != 0)
		give_up(report, SPAWN_CHDIR, errno);
	fill_listen_pid(s->envp);

	enum spawn_step step = SPAWN_EXEC;
	int error = exec_search(s, &step);
	give_up(report, step, error);
}

/* No signal may run one of our handlers in the child, where it would write to our loop. */
static pid_t fork_quietly(const struct spawn *s, int report) {
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid_t pid = fork();
	if (pid == 0)
		child(s, report);
	int saved = errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = saved;
	return pid;
}

static void reap(pid_t pid) {
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* Ends at once when exec closes the other side. */
static ssize_t read_report(int fd, struct report *report) {
	ssize_t n;
	while ((n = read(fd, report, sizeof *report)) < 0 && errno == EINTR)
		;
	return n;
}

int spawn_start(const struct spawn *s, struct spawned *spawned, enum spawn_step *failed) {
	assert(s->n_fds <= SPAWN_FDS_MAX && s->argv[0] != NULL);
	*failed = SPAWN_FORK;

	int ends[2];
	if (pipe2(ends, O_CLOEXEC) != 0)
		return -errno;
	AUTOCLOSE int reading = ends[0];
	AUTOCLOSE int writing = ends[1];

	pid_t pid = fork_quietly(s, writing);
	if (pid < 0)
		return -errno;
	fd_close(&writing);

	/* Nobody but us reaps it, so the pid can't have become somebody else's. */
	AUTOCLOSE int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct report report = { SPAWN_FORK, errno };
	if (pidfd < 0) {
		kill(pid, SIGKILL);
		reap(pid);
		return -report.error;
	}
	if (read_report(reading, &report) == (ssize_t)sizeof report) {
		reap(pid);
		*failed = report.step;
		return -report.error;
	}
	*spawned = (struct spawned){ .pid = pid, .pidfd = fd_take(&pidfd) };
	return 0;
}

const char *spawn_step_name(enum spawn_step step) {
	switch (step) {
	case SPAWN_FORK: return "fork";
	case SPAWN_DESCRIPTORS: return "descriptors";
	case SPAWN_CHDIR: return "directory";
	case SPAWN_EXEC: return "exec";
	case SPAWN_INTERPRETER: return "interpreter";
	}
	return "?";
}
