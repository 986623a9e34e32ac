#include "os/boot_id.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "os/text_file.h"

#define UUID_LEN 36

/* Field 22 of /proc/PID/stat; the 2nd has blanks and parentheses of its own. 0: it can't be seen. */
static unsigned long long first_started(void) {
	char stat[1024];
	unsigned long long ticks = 0;
	ssize_t n = text_read_at(AT_FDCWD, "/proc/1/stat", stat, sizeof stat);
	const char *at = n > 0 ? strrchr(stat, ')') : NULL;
	for (int field = 2; at != NULL && field < 22; field++)
		at = strchr(at + 1, ' ');
	return at != NULL && sscanf(at, "%llu", &ticks) == 1 ? ticks : 0;
}

/* `root` is where /proc is, as somebody sees it. */
static int read_in(const char *root, char id[BOOT_ID_SIZE]) {
	char path[80];
	snprintf(path, sizeof path, "%s/proc/sys/kernel/random/boot_id", root);
	ssize_t n = text_read_at(AT_FDCWD, path, id, BOOT_ID_SIZE);
	size_t len = strspn(id, "0123456789abcdef-");
	if (n >= 0 && len == UUID_LEN && strcmp(id + len, "\n") == 0) {
		unsigned long long ticks = first_started();
		id[len] = '\0';
		if (ticks != 0)
			snprintf(id + len, BOOT_ID_SIZE - len, ".%llu", ticks);
		return 0;
	}
	id[0] = '\0';
	return n < 0 ? (int)n : -EBADMSG;
}

int boot_id_read(char id[BOOT_ID_SIZE]) {
	return read_in("", id);
}

int boot_id_read_of(pid_t pid, char id[BOOT_ID_SIZE]) {
	char root[32];
	snprintf(root, sizeof root, "/proc/%d/root", (int)pid);
	return read_in(root, id);
}
