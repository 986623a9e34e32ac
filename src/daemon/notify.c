#include "daemon/notify.h"

#include <errno.h>
#include <ev.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/notice.h"
#include "os/notify_socket.h"
#include "util/fd.h"

#define MESSAGE_MAX 4096
#define AT_A_TURN   32 /* messages: a chatty worker must not hold the loop */

struct notify {
	struct ev_loop *loop;
	ev_io io;
	int fd;
	char *path;
	notify_heard *heard;
	void *context;
};

static void on_message(struct ev_loop *loop UNUSED, ev_io *w, int revents UNUSED) {
	struct notify *n = container_of(w, struct notify, io);
	char text[MESSAGE_MAX];
	struct notice notice;
	pid_t pid;
	for (int i = 0; i < AT_A_TURN; i++) {
		ssize_t len = notify_socket_receive(n->fd, text, sizeof text, &pid);
		if (len < 0 && len != -EBADMSG)
			return;
		if (len <= 0 || pid <= 0)
			continue;
		notice_read(text, &notice);
		n->heard(n->context, pid, &notice);
	}
}

struct notify *notify_create(struct ev_loop *loop, const char *path, notify_heard *heard,
			     void *context, struct error *err) {
	struct notify *n = calloc(1, sizeof *n);
	char *copy = strdup(path);
	int fd = n != NULL && copy != NULL ? notify_socket_open(path) : -ENOMEM;
	if (fd < 0) {
		(void)error_at(err, 0, 0, "%s: %s", path, strerror(-fd));
		free(copy);
		free(n);
		return NULL;
	}
	*n = (struct notify){
		.loop = loop, .fd = fd, .path = copy, .heard = heard, .context = context
	};
	ev_io_init(&n->io, on_message, fd, EV_READ);
	/* Who says that it restarts its workers is heard before they are seen to end. */
	ev_set_priority(&n->io, EV_MAXPRI);
	ev_io_start(loop, &n->io);
	return n;
}

int notify_listen_again(struct notify *n) {
	int fd = notify_socket_open(n->path);
	if (fd < 0)
		return fd;
	on_message(n->loop, &n->io, EV_READ); /* what was said to the one before is heard */
	ev_io_stop(n->loop, &n->io);
	fd_close(&n->fd);
	n->fd = fd;
	ev_io_set(&n->io, fd, EV_READ);
	ev_io_start(n->loop, &n->io);
	return 0;
}

void notify_give_up(struct notify *n) {
	ev_io_stop(n->loop, &n->io);
	fd_close(&n->fd);
}

void notify_destroy(struct notify *n) {
	if (n == NULL)
		return;
	ev_io_stop(n->loop, &n->io);
	if (n->fd >= 0)
		unlink(n->path);
	fd_close(&n->fd);
	free(n->path);
	free(n);
}
