#include "daemon/listeners.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/address.h"
#include "daemon/connection_look.h"
#include "daemon/listeners_match.h"
#include "daemon/listeners_rest.h"
#include "os/listen.h"
#include "os/sock_diag.h"
#include "util/fd.h"

#define ADDRESSES_MAX 64                  /* core/options.c */
#define ENOUGH        (SPAWN_FDS_MAX - 1) /* a probe socket needs a place more in the child */

static int describe(struct listener_set *set, size_t i, struct error *err) {
	struct listener_name *name = &set->names[i];
	struct stat st;
	if (listen_url(set->fds[i], set->urls[i], sizeof set->urls[i]) != 0 ||
	    fstat(set->fds[i], &st) != 0)
		return error_at(err, 0, 0, "a listening socket has no address");
	*name = (struct listener_name){ .inode = st.st_ino };
	const char *url = set->urls[i];
	if (strncmp(url, "unix://", 7) == 0) {
		name->kind = LISTENER_UNIX;
		snprintf(name->path, sizeof name->path, "%.*s", (int)sizeof name->path - 1,
			 url + 7);
		return 0;
	}
	unsigned port = 0;
	const char *colon = strrchr(url, ':');
	name->kind = LISTENER_TCP;
	if (colon != NULL)
		sscanf(colon + 1, "%u", &port);
	name->port = (uint16_t)port;
	return 0;
}

/* `fd` becomes the set's, or is closed. */
static int add(struct listener_set *set, int fd, enum listener_origin origin, struct error *err) {
	size_t i = set->len;
	if (i >= ENOUGH) {
		close(fd);
		return error_at(err, 0, 0, "app.listen: at most %d sockets", ENOUGH);
	}
	set->fds[i] = fd;
	set->origins[i] = origin;
	set->store_names[i][0] = '\0';
	set->len++;
	return describe(set, i, err);
}

struct opening {
	const struct config *config;
	struct address addresses[ADDRESSES_MAX];
	size_t n;
	struct inherited *in;
	struct listener_matches matches;
	struct listener_set *set;
	struct error *err;
};

static int out_of_memory(struct error *err) {
	return error_at(err, 0, 0, "%s", strerror(ENOMEM));
}

/* Its owner may have changed with the unit's User=; it serves as it is. */
static int change_mode(struct opening *o, const struct address *a, int fd) {
	int error = a->kind == ADDRESS_UNIX ? listen_chmod(fd, (mode_t)a->mode) : 0;
	if (error != 0 && strings_printf(&o->set->notes, "unix://%s keeps its mode: %s", a->path,
					 strerror(-error)) != 0)
		return out_of_memory(o->err);
	return 0;
}

/* As long as ours, never shorter; where the kernel doesn't tell it is left as it is. */
static void lengthen(const struct listener_name *name, int fd) {
	if (name->kind == LISTENER_TCP) {
		listen_lengthen(fd);
		return;
	}
	AUTOCLOSE int diag = sock_diag_open();
	int backlog = diag < 0 ? diag : sock_diag_unix_backlog(diag, name->inode);
	if (backlog >= 0 && backlog < LISTEN_BACKLOG_UNIX &&
	    listen_resize(fd, LISTEN_BACKLOG_UNIX) != 0)
		return; /* it serves as it is */
}

/* Those that were given for one address; how many, or -1. */
static int take_given(struct opening *o, size_t address) {
	int taken = 0;
	for (size_t i = 0; i < o->matches.len; i++) {
		const struct listener_match *m = &o->matches.list[i];
		if (m->address != address)
			continue;
		const char *name = o->in->list[m->given].name;
		int fd = inherited_out(o->in, m->given);
		enum listener_origin origin = address_is_our_name(name) ? LISTENER_KEPT
									: LISTENER_PASSED;
		if (add(o->set, fd, origin, o->err) != 0 ||
		    (origin == LISTENER_KEPT && change_mode(o, &o->addresses[address], fd) != 0))
			return -1;
		strcpy(o->set->store_names[o->set->len - 1], name);
		lengthen(&o->set->names[o->set->len - 1], fd);
		taken++;
	}
	return taken;
}

static int miss_name(const struct address *a, struct error *err) {
	return error_at(
		err, 0, 0,
		"app.listen: systemd:%.100s: no socket of that name was passed; its .socket "
		"unit must be running, and say FileDescriptorName=%.100s (without it, the "
		"name is the unit's own)",
		a->name, a->name);
}

