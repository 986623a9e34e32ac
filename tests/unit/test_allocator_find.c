#include "daemon/allocator_find.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/file.h"
#include "suite.h"
#include "util/fd.h"

static char path[256];
static struct error error;

static int find(const char *preload) {
	error = (struct error){ 0 };
	strcpy(path, "untouched");
	return allocator_find(preload, path, sizeof path, &error);
}

static void assert_says(const char *words) {
	ck_assert_msg(strstr(error.text, words) != NULL, "%s: not in: %s", words, error.text);
	ck_assert_str_eq(path, "");
}

/* A file of these bytes; its path. Removed by the next one and at the end. */
static char made[64];
static const char *make(const void *bytes, size_t len) {
	unlink(made);
	strcpy(made, "/tmp/test-find-XXXXXX");
	AUTOCLOSE int fd = mkstemp(made);
	ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
	return made;
}

START_TEST(none_is_nothing_to_preload)
{
	ck_assert_int_eq(find("none"), 0);
	ck_assert_str_eq(path, "");
}
END_TEST

START_TEST(jemalloc_is_found_where_it_is_installed)
{
	if (find("jemalloc") != 0) {
		printf("skip: jemalloc is not installed\n");
		assert_says("libjemalloc2");
		return;
	}
	ck_assert_int_eq(path[0], '/');
	ck_assert_ptr_nonnull(strstr(path, "/libjemalloc.so."));
	char found[sizeof path];
	strcpy(found, path);
	ck_assert_int_eq(find(found), 0); /* and by its path too */
	ck_assert_str_eq(path, found);
}
END_TEST

START_TEST(not_found_says_where_it_was_looked_for_and_what_to_do)
{
	/* In an empty world; that takes root. The child's answer comes back as its memory. */
	if (geteuid() != 0) {
		printf("skip: chroot is for root\n");
		return;
	}
	char dir[] = "/tmp/test-find-XXXXXX";
	ck_assert_ptr_nonnull(mkdtemp(dir));
	int ends[2];
	ck_assert_int_eq(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		int failed = chroot(dir) != 0 || find("jemalloc") == 0;
		failed |= write(ends[1], error.text, sizeof error.text) < 0;
		_exit(failed);
	}
	int status;
	ck_assert_int_eq(read(ends[0], error.text, sizeof error.text), sizeof error.text);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	rmdir(dir);
	close(ends[0]);
	close(ends[1]);
	path[0] = '\0';
	assert_says("no libjemalloc.so.2 (nor libjemalloc.so.1) in /usr/local/lib, /usr/lib/");
	assert_says("-linux-gnu, ");
	assert_says("/usr/lib64, ");
	assert_says("; `apt install libjemalloc2`, or set allocator.preload to a library's path");
	assert_says(", or to none");
}
END_TEST

START_TEST(a_path_that_leads_nowhere_says_so)
{
	ck_assert_int_eq(find("/nowhere/libjemalloc.so.2"), -1);
	assert_says("/nowhere/libjemalloc.so.2: No such file or directory");
	ck_assert_int_eq(find("/tmp"), -1);
	assert_says("/tmp: Is a directory");
	ck_assert_int_eq(find("libjemalloc.so.2"), -1);
	assert_says("expected jemalloc, none or a library's absolute path");
	ck_assert_int_eq(find(""), -1);
	assert_says("expected jemalloc");
}
END_TEST

START_TEST(what_ld_so_would_take_for_two_paths_is_refused)
{
	ck_assert_int_eq(find("/srv/my app/libjemalloc.so.2"), -1);
	assert_says("blank or a colon");
	ck_assert_int_eq(find("/a/libjemalloc.so.2:/b/lib.so"), -1);
	assert_says("blank or a colon");
}
END_TEST

