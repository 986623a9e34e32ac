#include "daemon/connection_look.h"

#include <errno.h>
#include <sys/socket.h>

#include "os/sock_diag.h"
#include "os/socket_inodes.h"
#include "util/fd.h"

static bool has_unix(const struct listeners *l) {
	for (size_t i = 0; i < l->len; i++)
		if (l->list[i].kind == LISTENER_UNIX)
			return true;
	return false;
}

/* `localhost` is two listeners on one port: one dump covers both. */
static bool first_with_its_port(const struct listeners *l, size_t index) {
	const struct listeners earlier = { l->list, index };
	return l->list[index].kind == LISTENER_TCP &&
	       !listeners_have_port(&earlier, l->list[index].port);
}

static int dump_everything(const struct listeners *l, struct sock_dump *dump) {
	AUTOCLOSE int diag = sock_diag_open();
	int error = diag < 0 ? diag : 0;
	for (size_t i = 0; error == 0 && i < l->len; i++) {
		if (!first_with_its_port(l, i))
			continue;
		error = sock_diag_tcp(diag, AF_INET, l->list[i].port, dump);
		if (error == 0)
			error = sock_diag_tcp(diag, AF_INET6, l->list[i].port, dump);
	}
	if (error == 0 && has_unix(l))
		error = sock_diag_unix(diag, dump);
	return error;
}

static int look_by_diag(const struct listeners *l, struct connections *out) {
	CLEANUP(sock_dump_finish) struct sock_dump dump = { 0 };
	int error = dump_everything(l, &dump);
	return error != 0 ? error : connections_read_diag(out, dump.bytes, dump.len, l);
}

static const struct proc_file {
	const char *name;
	int (*read)(struct connections *, const char *, size_t, const struct listeners *);
} proc_files[] = {
	{ "tcp", connections_read_proc_tcp },
	{ "tcp6", connections_read_proc_tcp }, /* not there without IPv6 */
	{ "unix", connections_read_proc_unix },
};

static int look_by_proc(const struct listeners *l, int proc_dir, struct connections *out) {
	CLEANUP(sock_dump_finish) struct sock_dump dump = { 0 };
	for (size_t i = 0; i < ARRAY_LEN(proc_files); i++) {
		sock_dump_clear(&dump);
		int error = sock_dump_read_proc(proc_dir, proc_files[i].name, &dump);
		if (error == -ENOENT && i > 0)
			continue;
		if (error == 0)
			error = proc_files[i].read(out, (const char *)dump.bytes, dump.len, l);
		if (error != 0)
			return error;
	}
	return 0;
}

/* Kernels and seccomp profiles have several ways to say that there is no sock_diag. */
static bool lacks_diag(int error) {
	return error == -ENOENT || error == -EPROTONOSUPPORT || error == -EAFNOSUPPORT ||
	       error == -EPERM || error == -EACCES || error == -EINVAL || error == -EOPNOTSUPP;
}

int connections_look(const struct listeners *listeners, int proc_dir, struct connections *out) {
	CLEANUP(socket_inodes_finish) struct socket_inodes sockets = { 0 };
	connections_clear(out);
	int error = look_by_diag(listeners, out);
	if (lacks_diag(error)) {
		connections_clear(out);
		error = look_by_proc(listeners, proc_dir, out);
	}
	if (error == 0)
		error = socket_inodes_read(proc_dir, &sockets);
	if (error != 0) {
		connections_clear(out);
		return error;
	}
	connections_own(out, sockets.inodes, sockets.fds, sockets.len);
	return 0;
}

int connections_queued_unix(const struct listeners *listeners) {
	AUTOCLOSE int diag = sock_diag_open();
	int queued = diag < 0 ? diag : 0;
	for (size_t i = 0; queued >= 0 && i < listeners->len; i++) {
		if (listeners->list[i].kind != LISTENER_UNIX)
			continue;
		int n = sock_diag_unix_queue(diag, listeners->list[i].inode);
		queued = n < 0 ? n : queued + n;
	}
	return queued;
}
