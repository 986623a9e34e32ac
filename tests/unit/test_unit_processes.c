#include "os/unit_processes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suite.h"

static char root[] = "/tmp/test-unit-XXXXXX";
static pid_t pids[8];

static void plant(const char *path, const char *text) {
	char whole[300];
	snprintf(whole, sizeof whole, "%s/%s", root, path);
	for (char *slash = whole + strlen(root) + 1; (slash = strchr(slash, '/')) != NULL;
	     slash++) {
		*slash = '\0';
		ck_assert(mkdir(whole, 0700) == 0 || errno == EEXIST);
		*slash = '/';
	}
	FILE *file = fopen(whole, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert(fputs(text, file) >= 0 && fclose(file) == 0);
}

static size_t look(const char *cgroups, size_t max) {
	plant("proc/self/cgroup", cgroups);
	int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	size_t n = unit_processes(fd, pids, max);
	close(fd);
	return n;
}

static void begin(void) {
	strcpy(root + strlen(root) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
}

static void end(void) {
	char line[80];
	snprintf(line, sizeof line, "rm -r %s", root);
	ck_assert_int_eq(system(line), 0);
}

START_TEST(a_units_processes_are_those_of_its_own_group)
{
	static const struct {
		const char *at, *cgroups;
	} table[] = {
		{ "sys/fs/cgroup/system.slice/shop.service", "0::/system.slice/shop.service\n" },
		{ "sys/fs/cgroup/unified/system.slice/shop.service",
		  "4:memory:/system.slice/shop.service\n0::/system.slice/shop.service\n" },
		{ "sys/fs/cgroup/systemd/system.slice/shop.service",
		  "4:memory:/x.service\n1:name=systemd:/system.slice/shop.service\n" },
		{ "sys/fs/cgroup/a.slice/pumakeeper@my\\x2dshop.service",
		  "0::/a.slice/pumakeeper@my\\x2dshop.service\n" },
	};
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		char path[200];
		begin();
		snprintf(path, sizeof path, "%s/cgroup.procs", table[i].at);
		plant(path, "4000001\n4000002\n");
		ck_assert_uint_eq(look(table[i].cgroups, 8), 2);
		ck_assert_int_eq(pids[0], 4000001);
		ck_assert_int_eq(pids[1], 4000002);
		end();
	}
}
END_TEST

START_TEST(neither_we_nor_who_has_started_us_are_among_them)
{
	char text[80];
	begin();
	snprintf(text, sizeof text, "0\n1\n%d\n%d\n4000001\n", getpid(), getppid());
	plant("sys/fs/cgroup/shop.service/cgroup.procs", text);
	ck_assert_uint_eq(look("0::/shop.service\n", 8), 1);
	ck_assert_int_eq(pids[0], 4000001);
	end();
}
END_TEST

START_TEST(whoever_is_in_no_unit_has_nobody_with_them)
{
	static const char *const table[] = {
		"0::/user.slice/user-0.slice/session-1.scope\n",
		"0::/\n",
		"0::/.service\n/x.service",
		"0::/elsewhere.service\n",
		"0::/shop.service/inner\n",
		"",
	};
	begin();
	plant("sys/fs/cgroup/user.slice/user-0.slice/session-1.scope/cgroup.procs", "4000001\n");
	plant("sys/fs/cgroup/cgroup.procs", "4000001\n");
	plant("sys/fs/cgroup/shop.service/inner/cgroup.procs", "4000001\n");
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		ck_assert_msg(look(table[i], 8) == 0, "%s", table[i]);
	end();
}
END_TEST

START_TEST(no_more_than_there_is_room_for)
{
	begin();
	plant("sys/fs/cgroup/shop.service/cgroup.procs", "4000001\n4000002\n4000003\n");
	ck_assert_uint_eq(look("0::/shop.service\n", 2), 2);
	end();
}
END_TEST

SUITE("unit_processes", a_units_processes_are_those_of_its_own_group,
      neither_we_nor_who_has_started_us_are_among_them, whoever_is_in_no_unit_has_nobody_with_them,
      no_more_than_there_is_room_for)
