#include "daemon/listeners_match.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/listen.h"
#include "os/listen_match.h"

/* systemd's first, as they come; then ours, by number: its store keeps no order. */
static unsigned long rank(const struct inherited_fd *one) {
	if (!address_is_our_name(one->name))
		return 0;
	return 1 + strtoul(one->name + strlen(ADDRESS_OUR_NAME), NULL, 10);
}

static bool listens(const struct inherited_fd *one) {
	return one->fd >= 0 && listen_kind(one->fd) == LISTEN_LISTENS;
}

static int refuse(const struct inherited_fd *one, enum listen_kind kind, struct error *err) {
	return error_at(err, 0, 0, "the socket that systemd calls `%.100s` (descriptor %d) %s",
			one->name, one->fd,
			kind == LISTEN_DATAGRAM
				? "is not a stream: a .socket unit makes one by ListenStream="
				: "does not listen: its .socket unit must not say Accept=yes");
}

static int screen_one(struct inherited *in, size_t i, struct listener_set *set, struct error *err) {
	const struct inherited_fd *one = &in->list[i];
	enum listen_kind kind = one->fd >= 0 ? listen_kind(one->fd) : LISTEN_NO_SOCKET;
	if (kind == LISTEN_LISTENS || kind == LISTEN_NO_SOCKET)
		return 0;
	if (!address_is_our_name(one->name))
		return refuse(one, kind, err);
	close(inherited_out(in, i));
	if (strings_add(&set->dropped, one->name) != 0 ||
	    strings_printf(&set->notes,
			   "a socket of an earlier pumakeeperd (%.100s) no longer listens: it is "
			   "opened anew",
			   one->name) != 0)
		return error_at(err, 0, 0, "%s", strerror(ENOMEM));
	return 0;
}

static ino_t inode_of(const struct inherited_fd *one) {
	struct stat st;
	return listens(one) && fstat(one->fd, &st) == 0 ? st.st_ino : 0;
}

static void drop_doubles(struct inherited *in) {
	ino_t inodes[INHERITED_MAX];
	for (size_t i = 0; i < in->len; i++) {
		inodes[i] = inode_of(&in->list[i]);
		for (size_t j = 0; j < i && inodes[i] != 0; j++) {
			if (inodes[j] != inodes[i])
				continue;
			size_t worse = rank(&in->list[j]) > rank(&in->list[i]) ? j : i;
			close(inherited_out(in, worse));
			inodes[worse] = 0;
		}
	}
}

int listeners_screen(struct inherited *in, struct listener_set *set, struct error *err) {
	for (size_t i = 0; i < in->len; i++) {
		if (screen_one(in, i, set, err) != 0)
			return -1;
	}
	drop_doubles(in);
	return 0;
}

struct search {
	const struct inherited *in;
	bool free[INHERITED_MAX]; /* listens, and is nobody's yet */
	struct listener_matches *out;
};

/* Of a port that the kernel chose only we can know that it is this one. */
static bool fits(const struct inherited_fd *one, const struct address *a,
		 const struct listen_place *place) {
	switch (a->kind) {
	case ADDRESS_UNIX: return listen_is_at_path(one->fd, a->path);
	case ADDRESS_SYSTEMD: return strcmp(one->name, a->name) == 0;
	case ADDRESS_TCP:
		return (a->port != 0 || address_is_our_name(one->name)) &&
		       listen_is_at(one->fd, place);
	}
	return false;
}

static bool match_best(struct search *s, const struct address *a, size_t address,
		       const struct listen_place *place) {
	const struct inherited_fd *list = s->in->list;
	size_t best = INHERITED_MAX;
	for (size_t i = 0; i < s->in->len; i++) {
		if (s->free[i] && fits(&list[i], a, place) &&
		    (best == INHERITED_MAX || rank(&list[i]) < rank(&list[best])))
			best = i;
	}
	if (best == INHERITED_MAX || s->out->len == ARRAY_LEN(s->out->list))
		return false;
	s->free[best] = false;
	s->out->list[s->out->len++] = (struct listener_match){ .address = address, .given = best };
	return true;
}

static void match_tcp(struct search *s, const struct address *a, size_t address) {
	struct listen_places places;
	listen_places(a->host, a->port, &places);
	for (size_t i = 0; i < places.len; i++) {
		if (match_best(s, a, address, &places.list[i]) && !places.each)
			return;
	}
}

static void match_one(struct search *s, const struct address *a, size_t address) {
	switch (a->kind) {
	case ADDRESS_TCP: match_tcp(s, a, address); break;
	case ADDRESS_UNIX: match_best(s, a, address, NULL); break;
	case ADDRESS_SYSTEMD:
		while (match_best(s, a, address, NULL))
			continue;
		break;
	}
}

enum turn { TURN_ADDRESS, TURN_NAME, TURN_ANY_PORT, TURN_COUNT };

static enum turn turn_of(const struct address *a) {
	if (a->kind == ADDRESS_SYSTEMD)
		return TURN_NAME;
	return a->kind == ADDRESS_TCP && a->port == 0 ? TURN_ANY_PORT : TURN_ADDRESS;
}

void listeners_match(const struct address *addresses, size_t n, const struct inherited *in,
		     struct listener_matches *out) {
	struct search search = { .in = in, .out = out };
	bool any = false;
	out->len = 0;
	for (size_t i = 0; i < in->len; i++)
		any |= search.free[i] = listens(&in->list[i]);
	for (enum turn turn = TURN_ADDRESS; any && turn < TURN_COUNT; turn++) {
		for (size_t i = 0; i < n; i++) {
			if (turn_of(&addresses[i]) == turn)
				match_one(&search, &addresses[i], i);
		}
	}
}

size_t listeners_next(const struct inherited *in, size_t i) {
	while (i < in->len && !listens(&in->list[i]))
		i++;
	return i;
}
