#include "core/cgroup.h"

#include <errno.h>
#include <string.h>

#include "fixture.h"
#include "suite.h"

#define V1(root, point) "36 31 0:32 " root " " point " rw,relatime - cgroup cgroup rw,memory\n"
#define V2(root, point)              \
	"30 23 0:26 " root " " point \
	" rw,nosuid,nodev shared:9 master:1 - cgroup2 cgroup2 rw,nsdelegate\n"
#define OTHERS                                                        \
	"22 27 0:21 / /proc rw,relatime - proc proc rw\n"             \
	"31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"  \
	"32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n" \
	"33 31 0:29 / /memory - rw - cgroup cgroup rw,nomemory,memoryx\n"

static const struct {
	const char *name, *own, *mountinfo, *directory;
	enum cgroup_version version;
	const char *top;
} shapes[] = {
	{ "v2, a systemd service", "0::/system.slice/shop.service\n",
	  OTHERS V2("/", "/sys/fs/cgroup"), "/sys/fs/cgroup/system.slice/shop.service", CGROUP_V2,
	  "/sys/fs/cgroup" },
	{ "v2, in a namespace of its own", "0::/\n", V2("/", "/sys/fs/cgroup"), "/sys/fs/cgroup",
	  CGROUP_V2, "/sys/fs/cgroup" },
	{ "v1, the host", "4:cpu:/a\n3:memory:/apps/shop\n",
	  OTHERS V1("/", "/sys/fs/cgroup/memory"), "/sys/fs/cgroup/memory/apps/shop", CGROUP_V1,
	  "/sys/fs/cgroup/memory" },
	{ "v1, controllers together", "4:cpu,memory,pids:/a\n", V1("/", "/m"), "/m/a", CGROUP_V1,
	  "/m" },
	{ "v1, a container with a bind of its subtree", "3:memory:/docker/0a1b\n",
	  V1("/docker/0a1b", "/sys/fs/cgroup/memory"), "/sys/fs/cgroup/memory", CGROUP_V1,
	  "/sys/fs/cgroup/memory" },
	{ "v1, further down in such a container", "3:memory:/docker/0a1b/init.scope\n",
	  V1("/docker/0a1b", "/sys/fs/cgroup/memory"), "/sys/fs/cgroup/memory/init.scope",
	  CGROUP_V1, "/sys/fs/cgroup/memory" },
	{ "v2, a bind of the subtree", "0::/kubepods/pod1/c1\n", V2("/kubepods/pod1", "/cg"),
	  "/cg/c1", CGROUP_V2, "/cg" },
	{ "hybrid: the controller is on v1", "3:memory:/old\n0::/new\n",
	  V2("/", "/sys/fs/cgroup/unified") V1("/", "/sys/fs/cgroup/memory"),
	  "/sys/fs/cgroup/memory/old", CGROUP_V1, "/sys/fs/cgroup/memory" },
	{ "hybrid: the controller is on v2", "1:name=systemd:/old\n0::/new\n",
	  V2("/", "/sys/fs/cgroup/unified"), "/sys/fs/cgroup/unified/new", CGROUP_V2,
	  "/sys/fs/cgroup/unified" },
	{ "a root that only begins like ours", "3:memory:/docker/0a1b2c\n",
	  V1("/docker/0a1b", "/other") V1("/docker", "/ours"), "/ours/0a1b2c", CGROUP_V1, "/ours" },
	{ "a root that only begins like ours, and no other", "3:memory:/docker/0a1b2c\n",
	  V1("/docker/0a1b", "/given"), "/given", CGROUP_V1, "/given" },
	{ "hybrid, whatever comes first", "0::/new\n3:memory:/old\n", V2("/", "/u") V1("/", "/m"),
	  "/m/old", CGROUP_V1, "/m" },
	{ "the widest view, for the ancestors' limits", "0::/a/b/c\n",
	  V2("/a/b/c", "/narrow") V2("/", "/wide") V2("/a", "/between"), "/wide/a/b/c", CGROUP_V2,
	  "/wide" },
	{ "the later of two equals", "0::/a\n", V2("/", "/first") V2("/", "/second"), "/second/a",
	  CGROUP_V2, "/second" },
	{ "paths from different namespaces: what we were given", "3:memory:/bad/0a1b\n",
	  V1("/good/0a1b", "/sys/fs/cgroup/memory"), "/sys/fs/cgroup/memory", CGROUP_V1,
	  "/sys/fs/cgroup/memory" },
	{ "outside of our namespace, and that is what is mounted", "0::/../neighbour.scope\n",
	  V2("/../neighbour.scope", "/cg"), "/cg", CGROUP_V2, "/cg" },
	{ "mounted from further out than our namespace", "0::/\n", V2("/../..", "/cg"), "/cg",
	  CGROUP_V2, "/cg" },
	{ "blanks in the names", "0::/my apps/a:b,c\n", V2("/my\\040apps", "/mnt/c\\040g\\134"),
	  "/mnt/c g\\/a:b,c", CGROUP_V2, "/mnt/c g\\" },
};

