#include "daemon/listeners_rest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/address.h"
#include "daemon/listeners_match.h"
#include "os/listen.h"
#include "os/listen_match.h"
#include "util/fd.h"

static void url_of(int fd, char url[128]) {
	if (listen_url(fd, url, 128) != 0)
		snprintf(url, 128, "a socket that is neither tcp nor unix");
}

/* Whoever asked for the address otherwise written will see it here. */
int listeners_name_rest(const struct inherited *in, struct error *err) {
	size_t i = listeners_next(in, 0);
	if (i == in->len)
		return -1;
	const struct error why = *err;
	char url[128];
	url_of(in->list[i].fd, url);
	return error_at(err, 0, 0, "%.250s (a socket was passed that app.listen doesn't name: %s)",
			why.text, url);
}

/* Is that path served by another one? Then the file is its. */
static bool has_path(const struct listener_set *set, const char *path) {
	for (size_t i = 0; i < set->len; i++) {
		if (listen_is_at_path(set->fds[i], path))
			return true;
	}
	return false;
}

static bool has_url(const struct listener_set *set, const char *url) {
	for (size_t i = 0; i < set->len; i++) {
		if (strcmp(set->urls[i], url) == 0)
			return true;
	}
	return false;
}

static int drop(struct listener_set *set, int fd, const char *name) {
	char url[128];
	url_of(fd, url);
	bool ours = address_is_our_name(name);
	if (ours && strncmp(url, "unix://", 7) == 0 && !has_path(set, url + 7))
		listen_unlink(fd);
	if (ours && strings_add(&set->dropped, name) != 0)
		return -ENOMEM;
	if (has_url(set, url))
		return strings_printf(&set->notes, "of two sockets at %s `%.100s` is not used", url,
				      name);
	if (ours)
		return strings_printf(&set->notes,
				      "an earlier pumakeeperd listened on %s, which app.listen no "
				      "longer names: it is closed",
				      url);
	return strings_printf(&set->notes,
			      "systemd passed %s (`%.100s`), which app.listen doesn't name: it is "
			      "not served, and who connects to it waits in vain",
			      url, name);
}

int listeners_drop_rest(struct listener_set *set, struct inherited *in, struct error *err) {
	for (size_t i = listeners_next(in, 0); i < in->len; i = listeners_next(in, i)) {
		AUTOCLOSE int fd = inherited_out(in, i);
		if (drop(set, fd, in->list[i].name) != 0)
			return error_at(err, 0, 0, "%s", strerror(ENOMEM));
	}
	return 0;
}