/* What of an address wasn't given; how many, or -1. */
static int open_rest(const struct address *a, const struct listener_set *set, int given, int fds[],
		     struct error *err) {
	if (a->kind == ADDRESS_TCP && given == 0)
		return listen_tcp(a->host, a->port, fds, err);
	if (a->kind == ADDRESS_TCP && given == 1 && strcmp(a->host, "localhost") == 0)
		return listen_other_loopback(set->fds[set->len - 1], fds, err);
	if (given > 0)
		return 0;
	if (a->kind == ADDRESS_SYSTEMD)
		return miss_name(a, err);
	fds[0] = listen_unix(a->path, (mode_t)a->mode, err);
	return fds[0] < 0 ? -1 : 1;
}

static int open_one(struct opening *o, size_t address) {
	int fds[LISTEN_FDS_PER_ADDRESS], error = 0;
	int given = take_given(o, address);
	int n = given < 0 ? -1 : open_rest(&o->addresses[address], o->set, given, fds, o->err);
	for (int i = 0; i < n; i++)
		error |= add(o->set, fds[i], LISTENER_OPENED, o->err);
	return n < 0 ? -1 : error;
}

static int parse(struct opening *o) {
	const struct strings *listen = &o->config->app.listen;
	if (listen->len > ADDRESSES_MAX)
		return error_at(o->err, 0, 0, "app.listen: at most %d addresses", ADDRESSES_MAX);
	for (o->n = 0; o->n < listen->len; o->n++) {
		if (address_parse(listen->items[o->n], &o->addresses[o->n], o->err) != 0)
			return -1;
	}
	return 0;
}

static bool is_taken(const struct listener_set *set, const char *name) {
	for (size_t i = 0; i < set->len; i++) {
		if (strcmp(set->store_names[i], name) == 0)
			return true;
	}
	for (size_t i = 0; i < set->dropped.len; i++) {
		if (strcmp(set->dropped.items[i], name) == 0)
			return true; /* it may still be in the store */
	}
	return false;
}

/* Those that were given keep theirs, so that a store never has two of one name. */
static void name_new_ones(struct listener_set *set) {
	unsigned number = 0;
	for (size_t i = 0; i < set->len; i++) {
		char name[sizeof ADDRESS_OUR_NAME + 12];
		if (set->store_names[i][0] != '\0')
			continue;
		do
			snprintf(name, sizeof name, ADDRESS_OUR_NAME "%u", number++);
		while (is_taken(set, name));
		strcpy(set->store_names[i], name);
	}
}

static void defer(const struct config *config, const struct listener_set *set) {
	unsigned seconds = (unsigned)((config->app.defer_accept + 999) / MSEC_SECOND);
	for (size_t i = 0; i < set->len; i++) {
		/* Without it a TERM may cost a request (puma.md, fact 5); it still serves. */
		if (set->names[i].kind == LISTENER_TCP && listen_defer(set->fds[i], seconds) != 0)
			continue;
	}
}

static int open_all(struct opening *o) {
	if (parse(o) != 0 || listeners_screen(o->in, o->set, o->err) != 0)
		return -1;
	listeners_match(o->addresses, o->n, o->in, &o->matches);
	for (size_t i = 0; i < o->n; i++) {
		if (open_one(o, i) != 0)
			return listeners_name_rest(o->in, o->err);
	}
	return listeners_drop_rest(o->set, o->in, o->err);
}

int listeners_open(const struct config *config, struct inherited *in, struct listener_set *set,
		   struct error *err) {
	struct opening o = { .config = config, .in = in, .set = set, .err = err };
	*set = (struct listener_set){ 0 };
	if (open_all(&o) != 0) {
		listeners_close(set, LISTENERS_FAILED);
		return -1;
	}
	name_new_ones(set);
	defer(config, set);
	return 0;
}

const char *listeners_store_name(const struct listener_set *set, size_t i) {
	return set->store_names[i];
}

void listeners_close(struct listener_set *set, enum listeners_end end) {
	for (size_t i = 0; i < set->len; i++) {
		bool ours = set->origins[i] == LISTENER_OPENED ||
			    (set->origins[i] == LISTENER_KEPT && end == LISTENERS_ENDED);
		if (ours && end != LISTENERS_LEFT)
			listen_unlink(set->fds[i]);
		fd_close(&set->fds[i]);
	}
	set->len = 0;
	strings_finish(&set->notes);
	strings_finish(&set->dropped);
}

int listeners_queued(const struct listener_set *set) {
	int sum = 0;
	bool has_unix = false;
	for (size_t i = 0; i < set->len; i++) {
		if (set->names[i].kind == LISTENER_UNIX) {
			has_unix = true;
			continue;
		}
		int queued = listen_queue(set->fds[i]);
		if (queued < 0)
			return -1;
		sum += queued;
	}
	if (!has_unix)
		return sum;
	const struct listeners names = { .list = set->names, .len = set->len };
	int queued = connections_queued_unix(&names);
	return queued < 0 ? -1 : sum + queued;
}