START_TEST(the_group_is_found_where_the_memory_controller_is)
{
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		struct cgroup c;
		ck_assert_msg(cgroup_find(shapes[i].own, shapes[i].mountinfo, &c) == 0, "%s",
			      shapes[i].name);
		ck_assert_msg(strcmp(c.directory, shapes[i].directory) == 0, "%s: %s",
			      shapes[i].name, c.directory);
		ck_assert_int_eq(c.version, shapes[i].version);
		ck_assert_uint_eq(c.top, strlen(shapes[i].top));
	}
}
END_TEST

#define ID      "1e0bf73d8279307e8ae6ddca5f5119f69b8ba1bbc1573aa1bb2f9684d23f17e8"
#define POD     "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod4f0c0d93_f622.slice"
#define RO      "ro,nosuid,nodev,noexec,relatime"
#define OVERLAY "370 344 0:35 / / rw,relatime master:1 - overlay overlay rw,lowerdir=/l:/m\n"

/* The lines that matter of what these leave to a process, each in its usual words. */
static const struct {
	const char *name, *own, *mountinfo, *directory;
	int climbs; /* groups above ours whose limits are to be seen */
} places[] = {
	{ "docker on v1",
	  "12:pids:/docker/" ID "\n11:memory:/docker/" ID "\n1:name=systemd:/docker/" ID
	  "\n0::/system.slice/containerd.service\n",
	  OVERLAY "387 385 0:28 /docker/" ID " /sys/fs/cgroup/systemd " RO
		  " master:11 - cgroup cgroup rw,xattr,name=systemd\n"
		  "398 385 0:39 /docker/" ID " /sys/fs/cgroup/memory " RO
		  " master:21 - cgroup cgroup rw,memory\n",
	  "/sys/fs/cgroup/memory", 0 },
	{ "docker on v1, the driver is systemd's", "8:memory:/system.slice/docker-" ID ".scope\n",
	  "398 385 0:39 /system.slice/docker-" ID ".scope /sys/fs/cgroup/memory " RO
	  " master:13 - cgroup cgroup rw,memory\n",
	  "/sys/fs/cgroup/memory", 0 },
	{ "docker on v2, a namespace of its own", "0::/\n",
	  OVERLAY "383 374 0:25 / /sys/fs/cgroup " RO
		  " - cgroup2 cgroup rw,nsdelegate,memory_recursiveprot\n",
	  "/sys/fs/cgroup", 0 },
	{ "docker on v2, --cgroupns=host", "0::/system.slice/docker-" ID ".scope\n",
	  OVERLAY "1574 1573 0:23 /system.slice/docker-" ID ".scope /sys/fs/cgroup " RO
		  " - cgroup2 cgroup rw,nsdelegate\n",
	  "/sys/fs/cgroup", 0 },
	{ "docker on v2, --cgroupns=host, the whole tree", "0::/system.slice/docker-" ID ".scope\n",
	  OVERLAY "383 374 0:25 / /sys/fs/cgroup " RO " - cgroup2 cgroup rw,nsdelegate\n",
	  "/sys/fs/cgroup/system.slice/docker-" ID ".scope", 2 },
	{ "kubernetes on v1", "10:memory:/kubepods/besteffort/podd0544205-72df/" ID "\n",
	  "767 765 0:39 /kubepods/besteffort/podd0544205-72df/" ID " /sys/fs/cgroup/memory " RO
	  " master:13 - cgroup cgroup rw,memory\n",
	  "/sys/fs/cgroup/memory", 0 },
	{ "kubernetes on v1, colons in the name",
	  "10:memory:/system.slice" POD ":cri-containerd:" ID "\n",
	  "767 765 0:39 /system.slice" POD ":cri-containerd:" ID " /sys/fs/cgroup/memory " RO
	  " - cgroup cgroup rw,memory\n",
	  "/sys/fs/cgroup/memory", 0 },
	{ "kubernetes on v2", "0::/\n",
	  "767 765 0:25 / /sys/fs/cgroup " RO " - cgroup2 cgroup rw,seclabel\n"
	  "769 757 259:16 /var/lib/kubelet/pods/x/etc-hosts /etc/hosts rw - ext4 /dev/sda rw\n",
	  "/sys/fs/cgroup", 0 },
	{ "kubernetes on v2, a privileged pod", "0::" POD "/cri-containerd-" ID ".scope\n",
	  "767 765 0:25 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup rw\n",
	  "/sys/fs/cgroup" POD "/cri-containerd-" ID ".scope", 4 },
	{ "systemd, nested slices",
	  "0::/system.slice/system-pumakeeper.slice/pumakeeper@shop.service\n",
	  OTHERS "35 24 0:30 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 "
		 "cgroup2 rw,nsdelegate,memory_recursiveprot\n",
	  "/sys/fs/cgroup/system.slice/system-pumakeeper.slice/pumakeeper@shop.service", 3 },
	{ "systemd, a user's own service",
	  "0::/user.slice/user-1000.slice/user@1000.service/app.slice/shop.service\n",
	  V2("/", "/sys/fs/cgroup"),
	  "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/shop.service", 5 },
	{ "systemd, hybrid: the limits are v1's",
	  "5:memory:/system.slice/shop.service\n1:name=systemd:/system.slice/shop.service\n"
	  "0::/system.slice/shop.service\n",
	  OTHERS "34 31 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate\n"
		 "35 31 0:30 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
		 "39 31 0:34 / /sys/fs/cgroup/memory rw shared:14 - cgroup cgroup rw,memory\n",
	  "/sys/fs/cgroup/memory/system.slice/shop.service", 2 },
};

