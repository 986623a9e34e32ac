#include "os/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/heap.h"

enum { PLACES = 2, FORMAT = 1 };

static const char magic[8] = "pkstate";

/* As it is in the file: it never leaves the machine, so the byte order is its own. */
struct header {
	char magic[8];
	uint64_t format;
	uint64_t sequence; /* of two whole texts the higher one is the newer */
	uint64_t length;
	uint64_t checksum; /* of all that is above, and of the text */
};

/* FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint64_t hash(uint64_t h, const void *bytes, size_t n) {
	for (size_t i = 0; i < n; i++)
		h = (h ^ ((const unsigned char *)bytes)[i]) * 1099511628211u;
	return h;
}

static uint64_t hash_header(const struct header *h) {
	return hash(14695981039346656037u, h, offsetof(struct header, checksum));
}

static off_t header_at(size_t place) {
	return (off_t)(place * STATE_FILE_PLACE);
}

static off_t text_at(size_t place) {
	return header_at(place) + STATE_FILE_TEXT;
}

/* 0; -EBADMSG when the file ends before. */
static int read_all(int fd, void *bytes, size_t len, off_t offset) {
	for (size_t done = 0; done < len;) {
		ssize_t n = pread(fd, (char *)bytes + done, len - done, offset + (off_t)done);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return -EBADMSG;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int write_all(int fd, const void *bytes, size_t len, off_t offset) {
	for (size_t done = 0; done < len;) {
		ssize_t n =
			pwrite(fd, (const char *)bytes + done, len - done, offset + (off_t)done);
		if (n == 0 || (n < 0 && errno != EINTR))
			return n == 0 ? -EIO : -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/* -EBADMSG: there is none, or not ours. Whether its text is whole is yet to be seen. */
static int read_header(int fd, size_t place, struct header *h) {
	int error = read_all(fd, h, sizeof *h, header_at(place));
	if (error != 0)
		return error;
	bool ours = memcmp(h->magic, magic, sizeof magic) == 0 && h->format == FORMAT &&
		    h->length <= STATE_FILE_MAX;
	return ours ? 0 : -EBADMSG;
}

/* -EBADMSG: it isn't the one that the header is of. */
static int read_text(int fd, size_t place, const struct header *h, char **text) {
	AUTOFREE char *bytes = malloc(h->length + 1);
	if (bytes == NULL)
		return -ENOMEM;
	int error = read_all(fd, bytes, h->length, text_at(place));
	if (error != 0)
		return error;
	if (hash(hash_header(h), bytes, h->length) != h->checksum)
		return -EBADMSG;
	bytes[h->length] = '\0';
	*text = bytes;
	bytes = NULL;
	return 0;
}

struct newest {
	size_t place;
	struct header header;
	char *text; /* the caller's to free */
};

/* The newer place first; the other one when that isn't whole. -EBADMSG: neither is. */
static int read_newest(int fd, struct newest *found) {
	struct header headers[PLACES] = { 0 };
	int errors[PLACES];
	for (size_t i = 0; i < PLACES; i++)
		errors[i] = read_header(fd, i, &headers[i]);
	bool second = errors[1] == 0 &&
		      (errors[0] != 0 || headers[1].sequence > headers[0].sequence);
	for (size_t i = 0; i < PLACES; i++) {
		size_t place = second ? 1 - i : i;
		int error = errors[place];
		if (error == 0)
			error = read_text(fd, place, &headers[place], &found->text);
		found->place = place;
		found->header = headers[place];
		if (error != -EBADMSG)
			return error;
	}
	return -EBADMSG;
}

static int check_ours(int fd) {
	struct stat st;
	if (fstat(fd, &st) != 0)
		return -errno;
	return !S_ISREG(st.st_mode) || st.st_uid != geteuid() ? -EPERM : 0;
}

int state_file_open(int dir_fd, const char *name) {
	int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;
	AUTOCLOSE int fd = openat(dir_fd, name, flags, 0600);
	if (fd < 0)
		return -errno;
	int error = check_ours(fd);
	return error != 0 ? error : fd_take(&fd);
}

int state_file_memory(const char *name) {
	int fd = memfd_create(name, MFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int state_file_read(int fd, char **text, size_t *len) {
	struct newest found;
	struct stat st;
	if (fstat(fd, &st) != 0)
		return -errno;
	if (st.st_size == 0)
		return -ENODATA;
	int error = read_newest(fd, &found);
	if (error != 0)
		return error;
	*text = found.text;
	*len = found.header.length;
	return 0;
}

/*
 * Which one is the older is asked of the file each time: another process may have written last.
 * The older place stops being whole with the first byte, and is again with the last of its header,
 * whose checksum tells a header that was cut off as well.
 */
int state_file_write(int fd, const char *text, size_t len) {
	struct newest last;
	struct header h = { .format = FORMAT, .sequence = 1, .length = len };
	size_t place = 0;
	if (len > STATE_FILE_MAX)
		return -EFBIG;
	int error = read_newest(fd, &last);
	if (error == 0) {
		place = 1 - last.place;
		h.sequence = last.header.sequence + 1;
		free(last.text);
	} else if (error != -EBADMSG) {
		return error;
	}
	memcpy(h.magic, magic, sizeof magic);
	h.checksum = hash(hash_header(&h), text, len);
	error = write_all(fd, text, len, text_at(place));
	return error != 0 ? error : write_all(fd, &h, sizeof h, header_at(place));
}

int state_file_empty(int fd) {
	return ftruncate(fd, 0) == 0 ? 0 : -errno;
}
