#include "os/sock_diag.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "util/fd.h"

/* The kernel fills at most 32 KiB at once (netlink_dump), so nothing is ever cut. */
#define RECEIVE_BYTES (64u << 10)
#define ATTEMPTS      3

int sock_diag_open(void) {
	AUTOCLOSE int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (fd < 0)
		return errno == EPROTONOSUPPORT ? -ENOENT : -errno;
	/* A dump is made while we ask for it; this is only for what we have not thought of. */
	const struct timeval patience = { .tv_sec = 2 };
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0)
		return -errno;
	return fd_take(&fd);
}

static int make_room(struct sock_dump *dump, size_t bytes) {
	if (dump->size - dump->len >= bytes)
		return 0;
	size_t size = dump->size == 0 ? 2 * bytes : 2 * dump->size;
	if (size > SOCK_DUMP_MAX)
		return -EMSGSIZE;
	unsigned char *grown = realloc(dump->bytes, size);
	if (grown == NULL)
		return -ENOMEM;
	dump->bytes = grown;
	dump->size = size;
	return 0;
}

/* One datagram behind the dump: how many bytes, or -errno. */
static int receive(int diag, struct sock_dump *dump) {
	for (;;) {
		int error = make_room(dump, RECEIVE_BYTES);
		if (error != 0)
			return error;
		struct sockaddr_nl from = { 0 };
		struct iovec into = { dump->bytes + dump->len, RECEIVE_BYTES };
		struct msghdr m = { .msg_name = &from,
				    .msg_namelen = sizeof from,
				    .msg_iov = &into,
				    .msg_iovlen = 1 };
		ssize_t n = recvmsg(diag, &m, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		if (from.nl_pid != 0)
			continue; /* any process may write to us, only the kernel is believed */
		if ((m.msg_flags & MSG_TRUNC) != 0 || n == 0)
			return -EMSGSIZE;
		return (int)n;
	}
}

/* What one datagram says about the dump as a whole. */
struct told {
	bool done, torn;
	int error;
};

static void listen_to(const unsigned char *bytes, size_t len, uint32_t seq, struct told *told) {
	struct nlmsghdr h;
	for (size_t at = 0; !told->done && at + sizeof h <= len; at += NLMSG_ALIGN(h.nlmsg_len)) {
		memcpy(&h, bytes + at, sizeof h);
		if (h.nlmsg_len < sizeof h || h.nlmsg_len > len - at)
			break;
		if (h.nlmsg_seq != seq)
			continue; /* the rest of a dump that we gave up */
		told->torn |= (h.nlmsg_flags & NLM_F_DUMP_INTR) != 0;
		told->done = h.nlmsg_type == NLMSG_DONE || h.nlmsg_type == NLMSG_ERROR;
		/* Both carry an errno; a dump that failed half-way says so in its DONE. */
		if (told->done && h.nlmsg_len >= NLMSG_HDRLEN + sizeof told->error)
			memcpy(&told->error, bytes + at + NLMSG_HDRLEN, sizeof told->error);
	}
}

/* One request and all of its answer. The number of it in `seq` tells answers apart. */
static int ask_once(int diag, struct nlmsghdr *request, struct sock_dump *dump, struct told *told) {
	static _Atomic uint32_t seq;
	request->nlmsg_seq = ++seq;
	ssize_t sent;
	do
		sent = send(diag, request, request->nlmsg_len, 0);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return -errno;
	bool dumping = (request->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	do {
		int n = receive(diag, dump);
		if (n < 0)
			return n;
		listen_to(dump->bytes + dump->len, (size_t)n, request->nlmsg_seq, told);
		dump->len += (size_t)n;
	} while (dumping && !told->done);
	return told->error < 0 ? told->error : 0;
}

static int ask(int diag, struct nlmsghdr *request, struct sock_dump *dump) {
	size_t before = dump->len;
	int error = 0;
	for (int i = 0; i < ATTEMPTS; i++) {
		struct told told = { 0 };
		error = ask_once(diag, request, dump, &told);
		if (error == 0 && (!told.torn || i == ATTEMPTS - 1))
			return 0;
		dump->len = before;
		if (error != 0 && error != -ENOBUFS)
			return error;
	}
	return error;
}

int sock_diag_tcp(int diag, int family, uint16_t port, struct sock_dump *dump) {
	struct {
		struct nlmsghdr head;
		struct inet_diag_req_v2 body;
	} request = {
		.head = { .nlmsg_len = sizeof request,
			  .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.body = { .sdiag_family = (uint8_t)family,
			  .sdiag_protocol = IPPROTO_TCP,
			  .idiag_ext = 1 << (INET_DIAG_INFO - 1),
			  .idiag_states = 1 << TCP_ESTABLISHED | 1 << TCP_CLOSE_WAIT,
			  .id.idiag_sport = htons(port) }, /* the kernel filters by it */
	};
	return ask(diag, &request.head, dump);
}

struct unix_request {
	struct nlmsghdr head;
	struct unix_diag_req body;
};

int sock_diag_unix(int diag, struct sock_dump *dump) {
	struct unix_request request = {
		.head = { .nlmsg_len = sizeof request,
			  .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.body = { .sdiag_family = AF_UNIX,
			  .udiag_states = 1 << TCP_ESTABLISHED,
			  .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_RQLEN },
	};
	return ask(diag, &request.head, dump);
}

static int queues_in(const struct sock_dump *dump, struct unix_diag_rqlen *queues) {
	const size_t body = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct unix_diag_msg));
	struct {
		struct rtattr head;
		struct unix_diag_rqlen queues;
	} attribute;
	if (dump->len < body + sizeof attribute)
		return -EBADMSG;
	memcpy(&attribute, dump->bytes + body, sizeof attribute);
	if (attribute.head.rta_type != UNIX_DIAG_RQLEN)
		return -EBADMSG;
	*queues = attribute.queues;
	return 0;
}

static int ask_queues(int diag, uint64_t inode, struct unix_diag_rqlen *queues) {
	struct unix_request request = {
		.head = { .nlmsg_len = sizeof request,
			  .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			  .nlmsg_flags = NLM_F_REQUEST },
		.body = { .sdiag_family = AF_UNIX,
			  .udiag_states = ~0u,
			  .udiag_ino = (uint32_t)inode,
			  .udiag_show = UDIAG_SHOW_RQLEN,
			  .udiag_cookie = { ~0u, ~0u } }, /* INET_DIAG_NOCOOKIE: any */
	};
	if (inode == 0 || inode > UINT32_MAX)
		return -ENOENT;
	CLEANUP(sock_dump_finish) struct sock_dump dump = { 0 };
	int error = ask(diag, &request.head, &dump);
	return error != 0 ? error : queues_in(&dump, queues);
}

/* udiag_rqueue of a listener counts connections (net/unix/diag.c, sk_diag_show_rqlen). */
int sock_diag_unix_queue(int diag, uint64_t inode) {
	struct unix_diag_rqlen queues;
	int error = ask_queues(diag, inode, &queues);
	return error != 0 ? error : (int)(queues.udiag_rqueue & INT32_MAX);
}

/* And udiag_wqueue is its backlog. */
int sock_diag_unix_backlog(int diag, uint64_t inode) {
	struct unix_diag_rqlen queues;
	int error = ask_queues(diag, inode, &queues);
	return error != 0 ? error : (int)(queues.udiag_wqueue & INT32_MAX);
}

int sock_dump_read_proc(int proc_dir, const char *name, struct sock_dump *dump) {
	char path[32];
	int len = snprintf(path, sizeof path, "net/%s", name);
	if (len < 0 || (size_t)len >= sizeof path)
		return -ENAMETOOLONG;
	AUTOCLOSE int fd = openat(proc_dir, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	size_t before = dump->len;
	for (;;) {
		ssize_t n = make_room(dump, RECEIVE_BYTES);
		if (n == 0)
			n = read(fd, dump->bytes + dump->len, RECEIVE_BYTES);
		else
			errno = (int)-n;
		if (n == 0)
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			dump->len = before;
			return -errno;
		}
		dump->len += (size_t)n;
	}
}

void sock_dump_clear(struct sock_dump *dump) {
	dump->len = 0;
}

void sock_dump_finish(struct sock_dump *dump) {
	free(dump->bytes);
	*dump = (struct sock_dump){ 0 };
}
