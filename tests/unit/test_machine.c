#include "daemon/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "suite.h"
#include "util/fd.h"

#define MIB     ((uint64_t)1024 * 1024)
#define V1_NONE "cache 5\nhierarchical_memory_limit 9223372036854771712\n"

static char tree[64];

static int remove_one(const char *path, const struct stat *st UNUSED, int type UNUSED,
		      struct FTW *ftw UNUSED) {
	return remove(path);
}

static void plant(const char *name, const char *text) {
	char path[512];
	size_t n = (size_t)snprintf(path, sizeof path, "%s/%s", tree, name);
	ck_assert_uint_lt(n, sizeof path);
	for (char *at = path + strlen(tree) + 1; (at = strchr(at, '/')) != NULL; *at++ = '/') {
		*at = '\0';
		ck_assert(mkdir(path, 0700) == 0 || errno == EEXIST);
	}
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

static void plant_tree(void) {
	strcpy(tree, "/tmp/test-machine-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(tree));
}

/* Looks at what was planted, and pulls it out. */
static struct machine look(void) {
	struct machine m;
	memset(&m, 0x55, sizeof m);
	AUTOCLOSE int root = open(tree, O_PATH | O_DIRECTORY | O_CLOEXEC);
	machine_look_at(root, &m);
	ck_assert_int_eq(nftw(tree, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
	return m;
}

START_TEST(the_smallest_limit_from_here_to_the_root_holds)
{
	plant_tree();
	plant("proc/meminfo", "MemTotal: 8388608 kB\nSwapTotal: 1024 kB\n");
	plant("proc/self/cgroup", "0::/a.slice/b.service\n");
	plant("proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
	plant("sys/fs/cgroup/cgroup.procs", "");
	plant("sys/fs/cgroup/a.slice/memory.max", "536870912\n");
	plant("sys/fs/cgroup/a.slice/memory.high", "max\n");
	plant("sys/fs/cgroup/a.slice/b.service/memory.max", "1073741824\n");
	plant("sys/fs/cgroup/a.slice/b.service/memory.high", "garbage\n");
	struct machine m = look();
	ck_assert_uint_eq(m.memory_bytes, 8192 * MIB);
	ck_assert(m.swap);
	ck_assert_uint_eq(m.cgroup_limit_bytes, 512 * MIB);
	ck_assert_uint_ge(m.processors, 1);
	ck_assert_uint_eq(m.other_keepers, 0);
}
END_TEST

START_TEST(where_the_kernel_would_throttle_is_a_limit_too)
{
	plant_tree();
	plant("proc/self/cgroup", "0::/a\n");
	plant("proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
	plant("sys/fs/cgroup/a/memory.max", "1073741824\n");
	plant("sys/fs/cgroup/a/memory.high", "805306368\n");
	ck_assert_uint_eq(look().cgroup_limit_bytes, 768 * MIB);
}
END_TEST

START_TEST(a_v1_group_knows_its_ancestors_limits)
{
	plant_tree();
	plant("proc/self/cgroup", "4:memory:/docker/c1\n0::/\n");
	plant("proc/self/mountinfo",
	      "35 31 0:32 /docker/c1 /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n");
	plant("sys/fs/cgroup/memory/memory.limit_in_bytes", "1\n");
	plant("sys/fs/cgroup/memory/memory.stat", "cache 5\nhierarchical_memory_limit 268435456\n");
	ck_assert_uint_eq(look().cgroup_limit_bytes, 256 * MIB);
}
END_TEST

/* Only a group that isn't mounted has no file: then what is above it is asked. */
START_TEST(v1_climbs_only_to_the_first_that_is_mounted)
{
	plant_tree();
	plant("proc/self/cgroup", "4:memory:/a/b\n");
	plant("proc/self/mountinfo", "35 31 0:32 / /cg rw - cgroup cgroup rw,memory\n");
	plant("cg/memory.stat", "hierarchical_memory_limit 4096\n");
	plant("cg/a/memory.stat", "hierarchical_memory_limit 268435456\n");
	ck_assert_uint_eq(look().cgroup_limit_bytes, 256 * MIB);
}
END_TEST

START_TEST(a_limit_that_has_changed_is_seen_without_finding_the_group_anew)
{
	struct cgroup cgroup;
	plant_tree();
	plant("proc/self/cgroup", "0::/a\n");
	plant("proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
	plant("sys/fs/cgroup/a/memory.max", "1073741824\n");
	AUTOCLOSE int root = open(tree, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(machine_find_cgroup(root, &cgroup), 0);
	ck_assert_uint_eq(machine_cgroup_limit(root, &cgroup), 1024 * MIB);
	plant("sys/fs/cgroup/a/memory.max", "536870912\n");
	ck_assert_uint_eq(machine_cgroup_limit(root, &cgroup), 512 * MIB);
	plant("sys/fs/cgroup/a/memory.max", "max\n");
	ck_assert_uint_eq(machine_cgroup_limit(root, &cgroup), 0);
	look();
	ck_assert_int_lt(machine_find_cgroup(root, &cgroup), 0);
}
END_TEST

START_TEST(no_limit_is_none)
{
	plant_tree();
	plant("proc/self/cgroup", "4:memory:/a\n");
	plant("proc/self/mountinfo", "35 31 0:32 / /cg rw - cgroup cgroup rw,memory\n");
	plant("cg/memory.stat", V1_NONE);
	plant("cg/a/memory.stat", V1_NONE);
	ck_assert_uint_eq(look().cgroup_limit_bytes, 0);
}
END_TEST

START_TEST(what_is_not_known_is_0)
{
	plant_tree();
	struct machine m = look();
	ck_assert_uint_ge(m.processors, 1);
	ck_assert_uint_eq(m.memory_bytes, 0);
	ck_assert_uint_eq(m.cgroup_limit_bytes, 0);
	ck_assert(!m.swap);
}
END_TEST

START_TEST(this_machine_has_processors_and_memory)
{
	struct machine m;
	machine_look(&m);
	ck_assert_uint_ge(m.processors, 1);
	ck_assert_uint_gt(m.memory_bytes, 64 * MIB);
}
END_TEST

SUITE("machine", the_smallest_limit_from_here_to_the_root_holds,
      where_the_kernel_would_throttle_is_a_limit_too, a_v1_group_knows_its_ancestors_limits,
      v1_climbs_only_to_the_first_that_is_mounted,
      a_limit_that_has_changed_is_seen_without_finding_the_group_anew, no_limit_is_none,
      what_is_not_known_is_0, this_machine_has_processors_and_memory)
