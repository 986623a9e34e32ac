#include "os/holders.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite.h"

struct told {
	pid_t pid;
	int fd;
	size_t which;
};

static struct told list[16];
static size_t n_told;

static void on_found(void *context, pid_t pid, int fd, size_t which) {
	ck_assert_ptr_eq(context, list);
	ck_assert_uint_lt(n_told, ARRAY_LEN(list));
	list[n_told++] = (struct told){ pid, fd, which };
}

static size_t find(const uint64_t *inodes, size_t n) {
	n_told = 0;
	ck_assert_int_eq(holders_find(inodes, n, on_found, list), 0);
	return n_told;
}

static bool was_told(pid_t pid, int fd, size_t which) {
	for (size_t i = 0; i < n_told; i++)
		if (list[i].pid == pid && list[i].fd == fd && list[i].which == which)
			return true;
	return false;
}

static int make_socket(uint64_t *inode) {
	struct stat st;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	*inode = st.st_ino;
	return fd;
}

/* Has all that we have now. */
static pid_t start(void) {
	pid_t pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	ck_assert_int_gt(pid, 0);
	return pid;
}

static void end(pid_t pid) {
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

START_TEST(each_descriptor_of_each_holder_is_told_and_ours_are_not)
{
	uint64_t inodes[3];
	int a = make_socket(&inodes[0]), b = make_socket(&inodes[1]);
	inodes[2] = 1; /* nobody's */
	pid_t first = start();
	close(b);
	int again = fcntl(a, F_DUPFD_CLOEXEC, 3);
	pid_t second = start();
	ck_assert_uint_eq(find(inodes, 3), 4);
	ck_assert(was_told(first, a, 0) && was_told(first, b, 1));
	ck_assert(was_told(second, a, 0) && was_told(second, again, 0));
	close(a);
	close(again);
	ck_assert_uint_eq(find(inodes, 3), 4);
	end(first);
	ck_assert_uint_eq(find(inodes, 3), 2);
	end(second);
	ck_assert_uint_eq(find(inodes, 3), 0);
	ck_assert_uint_eq(find(inodes, 0), 0);
}
END_TEST

START_TEST(a_zombie_holds_nothing)
{
	uint64_t inode;
	int fd = make_socket(&inode);
	pid_t pid = start();
	siginfo_t info;
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	ck_assert_uint_eq(find(&inode, 1), 0);
	end(pid);
	close(fd);
}
END_TEST

/* Others start and end all the while. */
static void churn(void) {
	for (;;) {
		pid_t pid = fork();
		if (pid == 0)
			_exit(0);
		waitpid(pid, NULL, 0);
	}
}

START_TEST(processes_that_end_meanwhile_do_not_spoil_the_search)
{
	uint64_t inode;
	int fd = make_socket(&inode);
	pid_t holder = start();
	close(fd);
	pid_t restless = fork();
	if (restless == 0)
		churn();
	for (int i = 0; i < 20; i++) {
		ck_assert_uint_eq(find(&inode, 1), 1);
		ck_assert(was_told(holder, fd, 0));
	}
	end(restless);
	end(holder);
}
END_TEST

static int search_without_rights(uint64_t inode) {
	if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0)
		return 1;
	return find(&inode, 1) == 0 ? 0 : 2;
}

START_TEST(those_that_we_may_not_see_are_passed_over)
{
	uint64_t inode;
	int status, fd = make_socket(&inode);
	if (geteuid() != 0) {
		close(fd);
		return;
	}
	pid_t holder = start();
	close(fd);
	pid_t searcher = fork();
	if (searcher == 0)
		_exit(search_without_rights(inode));
	ck_assert_int_eq(waitpid(searcher, &status, 0), searcher);
	ck_assert_int_eq(status, 0);
	end(holder);
}
END_TEST

START_TEST(without_descriptors_of_our_own_the_search_fails_aloud)
{
	struct rlimit before, none;
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	int error = holders_find(NULL, 0, on_found, list);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	ck_assert_int_eq(error, -EMFILE);
}
END_TEST

SUITE("holders", each_descriptor_of_each_holder_is_told_and_ours_are_not, a_zombie_holds_nothing,
      processes_that_end_meanwhile_do_not_spoil_the_search,
      those_that_we_may_not_see_are_passed_over,
      without_descriptors_of_our_own_the_search_fails_aloud)
