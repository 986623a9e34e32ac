#include "daemon/listeners.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/address.h"
#include "daemon/connection_look.h"
#include "os/listen.h"
#include "util/fd.h"

/* A probe socket needs one place more in the child. */
#define ENOUGH (SPAWN_FDS_MAX - LISTEN_FDS_PER_ADDRESS - 1)

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

static int open_one(const char *url, struct listener_set *set, struct error *err) {
	struct address a;
	if (set->len > ENOUGH)
		return error_at(err, 0, 0, "app.listen: at most %d addresses", ENOUGH);
	if (address_parse(url, &a, err) != 0)
		return -1;
	int n = 1, *fds = &set->fds[set->len];
	if (a.kind == ADDRESS_TCP)
		n = listen_tcp(a.host, a.port, fds, err);
	else
		fds[0] = listen_unix(a.path, (mode_t)a.mode, err);
	if (n < 0 || fds[0] < 0)
		return -1;
	for (int i = 0; i < n; i++) {
		set->len++;
		if (describe(set, set->len - 1, err) != 0)
			return -1;
	}
	return 0;
}

int listeners_open(const struct config *config, struct listener_set *set, struct error *err) {
	unsigned defer = (unsigned)((config->app.defer_accept + 999) / MSEC_SECOND);
	set->len = 0;
	for (size_t i = 0; i < config->app.listen.len; i++) {
		if (open_one(config->app.listen.items[i], set, err) != 0) {
			listeners_close(set);
			return -1;
		}
	}
	for (size_t i = 0; i < set->len; i++) {
		/* Without it a TERM may cost a request (puma.md, fact 5); it still serves. */
		if (set->names[i].kind == LISTENER_TCP && listen_defer(set->fds[i], defer) != 0)
			continue;
	}
	return 0;
}

void listeners_close(struct listener_set *set) {
	for (size_t i = 0; i < set->len; i++) {
		listen_unlink(set->fds[i]);
		fd_close(&set->fds[i]);
	}
	set->len = 0;
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
