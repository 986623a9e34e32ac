#include "os/boot_id.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "os/text_file.h"

#define UUID_LEN 36

int boot_id_read(char id[BOOT_ID_SIZE]) {
	ssize_t n = text_read_at(AT_FDCWD, "/proc/sys/kernel/random/boot_id", id, BOOT_ID_SIZE);
	size_t len = strspn(id, "0123456789abcdef-");
	if (n >= 0 && len == UUID_LEN && strcmp(id + len, "\n") == 0) {
		id[len] = '\0';
		return 0;
	}
	id[0] = '\0';
	return n < 0 ? (int)n : -EBADMSG;
}
