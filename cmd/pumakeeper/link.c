#include "cmd/pumakeeper/link.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "os/control_socket.h"
#include "util/fd.h"

#define SILENCE  10         /* seconds */
#define LINE_MAX (16 << 20) /* whoever sends more is no daemon of ours */
#define PIECE    65536

int link_open(struct link *link, const char *path, const sigset_t *mask) {
	int fd = control_socket_connect(path);
	*link = (struct link){ .fd = fd, .mask = mask };
	return fd < 0 ? fd : 0;
}

void link_close(struct link *link) {
	fd_close(&link->fd);
	buffer_finish(&link->in);
}

static int wait_for(const struct link *link, short events) {
	struct pollfd p = { .fd = link->fd, .events = events };
	const struct timespec silence = { .tv_sec = SILENCE };
	int n = ppoll(&p, 1, link->patient ? NULL : &silence, link->mask);
	if (n < 0)
		return -errno;
	return n == 0 ? -ETIMEDOUT : 0;
}

int link_ask(struct link *link, const struct request *request) {
	char line[PROTOCOL_LINE_MAX];
	struct text out = TEXT_IN(line);
	protocol_print_request(request, &out);
	text_puts(&out, "\n");
	link->patient = request->wait || request->follow || request->verb == VERB_UPGRADE;
	for (size_t done = 0; done < out.len;) {
		ssize_t n = control_socket_write(link->fd, out.data + done, out.len - done);
		if (n == -EPIPE || n == -ECONNRESET)
			return 0;
		if (n == -EAGAIN)
			n = wait_for(link, POLLOUT);
		if (n < 0)
			return (int)n;
		done += (size_t)n;
	}
	return 0;
}

/* Bytes read, 0 at the end, or -errno. */
static ssize_t read_more(struct link *link) {
	if (!buffer_reserve(&link->in, PIECE, LINE_MAX))
		return -EMSGSIZE;
	for (;;) {
		ssize_t n = control_socket_read(link->fd, link->in.data + link->in.len, PIECE);
		if (n == -ECONNRESET) /* it closed without reading all that we said */
			return 0;
		if (n >= 0)
			link->in.len += (size_t)n;
		if (n != -EAGAIN)
			return n;
		int error = wait_for(link, POLLIN);
		if (error != 0)
			return error;
	}
}

static json_t *parse(struct link *link, size_t len, int *error) {
	json_t *line = json_loadb(link->in.data, len, 0, NULL);
	buffer_take(&link->in, len + 1);
	if (json_is_object(line))
		return line;
	json_decref(line);
	*error = -EBADMSG;
	return NULL;
}

json_t *link_next(struct link *link, int *error) {
	size_t searched = 0;
	*error = 0;
	for (;;) {
		const char *newline = NULL;
		if (link->in.len > searched)
			newline = memchr(link->in.data + searched, '\n', link->in.len - searched);
		if (newline != NULL)
			return parse(link, (size_t)(newline - link->in.data), error);
		searched = link->in.len;
		ssize_t n = read_more(link);
		if (n <= 0) {
			*error = (int)n;
			return NULL;
		}
	}
}