START_TEST(a_library_for_another_machine_says_which)
{
	static const struct {
		uint8_t class, data;
		uint16_t machine;
		const char *says;
	} cases[] = {
		{ ELFCLASS64, ELFDATA2LSB, EM_RISCV, " is for riscv64 (64 bits), this is " },
		{ ELFCLASS32, ELFDATA2LSB, EM_386, " is for i386 (32 bits), this is " },
		{ ELFCLASS32, ELFDATA2LSB, EM_X86_64, " is for x86_64 (32 bits), this is " },
		{ ELFCLASS64, ELFDATA2LSB, 0x7777, " is for machine (64 bits), this is " },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		Elf64_Ehdr header = { .e_ident = { 0x7f, 'E', 'L', 'F', cases[i].class,
						   cases[i].data, 1 },
				      .e_type = ET_DYN,
				      .e_machine = cases[i].machine };
		ck_assert_int_eq(find(make(&header, sizeof header)), -1);
		assert_says(cases[i].says);
	}
	unlink(made);
}
END_TEST

START_TEST(what_is_no_library_is_refused)
{
	static const char script[] = "/* GNU ld script */ GROUP ( /usr/lib/libjemalloc.so.2 )\n";
	ck_assert_int_eq(find(make(script, sizeof script - 1)), -1);
	assert_says("is not a shared library");
	ck_assert_int_eq(find(make("", 0)), -1);
	assert_says("is not a shared library");
	unlink(made);
}
END_TEST

START_TEST(half_a_library_is_refused)
{
	if (find("jemalloc") != 0) {
		printf("skip: jemalloc is not installed\n");
		return;
	}
	char head[100];
	AUTOCLOSE int fd = open(path, O_RDONLY);
	ck_assert_int_eq(read(fd, head, sizeof head), sizeof head);
	ck_assert_int_eq(find(make(head, sizeof head)), -1);
	assert_says("is damaged");
	unlink(made);
}
END_TEST

START_TEST(a_library_for_another_c_library_is_refused)
{
	if (find("jemalloc") != 0) {
		printf("skip: jemalloc is not installed\n");
		return;
	}
	/* What it needs becomes what a musl one needs. */
	char *bytes;
	size_t len;
	ck_assert_int_eq(file_read(path, 16 << 20, &bytes, &len), 0);
	char *needed = memmem(bytes, len, "libc.so.6", sizeof "libc.so.6");
	ck_assert_ptr_nonnull(needed);
	memset(needed + strlen("libc.so"), 0, 2);
	ck_assert_int_eq(find(make(bytes, len)), -1);
	assert_says("is for musl, this system runs on glibc");
	free(bytes);
	unlink(made);
}
END_TEST

START_TEST(a_library_without_malloc_would_change_nothing)
{
	static const char *const others[] = { "/usr/lib/x86_64-linux-gnu/libm.so.6",
					      "/usr/lib/aarch64-linux-gnu/libm.so.6",
					      "/usr/lib64/libm.so.6", "/usr/lib/libm.so.6" };
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		if (access(others[i], R_OK) != 0)
			continue;
		ck_assert_int_eq(find(others[i]), -1);
		assert_says("defines no malloc");
		return;
	}
	printf("skip: libm is nowhere\n");
}
END_TEST

START_TEST(a_path_too_long_for_the_caller_is_refused)
{
	char small[4];
	if (find("jemalloc") != 0) {
		printf("skip: jemalloc is not installed\n");
		return;
	}
	ck_assert_int_eq(allocator_find("jemalloc", small, sizeof small, &error), -1);
	ck_assert_str_eq(small, "");
	ck_assert_ptr_nonnull(strstr(error.text, "too long"));
}
END_TEST

SUITE("allocator_find", none_is_nothing_to_preload, jemalloc_is_found_where_it_is_installed,
      not_found_says_where_it_was_looked_for_and_what_to_do, a_path_that_leads_nowhere_says_so,
      what_ld_so_would_take_for_two_paths_is_refused, a_library_for_another_machine_says_which,
      what_is_no_library_is_refused, half_a_library_is_refused,
      a_library_for_another_c_library_is_refused, a_library_without_malloc_would_change_nothing,
      a_path_too_long_for_the_caller_is_refused)