START_TEST(what_containers_and_systemd_show_is_understood)
{
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		struct cgroup c;
		int climbs = 0;
		ck_assert_msg(cgroup_find(places[i].own, places[i].mountinfo, &c) == 0, "%s",
			      places[i].name);
		ck_assert_msg(strcmp(c.directory, places[i].directory) == 0, "%s: %s",
			      places[i].name, c.directory);
		while (cgroup_up(&c))
			climbs++;
		ck_assert_msg(climbs == places[i].climbs, "%s: %d", places[i].name, climbs);
	}
}
END_TEST

START_TEST(this_kernels_hybrid_tree_is_understood)
{
	struct cgroup c;
	ck_assert_int_eq(cgroup_find(fixture_read("cgroup/linux-6.18-hybrid-cgroup").text,
				     fixture_read("cgroup/linux-6.18-hybrid-mountinfo").text, &c),
			 0);
	ck_assert_int_eq(c.version, CGROUP_V1);
	ck_assert_str_eq(c.directory, "/sys/fs/cgroup/memory/apps/shop");
}
END_TEST

START_TEST(where_none_is_to_be_seen_none_is_made_up)
{
	static const char *const rows[][2] = {
		{ "", "" },
		{ "", V2("/", "/sys/fs/cgroup") },
		{ "0::/a\n", "" },
		{ "0::/a\n", OTHERS },
		{ "0::/a\n", V1("/", "/sys/fs/cgroup/memory") },
		{ "3:memory:/a\n0::/a\n", V2("/", "/sys/fs/cgroup") },
		{ "3:cpu:/a\n", V1("/", "/m") V2("/", "/u") },
		{ "0::/../other\n", V2("/", "/sys/fs/cgroup") },
		{ "0::/../other\n", V2("/../another", "/sys/fs/cgroup") },
		{ "0::/../../other\n", V2("/..", "/sys/fs/cgroup") },
		{ "0::relative\n", V2("/", "/sys/fs/cgroup") },
		{ "0:\n0\n:::\n\n\n", V2("/", "/sys/fs/cgroup") },
		{ "0::/a\n", "30 23 0:26 / \n30\n - cgroup2\n\n" },
		{ "0::/a\n", "30 23 0:26 / point rw - cgroup2 cgroup2 rw\n" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cgroup c = { .top = 77 };
		ck_assert_msg(cgroup_find(rows[i][0], rows[i][1], &c) == -ENOENT, "row %zu", i);
		ck_assert_uint_eq(c.top, 77);
	}
}
END_TEST

START_TEST(a_path_that_is_too_long_is_not_cut)
{
	static char own[6000] = "0::/";
	struct cgroup c = { .top = 77 };
	memset(own + 4, 'a', sizeof own - 5);
	ck_assert_int_eq(cgroup_find(own, V2("/", "/sys/fs/cgroup"), &c), -ENOENT);
	static char mountinfo[7000];
	snprintf(mountinfo, sizeof mountinfo, V2("/", "%s"), own + 3);
	ck_assert_int_eq(cgroup_find("0::/a\n", mountinfo, &c), -ENOENT);
	snprintf(mountinfo, sizeof mountinfo, V2("%s", "/sys/fs/cgroup"), own + 3);
	ck_assert_int_eq(cgroup_find("0::/a\n", mountinfo, &c), -ENOENT);
	ck_assert_uint_eq(c.top, 77);
}
END_TEST

START_TEST(the_chain_goes_up_to_the_mount_point_and_no_further)
{
	struct cgroup c;
	ck_assert_int_eq(cgroup_find("0::/a/b\n", V2("/", "/sys/fs/cgroup"), &c), 0);
	ck_assert(cgroup_up(&c));
	ck_assert_str_eq(c.directory, "/sys/fs/cgroup/a");
	ck_assert(cgroup_up(&c));
	ck_assert_str_eq(c.directory, "/sys/fs/cgroup");
	ck_assert(!cgroup_up(&c));
	ck_assert_str_eq(c.directory, "/sys/fs/cgroup");
}
END_TEST

START_TEST(limits_are_numbers_or_none)
{
	static const struct {
		enum cgroup_version version;
		const char *text;
		uint64_t bytes;
	} rows[] = {
		{ CGROUP_V2, "max\n", 0 },
		{ CGROUP_V2, "536870912\n", 536870912 },
		{ CGROUP_V2, "9223372036854771712\n", 0 },
		{ CGROUP_V1, "hierarchical_memory_limit 536870912\n", 536870912 },
		{ CGROUP_V1, "cache 5\nhierarchical_memory_limit 4096\nx 7\n", 4096 },
		{ CGROUP_V1, "hierarchical_memory_limit 9223372036854771712\n", 0 },
		{ CGROUP_V1, "hierarchical_memory_limit 9223372036854710272\n",
		  0 }, /* 64 KiB pages */
		{ CGROUP_V1, "hierarchical_memory_limit 18446744073709551615\n", 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t bytes = 5;
		ck_assert_int_eq(cgroup_limit(rows[i].version, rows[i].text, &bytes), 0);
		ck_assert_uint_eq(bytes, rows[i].bytes);
	}
	uint64_t bytes = 5;
	ck_assert_int_eq(cgroup_limit(CGROUP_V1,
				      fixture_read("cgroup/linux-6.18-v1-memory.stat").text,
				      &bytes),
			 0);
	ck_assert_uint_eq(bytes, 0);
}
END_TEST

START_TEST(what_is_no_limit_is_refused)
{
	static const struct {
		enum cgroup_version version;
		const char *text;
	} rows[] = {
		{ CGROUP_V2, "" },
		{ CGROUP_V2, "max" },
		{ CGROUP_V2, "maximum\n" },
		{ CGROUP_V2, "53687" },
		{ CGROUP_V2, "-1\n" },
		{ CGROUP_V2, "18446744073709551616\n" },
		{ CGROUP_V1, "" },
		{ CGROUP_V1, "cache 5\n" },
		{ CGROUP_V1, "cache 5\nhierarchical_memory_limit 53" },
		{ CGROUP_V1, "hierarchical_memory_limit max\n" },
		{ CGROUP_V1, "total_hierarchical_memory_limit 1\n" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t bytes = 5;
		ck_assert_msg(cgroup_limit(rows[i].version, rows[i].text, &bytes) == -EBADMSG,
			      "row %zu", i);
		ck_assert_uint_eq(bytes, 5);
	}
}
END_TEST

START_TEST(each_version_has_its_limit_files)
{
	ck_assert_str_eq(cgroup_limit_file(CGROUP_V1, 0), "memory.stat");
	ck_assert_ptr_null(cgroup_limit_file(CGROUP_V1, 1));
	ck_assert_str_eq(cgroup_limit_file(CGROUP_V2, 0), "memory.max");
	ck_assert_str_eq(cgroup_limit_file(CGROUP_V2, 1), "memory.high");
	ck_assert_ptr_null(cgroup_limit_file(CGROUP_V2, 2));
}
END_TEST

SUITE("cgroup", the_group_is_found_where_the_memory_controller_is,
      what_containers_and_systemd_show_is_understood, this_kernels_hybrid_tree_is_understood,
      where_none_is_to_be_seen_none_is_made_up, a_path_that_is_too_long_is_not_cut,
      the_chain_goes_up_to_the_mount_point_and_no_further, limits_are_numbers_or_none,
      what_is_no_limit_is_refused, each_version_has_its_limit_files)
