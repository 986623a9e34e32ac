#include "core/connections.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* linux/tcp.h and netinet/tcp.h cannot be included together, and these are of the latter. */
enum { STATE_ESTABLISHED = 1, STATE_CLOSE_WAIT = 8 };

/* Bytes that were not yet looked at. */
struct rest {
	const unsigned char *at;
	size_t len;
};

static size_t aligned(size_t len) {
	return (len + NLMSG_ALIGNTO - 1) & ~(size_t)(NLMSG_ALIGNTO - 1);
}

static void skip(struct rest *r, size_t n) {
	if (n > r->len)
		n = r->len;
	r->at += n;
	r->len -= n;
}

int connections_add(struct connections *c, const struct connection *one) {
	if (c->len == c->size) {
		size_t size = c->size == 0 ? 64 : c->size * 2;
		struct connection *list = reallocarray(c->list, size, sizeof *list);
		if (list == NULL)
			return -ENOMEM;
		c->list = list;
		c->size = size;
	}
	c->list[c->len++] = *one;
	return 0;
}

bool listeners_have_port(const struct listeners *l, uint16_t port) {
	for (size_t i = 0; i < l->len; i++)
		if (l->list[i].kind == LISTENER_TCP && l->list[i].port == port)
			return true;
	return false;
}

bool listeners_have_path(const struct listeners *l, const char *name, size_t len) {
	for (size_t i = 0; i < l->len; i++) {
		const char *path = l->list[i].path;
		size_t n = strnlen(path, sizeof l->list[i].path);
		if (l->list[i].kind != LISTENER_UNIX || n == 0 || n != len)
			continue;
		/* An abstract name starts with a NUL, which people write as `@`. */
		bool abstract = path[0] == '@' && (name[0] == '\0' || name[0] == '@');
		if ((abstract || path[0] == name[0]) && memcmp(path + 1, name + 1, n - 1) == 0)
			return true;
	}
	return false;
}

/* The next attribute of a message: its type, with its payload in `value`; -1: no further one. */
static int next_attribute(struct rest *r, struct rest *value) {
	struct rtattr a;
	if (r->len < sizeof a)
		return -1;
	memcpy(&a, r->at, sizeof a);
	if (a.rta_len < sizeof a || a.rta_len > r->len)
		return -1;
	*value = (struct rest){ r->at + sizeof a, a.rta_len - sizeof a };
	skip(r, aligned(a.rta_len));
	return a.rta_type;
}

/* tcp_info grows with the kernel, at its end; the totals came with 4.2. */
static void read_tcp_info(const struct rest *value, struct connection *one) {
	struct tcp_info info = { 0 };
	size_t needed = offsetof(struct tcp_info, tcpi_bytes_received) + sizeof(uint64_t);
	if (value->len < needed)
		return;
	memcpy(&info, value->at, value->len < sizeof info ? value->len : sizeof info);
	one->counted = true;
	one->recv_age_ms = info.tcpi_last_data_recv;
	one->sent_age_ms = info.tcpi_last_data_sent;
	one->received = info.tcpi_bytes_received;
	one->written = info.tcpi_bytes_acked + one->wqueue;
}

static int read_inet(struct connections *c, struct rest r, const struct listeners *listeners) {
	struct inet_diag_msg m;
	if (r.len < sizeof m)
		return -EBADMSG;
	memcpy(&m, r.at, sizeof m);
	bool open = m.idiag_state == STATE_ESTABLISHED || m.idiag_state == STATE_CLOSE_WAIT;
	if (!open || m.idiag_inode == 0 || !listeners_have_port(listeners, ntohs(m.id.idiag_sport)))
		return 0;
	struct connection one = {
		.inode = m.idiag_inode, .fd = -1, .rqueue = m.idiag_rqueue, .wqueue = m.idiag_wqueue
	};
	skip(&r, aligned(sizeof m));
	struct rest value;
	for (int type; (type = next_attribute(&r, &value)) >= 0;)
		if (type == INET_DIAG_INFO)
			read_tcp_info(&value, &one);
	return connections_add(c, &one);
}

