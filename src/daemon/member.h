/*
 * What the daemon holds of one worker: its pidfd, its /proc, its probe, and the slow readings
 * that are out. The herd (core/herd.h) knows it by its id only.
 *
 * It lives until the herd forgot it and the last reading came back.
 */
#pragma once

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/allocator.h"
#include "core/connections.h"
#include "core/herd.h"
#include "core/pulse.h"
#include "daemon/connection_close.h"
#include "daemon/prober.h"
#include "daemon/reader.h"
#include "os/process.h"
#include "util/base.h"

struct member;

/* What comes of it; `event.worker` is set. Texts live as long as the call. */
struct member_owner {
	struct ev_loop *loop;
	struct reader *memory, *sockets; /* two threads: a blocked smaps must not hold a drain */
	const struct listeners *listeners;
	bool leaves;      /* they live on: nothing that they have is removed */
	bool ends_groups; /* whoever never served, or was killed, takes with it what it has started */
	void (*report)(void *context, const struct herd_event *event);
	void *context;
	struct member *forgotten; /* whose readings are still out; member::next */
};

/* One kind of slow reading. */
struct errand {
	struct job job;
	struct member *member;
	int error;
};

/* What was reported of one that isn't our child. */
enum member_motion {
	MOTION_UNKNOWN, /* its state may have been left by another daemon */
	MOTION_RUNS,
	MOTION_STOPPED,
};

struct member {
	struct member_owner *owner;
	struct member *next; /* member_owner::forgotten */
	unsigned id;
	pid_t pid;
	int pidfd;
	bool is_child; /* at its creation; else it was adopted, or its parent still lives */
	ev_io exited;
	ev_timer reaped; /* one that isn't: how did it end? Known once its parent has reaped it */
	unsigned looks;  /* for that */
	enum member_motion motion;
	struct process process;
	char probe_path[108]; /* "": none */
	struct prober prober; /* proves that it is ready, or alive */
	bool served, killed;
	bool known_image;
	uint64_t image;      /* process_image() at its launch; another one: it exec'd */
	uint64_t last_rss;   /* of the last cheap reading */
	unsigned since_look; /* cheap readings since its image was looked at */
	ev_timer threads;    /* without a probe: looks for the server's threads */

	struct errand memory, count, close, proof;
	struct memory read;
	uint64_t read_usec;
	struct connections before, now; /* the last two looks; touched by the errands only */
	struct connection_count counted;
	uint64_t traffic;
	enum close_which which;
	bool close_waits; /* for the count that is out: both use the two looks */
	struct half_closed closed;
	struct allocator allocator;

	bool alive_asked; /* the probe under way is for its liveness, */
	bool count_alive; /* and so is the count */
	struct pulse pulse;
	uint64_t last_traffic;
	bool forgotten;
};

/* `pidfd` becomes the member's. NULL when out of memory: then it is still the caller's. */
NODISCARD struct member *member_create(struct member_owner *owner, unsigned id, pid_t pid,
				       int pidfd, const char *probe_path);

/*
 * The herd has no use for it any more. True: it is freed; false: readings are still out, and it
 * frees itself when they come back.
 */
bool member_forget(struct member *m);

/*
 * Once both readers are destroyed nothing comes back any more: frees who was forgotten while a
 * reading was out. One that is stuck in the kernel stays where it is.
 */
void member_forget_rest(struct member_owner *owner);

void member_signal(struct member *m, int signal);

/* Starts asking it to prove itself: by HTTP, or where there is no probe by its threads. */
void member_prove(struct member *m, const struct probe_rules *rules, msec_t timeout);

/* Another daemon has seen it serve. */
void member_served(struct member *m);

/* It said READY=1: a proof only where it isn't asked. */
void member_notified(struct member *m);

/* Is it alive: does it answer, or at least work? What shows it is reported; silence isn't. */
void member_ask_alive(struct member *m, const struct probe_rules *rules);

/* SIGCHLD came: was it stopped or continued? */
void member_look_stopped(struct member *m);

/* The cheap reading. False: it is gone. Notices an exec, and a stop of one that isn't our child. */
bool member_read_cheap(struct member *m, bool swap, struct reading *reading);

/* Slow ones: the answer is an event. One of each kind at a time, the others are dropped. */
void member_read_memory(struct member *m);
void member_count(struct member *m);
void member_half_close(struct member *m, enum close_which which);
void member_prove_allocator(struct member *m);
