/* A file of tests/fixtures/, in memory. */
#pragma once

#include <check.h>
#include <stdio.h>

struct fixture {
	char text[16384]; /* terminated */
	size_t len;
};

/* The test fails when it is missing or does not fit. */
static inline struct fixture fixture_read(const char *name) {
	struct fixture f = { 0 };
	char path[512];
	snprintf(path, sizeof path, FIXTURES "/%s", name);
	FILE *file = fopen(path, "r");
	ck_assert_msg(file != NULL, "%s is missing", path);
	f.len = fread(f.text, 1, sizeof f.text, file);
	fclose(file);
	ck_assert_uint_lt(f.len, sizeof f.text);
	return f;
}
