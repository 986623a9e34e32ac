#include "os/program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suite.h"

static char place[] = "/tmp/program-XXXXXX";

static void put(const char *name, mode_t mode) {
	char path[100];
	snprintf(path, sizeof path, "%s/%s", place, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, mode);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void open_place(void) {
	char path[100];
	snprintf(place, sizeof place, "/tmp/program-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(place));
	put("may", 0755);
	put("may_not", 0644);
	snprintf(path, sizeof path, "%s/bin", place);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	put("bin/inner", 0755);
}

static void close_place(void) {
	static const char *const names[] = { "may", "may_not", "bin/inner", "bin", "." };
	char path[100];
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof path, "%s/%s", place, names[i]);
		if (remove(path) != 0)
			remove(place); /* "." can't be */
	}
}

START_TEST(it_is_found_where_it_would_be_started)
{
	open_place();
	const struct {
		const char *word, *path;
		int error;
	} looks[] = {
		{ "sh", NULL, 0 },
		{ "sh", "", 0 },
		{ "sh", "/nowhere:/bin", 0 },
		{ "/bin/sh", "/nowhere", 0 },
		{ "sh", "/nowhere", -ENOENT },
		{ "no such program", "/bin:/usr/bin", -ENOENT },
		{ "", "/bin", -ENOENT },
		{ "bin/inner", "/bin", 0 },
		{ "./may", "/bin", 0 },
		{ "./may_not", "/bin", -EACCES },
		{ "./bin", "/bin", -EACCES },
		{ "may/be", "/bin", -ENOTDIR },
		{ "inner", "/bin:bin", 0 },
		{ "may", ":/bin", 0 },
		{ "may", "/bin:", 0 },
		{ "may_not", ":/bin", -EACCES }, /* says more than that it isn't in the others */
		{ "sh", "/bin/sh:/bin", 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(looks); i++)
		ck_assert_msg(program_look(looks[i].word, looks[i].path, place) == looks[i].error,
			      "%s in %s: %d", looks[i].word, looks[i].path,
			      program_look(looks[i].word, looks[i].path, place));
	close_place();
}
END_TEST

SUITE("program", it_is_found_where_it_would_be_started)
