/*
 * What a daemon leaves to the next one: its herd, so that nobody has to be asked or measured again
 * to go on where it was, half-done replacements included.
 *
 * Pure: a text in JSON, with a version. Times are CLOCK_MONOTONIC, which goes on from daemon to
 * daemon until the machine boots anew (`boot_id`); a process is its pid and when it started.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/herd.h"
#include "core/releases.h"
#include "util/base.h"
#include "util/buffer.h"
#include "util/strings.h"
#include "util/text.h"

#define STATE_VERSION       1
#define STATE_LISTENERS_MAX 64
#define STATE_BYTES_MAX     (16 << 20)

/* A listening socket that workers hold. */
struct state_listener {
	char url[128]; /* as Puma would write it: tcp://127.0.0.1:3000, unix:///run/shop.sock */
	uint64_t inode;
	char name[256]; /* under which it is handed on: listeners_store_name() */
};

struct state {
	char boot_id[64]; /* boot_id_read() in os/boot_id.h: UUID, or UUID.NUMBER */
	char program[32]; /* the version of who wrote it */
	int pid;          /* and its process */
	bool cluster;     /* its parents are the masters of one */
	bool detached;    /* it has left on purpose, to be followed (systemctl restart) */
	bool stopping;    /* it was about to end them all */
	char launch[72];  /* a digest of what workers are launched with (daemon/launch_digest.h) */
	msec_t drain_timeout; /* restart.drain_timeout: for whoever has to end them without a daemon */
	int64_t restart_txt;      /* supervisor::restart_txt */
	unsigned mold_generation; /* of the last mold, or master of a cluster */
	struct releases releases;
	struct state_listener listeners[STATE_LISTENERS_MAX];
	size_t n_listeners;
	struct herd *herd; /* borrowed; when read: initialised by herd_init(), and filled */
};

/*
 * Appended to `out`, which may come to STATE_BYTES_MAX. 0, or -ENOMEM with `out` as it was. 64
 * workers with full histories are 110 KB, in less than half a ms.
 */
NODISCARD int state_print(const struct state *s, struct buffer *out);

/* Two boot ids, one of which may lack the number. */
bool state_is_same_boot(const char *one, const char *other);

enum state_verdict {
	STATE_WHOLE,
	STATE_PARTIAL,    /* a newer version, or something in it is unknown or can't be */
	STATE_OTHER_BOOT, /* nobody of it can live any more: nothing was read */
	STATE_BROKEN,     /* no JSON, or no state: nothing was read */
};

/*
 * `s->herd` is one after herd_init(); it and all else of `s` are filled, or nothing is. What of it
 * can't be is left out, what is missing is as in a herd that is new, and `said` tells a person of
 * it ("" when it is whole). Where a worker has a process and no place (a slot that isn't there, an
 * id or a slot that another one has) it is about to leave: left out, it would serve for ever and
 * nobody would know. Whether a pid is still that process is not known here. `boot_id` NULL: one of
 * any boot is read.
 *
 * Texts that the herd points to are added to `texts`, which must outlive it. What is not kept is
 * told with each row in core/state_rows*.c.
 */
NODISCARD enum state_verdict state_read(const char *json, size_t len, const char *boot_id,
					struct state *s, struct strings *texts, struct text *said);
