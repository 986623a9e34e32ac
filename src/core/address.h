/*
 * Where workers listen, as written in `app.listen`: tcp://HOST:PORT, unix:///PATH or
 * systemd:NAME. Pure: parses text. Nothing is resolved.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "util/base.h"
#include "util/error.h"

struct address {
	enum address_kind { ADDRESS_TCP, ADDRESS_UNIX, ADDRESS_SYSTEMD } kind;
	char host[256]; /* tcp: a number without brackets, or a name */
	uint16_t port;  /* tcp; 0: the kernel chooses */
	char path[108]; /* unix: absolute, or abstract, then it starts with `@` */
	unsigned mode;  /* unix: permission bits of the file; 0777 unless said, as in Puma */
	char name[256]; /* systemd: what its .socket calls it, FileDescriptorName= */
};

/*
 * tcp://127.0.0.1:9292, tcp://[::1]:9292, tcp://localhost:3000, unix:///run/x.sock,
 * unix:///run/x.sock?mode=0660, unix://@abstract, systemd:web. 0, or -1 with `err` (it says what
 * to write) and `a` untouched.
 */
NODISCARD int address_parse(const char *url, struct address *a, struct error *err);

/* Would the second be refused by the kernel? Port 0 is another one each time; names are names. */
bool address_is_same(const struct address *a, const struct address *b);

/* What our own sockets are called in systemd's store, behind it a number: nobody else's may be. */
#define ADDRESS_OUR_NAME "listener-"
bool address_is_our_name(const char *name);
