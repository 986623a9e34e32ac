#include "os/runtime_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "suite.h"

static char root[40], run[60], xdg[60], tmp[60], family[80];
static struct runtime_bases bases;
static struct runtime_dir dir;

static void make_bases(void) {
	strcpy(root, "/tmp/test-rtdir-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	snprintf(run, sizeof run, "%s/run", root);
	snprintf(xdg, sizeof xdg, "%s/xdg", root);
	snprintf(tmp, sizeof tmp, "%s/tmp", root);
	snprintf(family, sizeof family, "%s/pumakeeper-%u", tmp, geteuid());
	ck_assert_int_eq(mkdir(run, 0755) | mkdir(xdg, 0700) | mkdir(tmp, 01777), 0);
	bases = (struct runtime_bases){ run, xdg, tmp };
}

static void remove_bases(void) {
	char line[80];
	snprintf(line, sizeof line, "rm -r %s", root);
	ck_assert_int_eq(system(line), 0);
}

static mode_t mode_of(const char *path) {
	struct stat st;
	ck_assert_int_eq(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void check_place(const char *start, mode_t mode) {
	ck_assert_int_eq(runtime_dir_open(&bases, "shop", &dir), 0);
	ck_assert_int_eq(strncmp(dir.path, start, strlen(start)), 0);
	ck_assert_uint_eq(mode_of(dir.path), mode);
	close(dir.fd);
}

static void make_socket(const char *path) {
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	strcpy(a.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	close(fd);
}

START_TEST(the_first_place_that_can_be_ours_is_taken)
{
	make_bases();
	mode_t before = umask(0077);
	check_place(run, 0755);
	check_place(run, 0755); /* again: it is there already */
	umask(before);
	bases.run = "/nowhere";
	check_place(xdg, 0700);
	bases.xdg = NULL;
	check_place(family, 0700);
	bases.tmp = "/nowhere";
	ck_assert_int_eq(runtime_dir_open(&bases, "shop", &dir), -ENOENT);
	remove_bases();
}
END_TEST

START_TEST(a_place_that_was_removed_is_made_again_as_it_was_and_nowhere_else)
{
	struct runtime_dir again = { .fd = -1 };
	char line[140];
	make_bases();
	bases.run = NULL;
	ck_assert_int_eq(runtime_dir_open(&bases, "shop", &dir), 0);
	ck_assert(runtime_dir_is_there(&dir));
	int fd = openat(dir.fd, "lock", O_CREAT | O_RDWR, 0600);
	ck_assert(runtime_dir_has(&dir, "lock", fd) && !runtime_dir_has(&dir, "state", fd));
	ck_assert_int_eq(fchmod(dir.fd, 0500), 0);
	bases.run = run; /* would be the first one now */
	snprintf(line, sizeof line, "rm -r %s", dir.path);
	ck_assert_int_eq(system(line), 0);
	ck_assert(!runtime_dir_is_there(&dir) && !runtime_dir_has(&dir, "lock", fd));

	ck_assert_int_eq(runtime_dir_again(&bases, "shop", &dir, &again), 0);
	ck_assert_str_eq(again.path, dir.path);
	ck_assert_uint_eq(mode_of(again.path), 0500);
	ck_assert(runtime_dir_is_there(&again) && !runtime_dir_is_there(&dir));
	close(again.fd);

	bases.xdg = "/elsewhere";
	ck_assert_int_eq(runtime_dir_again(&bases, "shop", &dir, &again), -ENOENT);
	close(fd);
	close(dir.fd);
	remove_bases();
}
END_TEST

START_TEST(what_others_may_enter_in_tmp_is_not_ours)
{
	make_bases();
	bases.run = bases.xdg = NULL;
	ck_assert_int_eq(mkdir(family, 0700) | chmod(family, 0755), 0);
	ck_assert_int_eq(runtime_dir_open(&bases, "shop", &dir), -EPERM);
	remove_bases();
}
END_TEST

START_TEST(a_directory_of_somebody_elses_is_not_ours)
{
	if (geteuid() != 0)
		return; /* only root can make one */
	make_bases();
	bases.run = bases.xdg = NULL;
	ck_assert_int_eq(mkdir(family, 0700) | chown(family, 1234, 1234), 0);
	ck_assert_int_eq(runtime_dir_open(&bases, "shop", &dir), -EPERM);
	remove_bases();
}
END_TEST

START_TEST(a_link_in_tmp_is_not_followed)
{
	make_bases();
	bases.run = bases.xdg = NULL;
	ck_assert_int_eq(symlink(xdg, family), 0);
	ck_assert_int_eq(runtime_dir_open(&bases, "shop", &dir), -ENOTDIR);
	unlink(family);
	ck_assert_int_eq(mkdir(family, 0700), 0);
	char link[100];
	snprintf(link, sizeof link, "%s/shop", family);
	ck_assert_int_eq(symlink(xdg, link), 0);
	ck_assert_int_eq(runtime_dir_open(&bases, "shop", &dir), -ENOTDIR);
	remove_bases();
}
END_TEST

START_TEST(names_that_lead_elsewhere_are_refused)
{
	make_bases();
	static const char *const names[] = { "", ".", "..", "a/b", "../x" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		ck_assert_int_eq(runtime_dir_open(&bases, names[i], &dir), -EINVAL);
	char endless[100];
	memset(endless, 'a', sizeof endless - 1);
	endless[sizeof endless - 1] = '\0';
	ck_assert_int_eq(runtime_dir_open(&bases, endless, &dir), -ENAMETOOLONG);
	remove_bases();
}
END_TEST

START_TEST(the_daemons_that_are_there_are_listed)
{
	make_bases();
	static const char *const apps[] = { "shop", "blog", "empty" };
	for (size_t i = 0; i < ARRAY_LEN(apps); i++) {
		ck_assert_int_eq(runtime_dir_open(&bases, apps[i], &dir), 0);
		char path[100];
		snprintf(path, sizeof path, "%s/control", dir.path);
		if (i < 2)
			make_socket(path);
		else
			close(open(path, O_WRONLY | O_CREAT, 0600)); /* a file is no daemon */
		close(dir.fd);
	}
	struct strings found = { 0 };
	ck_assert_int_eq(runtime_dir_list(&bases, "control", S_IFSOCK, &found), 0);
	ck_assert_uint_eq(found.len, 2);
	ck_assert_ptr_nonnull(strstr(found.items[0], "/pumakeeper/blog/control"));
	ck_assert_ptr_nonnull(strstr(found.items[1], "/pumakeeper/shop/control"));
	strings_finish(&found);
	remove_bases();
}
END_TEST

SUITE("runtime_dir", the_first_place_that_can_be_ours_is_taken,
      a_place_that_was_removed_is_made_again_as_it_was_and_nowhere_else,
      what_others_may_enter_in_tmp_is_not_ours, a_directory_of_somebody_elses_is_not_ours,
      a_link_in_tmp_is_not_followed, names_that_lead_elsewhere_are_refused,
      the_daemons_that_are_there_are_listed)