/* A path is counted with its terminator, an abstract name without one. */
static bool names_a_listener(const struct rest *value, const struct listeners *listeners) {
	const char *name = (const char *)value->at;
	if (value->len == 0)
		return false;
	size_t len = name[0] == '\0' ? value->len : strnlen(name, value->len);
	return listeners_have_path(listeners, name, len);
}

static int read_unix(struct connections *c, struct rest r, const struct listeners *listeners) {
	struct unix_diag_msg m;
	if (r.len < sizeof m)
		return -EBADMSG;
	memcpy(&m, r.at, sizeof m);
	if (m.udiag_state != STATE_ESTABLISHED || m.udiag_ino == 0)
		return 0;
	struct connection one = { .inode = m.udiag_ino, .fd = -1, .unix_socket = true };
	bool ours = false; /* an accepted socket carries its listener's name, its peer has none */
	skip(&r, aligned(sizeof m));
	struct rest value;
	for (int type; (type = next_attribute(&r, &value)) >= 0;) {
		struct unix_diag_rqlen queues;
		if (type == UNIX_DIAG_NAME)
			ours = names_a_listener(&value, listeners);
		if (type != UNIX_DIAG_RQLEN || value.len < sizeof queues)
			continue;
		memcpy(&queues, value.at, sizeof queues);
		one.rqueue = queues.udiag_rqueue;
		one.wqueue = queues.udiag_wqueue;
	}
	return ours ? connections_add(c, &one) : 0;
}

static int read_error(const struct rest *r) {
	int error;
	if (r->len < sizeof error)
		return -EBADMSG;
	memcpy(&error, r->at, sizeof error);
	/* 0 is an acknowledgement; nothing but a small negative number is an errno. */
	return error <= 0 && error > -4096 ? error : -EBADMSG;
}

static int read_message(struct connections *c, uint16_t type, struct rest r,
			const struct listeners *listeners) {
	if (type == NLMSG_ERROR)
		return read_error(&r);
	if (type != SOCK_DIAG_BY_FAMILY)
		return 0;
	/* Both kinds start with their family. */
	if (r.len > 0 && r.at[0] == AF_UNIX)
		return read_unix(c, r, listeners);
	if (r.len > 0 && (r.at[0] == AF_INET || r.at[0] == AF_INET6))
		return read_inet(c, r, listeners);
	return 0;
}

int connections_read_diag(struct connections *c, const void *bytes, size_t len,
			  const struct listeners *listeners) {
	struct rest r = { bytes, len };
	while (r.len > 0) {
		struct nlmsghdr h;
		if (r.len < sizeof h)
			return -EBADMSG;
		memcpy(&h, r.at, sizeof h);
		if (h.nlmsg_len < sizeof h || h.nlmsg_len > r.len)
			return -EBADMSG;
		struct rest payload = { r.at + sizeof h, h.nlmsg_len - sizeof h };
		int error = read_message(c, h.nlmsg_type, payload, listeners);
		if (error != 0)
			return error;
		skip(&r, aligned(h.nlmsg_len));
	}
	return 0;
}

static int by_inode(const void *a, const void *b) {
	uint64_t x = ((const struct connection *)a)->inode,
		 y = ((const struct connection *)b)->inode;
	return (x > y) - (x < y);
}

const struct connection *connections_find(const struct connections *c, uint64_t inode) {
	const struct connection key = { .inode = inode };
	return c->len == 0 ? NULL : bsearch(&key, c->list, c->len, sizeof key, by_inode);
}

void connections_own(struct connections *c, const uint64_t inodes[], const int fds[], size_t n) {
	if (c->len == 0)
		return;
	qsort(c->list, c->len, sizeof *c->list, by_inode);
	for (size_t i = 0; i < n; i++) {
		const struct connection *found = connections_find(c, inodes[i]);
		if (found != NULL)
			c->list[found - c->list].fd = fds[i];
	}
	size_t kept = 0;
	for (size_t i = 0; i < c->len; i++) {
		/* A dump of a changing table may tell the same socket twice. */
		bool again = kept > 0 && c->list[kept - 1].inode == c->list[i].inode;
		if (c->list[i].fd >= 0 && !again)
			c->list[kept++] = c->list[i];
	}
	c->len = kept;
}

void connections_clear(struct connections *c) {
	c->len = 0;
}

void connections_finish(struct connections *c) {
	free(c->list);
	*c = (struct connections){ 0 };
}
