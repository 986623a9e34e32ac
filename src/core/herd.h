/*
 * The herd: all workers of one app, and everything that is decided about them.
 *
 * Pure. One function, herd_step(), takes what happened and the time, and gives orders: things
 * to do, as data. The daemon performs them and feeds what comes of it back as events. Nothing
 * here waits: every patience is a number, and herd_deadline() is the next one.
 *
 *     slot    EMPTY ─ launch ─▶ resident boots ─ proved ─▶ resident serves
 *             ▲ back-off              │ failed                  │ died
 *             └───────────────────────┴─────────────────────────┘
 *
 *     replacement (of a slot's resident, which goes when its hook has ended, or is late)
 *             BRINGING_UP ─ successor proved ─▶ LETTING_GO ─ old one gone ─▶ done
 *                 └─ successor failed ─▶ failed: the old one stays
 *             STOPPING_FIRST (no room) ─ old one gone ─▶ REFILLING ─ proved ─▶ done
 *
 * The parts: herd.c (events in), herd_slots.c (launching, dying, back-off), herd_wish.c (who
 * shall go, and why), herd_situation.c and herd_choose.c (who may), herd_replace.c (how far it
 * is), herd_hooks.c (a person's commands), herd_restart.c (a person's wishes), herd_every.c (the
 * clock's), herd_parent.c (molds), herd_refork.c (who becomes one), herd_stem.c (who others are forked
 * from), herd_drain.c (how far a drain is), herd_memory.c (readings and verdicts), herd_total.c
 * (memory.total), herd_leave.c (stopping), herd_adopt.c (another daemon's herd), herd_parts.h (what
 * they share).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/allocator.h"
#include "core/backoff.h"
#include "core/config.h"
#include "core/event.h"
#include "core/futility.h"
#include "core/limits.h"
#include "core/mold.h"
#include "core/notice.h"
#include "core/policy.h"
#include "core/proc.h"
#include "core/rollup_budget.h"
#include "core/room.h"
#include "core/watch.h"
#include "core/worker.h"

#define HERD_SLOTS_MAX   CONFIG_WORKERS_MAX
#define HERD_WORKERS_MAX 288 /* every slot's resident, successor and a leaver, and some air */
#define HERD_PARENTS_MAX 6   /* of the release in force, of one that comes, leavers, adopted */
#define HERD_ATTEMPTS    3   /* failed boots of a first start before the daemon gives up */

/* What a worker is to its slot. */
enum worker_role { ROLE_RESIDENT, ROLE_SUCCESSOR, ROLE_LEAVER };

struct worker {
	unsigned id; /* 1, 2, …: never used again, so a late answer can't meet a stranger */
	unsigned slot;
	enum worker_role role;
	struct worker_life life;

	int pid;              /* 0: not launched yet */
	uint64_t start_ticks; /* with the pid and the boot its identity; 0: not known */
	unsigned release;
	msec_t launched, ready_at; /* 0: not yet */
	bool answered;             /* the probe was answered; the allocator's proof may be due */
	int refused_told; /* the status of the refused probe that was told; 0: none, -1: late */
	bool stopped;     /* in state T */
	msec_t stopped_at;
	msec_t alive_at; /* liveness: the last sign of life */
	bool hung_told;
	const char *failing; /* why it is abandoned, for its epitaph */
	char refusal[160];   /* what its last refused probe said */
	char told[200];      /* what it has told of its own failing (ruby/mold.rb); "": nothing */
	unsigned generation; /* of the mold that it was forked from; 0: of none */
	msec_t warm_at;      /* it has answered app.refork.requests; 0: not yet */
	bool promoted;       /* it goes to become the next mold */
	bool adopted;        /* another daemon's: it has no line to this one */
	bool stem;           /* the others of its cluster are forked from it (fork_worker) */

	struct watch watch;
	unsigned crossed;      /* bits of enum cause: limits there was a verdict by, in its life */
	uint64_t reading_usec; /* what its last dear reading took */
	struct allocator allocator;
	bool proof_asked, proof_known;

	int open, busy;    /* connections; -1: not counted */
	int silent;        /* of those open: nobody can tell whether they are busy */
	msec_t counted_at; /* 0: never */
	bool counting;     /* a count is under way */
	unsigned half_closed;
	bool killed;
	msec_t term_at; /* TERM was sent; 0: not yet */
	int ended_by;   /* the signal that ended it; 0: none, or not known */
	bool rehearsed; /* restart.rehearse has told of it */
	bool waits_told;
};

/* A process that workers are forked from and that serves nobody: a mold, or a cluster's master. */
struct parent {
	unsigned generation; /* 0: this cell is free */
	unsigned release;
	int pid;              /* 0: it has ended */
	uint64_t start_ticks; /* as a worker's */
	enum mold_state state;
	msec_t since;
	msec_t retry_at; /* MOLD_BROKEN: when another one is made; else 0 */
	uint64_t rss_bytes, pss_bytes, uss_bytes; /* 0: not known */
	msec_t read_at;                           /* or tried to; 0: never */
	msec_t asked_at;                          /* a reading is out; 0: none */
	bool moved;            /* workers have come or gone since that was asked for */
	char reason[200];      /* why there is none at the moment; "": there is */
	msec_t restarts_since; /* a cluster's: a person restarts its workers; 0: nobody does */
	char says[NOTICE_STATUS_MAX]; /* of itself; "": nothing */
};

struct replacement {
	enum replacement_phase {
		REPLACEMENT_NONE,
		REPLACEMENT_BRINGING_UP,
		REPLACEMENT_LETTING_GO,
		REPLACEMENT_STOPPING_FIRST,
		REPLACEMENT_REFILLING,
	} phase;
	enum cause cause;
	const char *why;         /* cause_name(), or hung, stopped, refork */
	bool promotes;           /* the old one becomes the next mold */
	unsigned old_id, new_id; /* workers; 0: none (yet) */
	int old_pid;
	msec_t since;
	uint64_t before_bytes; /* USS of the old one */
};

/* A command of a person's that runs (core/hook.h). */
struct hook {
	unsigned id; /* 1, 2, … over all of them; 0: none runs */
	int pid;     /* of the worker that it is about; 0: it is about the herd */
	msec_t since, until;
};

struct slot {
	unsigned failures; /* boots that failed in a row, and deaths soon after one */
	msec_t retry_at;   /* not before; 0: at once */
	unsigned surge_failures;
	msec_t surge_retry_at;
	unsigned restarts;
	char last_reason[96]; /* of the last replacement, death or failure; "": none */
	bool asked, forced;   /* a person wants it replaced */
	struct replacement replacement;
	struct hook hook; /* hooks.before_restart; it may outlast its replacement */
};

/* What a person asked for, until it is over. */
struct restart {
	bool active;
	unsigned id; /* 1, 2, … */
	bool force;
	unsigned total, done, failed;
	msec_t since;
	unsigned last_id;        /* of a worker that was there before */
	unsigned release_before; /* what to go back to when the first of a deploy fails */
	char by[48];
	bool again, again_force; /* asked for once more meanwhile, by tmp/restart.txt */
	unsigned again_release;  /* 0: the code stays the same */
	char again_by[48];
};

/* restart.every; who has asked for a restart is called so then. */
#define RESTART_EVERY "restart.every"

struct every {
	msec_t interval; /* for which `due` was drawn; 0: off */
	msec_t due;      /* the next round; 0: none */
	uint64_t dice;   /* set by the daemon, of the kernel's randomness */
};

/* The last one that was done, for people. */
struct last_replacement {
	msec_t at; /* 0: none yet */
	unsigned slot;
	enum cause cause;
	char why[16]; /* as in struct replacement */
};

enum herd_state { HERD_STARTING, HERD_SERVING, HERD_WAITING_TO_STOP, HERD_LEAVING, HERD_LEFT };

struct herd_counters {
	uint64_t boots, boots_failed, died, replacements, replacements_failed;
	uint64_t drained_clean, half_closed, killed, connections_lost;
	uint64_t futile, rehearsed, readings, readings_late;
	uint64_t hooks_failed;
	uint64_t adoptions; /* daemons that this herd was taken over by */
};

struct herd {
	const struct config *config; /* the daemon's; replaced by HERD_RELOAD */
	struct limits limits;
	enum herd_state state;
	msec_t started;

	struct slot slots[HERD_SLOTS_MAX];
	unsigned n_slots; /* wanted */
	struct worker workers[HERD_WORKERS_MAX];
	unsigned cells; /* of workers[] that were ever used */
	struct parent parents[HERD_PARENTS_MAX];
	unsigned last_id;

	unsigned release; /* new workers boot from it; the daemon knows its path */
	struct restart restart;
	struct every every;
	msec_t refork_tried; /* when a worker was last chosen to be the next mold; 0: never */
	unsigned refork_of;  /* the generation of the mold that was in force then */
	struct herd_counters counters;

	msec_t next_tick;
	unsigned reading; /* the worker whose dear reading is under way; 0: none */
	msec_t reading_since;
	bool overdue_told;
	uint64_t statm_slack_bytes; /* gate_slack() of this machine; set by the daemon */
	bool only_rss;              /* the dear readings are not permitted here */
	struct rollup_budget budget;
	struct room room;
	struct futility futile[CAUSE_PERSON]; /* by cause: a guard for each limit */
	bool total_over;    /* as of the last judgement, so that crossing is told once */
	msec_t total_since; /* only figures since then speak for the total */
	msec_t read_at;     /* when the budget allows the next dear reading */
	msec_t next_liveness;
	msec_t last_replaced; /* when the last replacement ended; 0: none yet */
	struct last_replacement last_replacement;
	unsigned last_hook;
	struct hook sample_hook;  /* hooks.after_sample */
	bool sample_hook_failing; /* and that was told */

	bool ever_ready;
	unsigned failed_boots; /* before any worker was ever ready */
	bool degraded_told;
	char gave_up[160]; /* why no first worker came up; "": it isn't so */
	int leave_signal;
	bool hurried;       /* asked twice */
	msec_t stop_at;     /* HERD_WAITING_TO_STOP: stop_delay ends */
	msec_t last_one_at; /* HERD_LEAVING: the last ready worker goes at the latest */
	int exit_code;      /* HERD_LEFT */
	int queue;          /* connections that wait to be accepted; -1 unknown */
	msec_t queue_next;  /* when to look at them again */
	msec_t ask_again;   /* when time alone changes an answer of the policy; MSEC_NEVER */
};

enum herd_event_kind {
	HERD_START,
	HERD_ADOPT,         /* adopt: instead of HERD_START, in a herd that another daemon had */
	HERD_LAUNCHED,      /* worker, number = pid, start_ticks, generation */
	HERD_LAUNCH_FAILED, /* worker, text */
	HERD_TOLD,          /* worker, text: why it will not serve; its end comes by itself */
	HERD_ANSWERED,      /* worker: the probe, or whatever proves it */
	HERD_REFUSED,       /* worker, number = HTTP status (0: late), text = Location, hint */
	HERD_EXITED,        /* worker, number = the signal that ended it (0: none), text = how */
	HERD_STOPPED,       /* worker: SIGSTOP and the like */
	HERD_CONTINUED,     /* worker */
	HERD_REBOOTED,      /* worker: same pid, new image */
	HERD_ALIVE,         /* worker: liveness */
	HERD_READINGS,      /* readings, n */
	HERD_READ,          /* worker, memory, took_usec; error: errno */
	HERD_COUNTED,       /* worker, open, busy; error: errno */
	HERD_HALF_CLOSED,   /* worker, number = how many, left; error: errno */
	HERD_ALLOCATOR,     /* worker, allocator */
	HERD_WARM,          /* worker: it has answered app.refork.requests */
	HERD_PROMOTED,      /* worker: its process is a mold now, and no worker any more */
	HERD_PARENT,        /* parent; text = why, where it has ended */
	HERD_PARENT_READ,   /* generation, memory, took_usec; error: errno */
	HERD_PARENT_HEARD,  /* generation, number = it restarts its workers, text = its status */
	HERD_QUEUE,         /* number = waiting to be accepted */
	HERD_HOOK_ENDED,    /* number = its id; text = why it has failed; NULL: it has not */
	HERD_RESTART,       /* slots, n (0: all), force, number = release, text = by whom */
	HERD_RELEASE,       /* number: boot from that one from now on; the pinned one is gone */
	HERD_RELOAD,        /* config, limits */
	HERD_STOP,          /* number = signal, text = why; the second one hurries */
	HERD_DEADLINE,
};

/* The cheap reading of one worker. */
struct reading {
	unsigned worker;
	uint64_t rss_bytes, swap_bytes;
};

struct herd_event {
	enum herd_event_kind kind;
	unsigned worker; /* id */
	int64_t number;
	int error; /* positive errno; 0: none */
	const char *text, *hint;
	unsigned generation;  /* of a mold, or a cluster's master */
	bool stem;            /* HERD_LAUNCHED: worker.stem */
	uint64_t start_ticks; /* of the process */
	union {
		struct { /* a worker without a pid has no process: what it had was ended */
			const unsigned *gone; /* workers whose process has ended meanwhile */
			size_t n;
			unsigned release; /* new workers come from it; 0: as before */
			bool same_code;   /* it is another number of what is in force */
		} adopt;
		struct {
			unsigned release;
			int pid;
			enum mold_state state;
			msec_t took;  /* MOLD_READY: to load */
			msec_t retry; /* MOLD_BROKEN: until another one is made */
			bool adopted; /* another daemon's master, which goes on */
		} parent;
		struct {
			const struct reading *readings;
			size_t n;
		} readings;
		struct {
			struct memory memory;
			uint64_t took_usec;
		} read;
		struct {
			int open, busy, silent;
		} counted;
		int left;
		const struct allocator *allocator;
		struct {
			const unsigned *slots;
			unsigned n;
			bool force, deploy;
			bool clock; /* nobody knows better than the guards */
		} restart;
		struct {
			const struct config *config;
			const struct limits *limits;
		} reload;
	};
};

enum order_kind {
	ORDER_LAUNCH,      /* worker: start its process and ask it to prove itself */
	ORDER_PROBE,       /* worker: ask it again, from the start */
	ORDER_SIGNAL,      /* worker, number */
	ORDER_PROMOTE,     /* worker: drain, as by TERM, and become a mold */
	ORDER_COUNT,       /* worker: its connections */
	ORDER_CLOSE_IDLE,  /* worker */
	ORDER_CLOSE_BUSY,  /* worker */
	ORDER_READ_ALL,    /* the cheap reading of every worker */
	ORDER_READ,        /* worker: the dear one */
	ORDER_MAKE_PARENT, /* number = release: a mold of it, before a worker is wanted */
	ORDER_READ_PARENT, /* number = generation: the dear one, of a mold */
	ORDER_PROVE,       /* worker: its allocator */
	ORDER_RENEW,       /* worker, a stem: it is to go, which takes a new master for all of them;
			   number: 1: by the clock */
	ORDER_LIVENESS,    /* worker: is it alive */
	ORDER_QUEUE,       /* how many wait to be accepted */
	ORDER_HOOK,     /* number = its id: run it; worker: before that one goes (0: a sample's) */
	ORDER_END_HOOK, /* number = its id: it is late */
	ORDER_FORGET,   /* worker: its last word was told; whatever is kept for it can go */
	ORDER_LEAVE,    /* number = exit code: everything is over */
};

struct order {
	enum order_kind kind;
	unsigned worker;
	int number;
};

#define ORDERS_MAX (HERD_WORKERS_MAX * 4)
#define TOLD_MAX   (HERD_WORKERS_MAX * 2)

/* Large: kept by the daemon, emptied before each step. Order within each list matters. */
struct orders {
	struct order list[ORDERS_MAX];
	size_t len;
	struct event told[TOLD_MAX];
	size_t n_told;
};

/*
 * `h` is zeroed (calloc: most of it is never touched). `config` stays the caller's and must
 * outlive the herd or the next HERD_RELOAD.
 */
void herd_init(struct herd *h, const struct config *config, const struct limits *limits);

void herd_step(struct herd *h, const struct herd_event *event, msec_t now, struct orders *orders);

/* When to feed HERD_DEADLINE; MSEC_NEVER: only events move it on. */
msec_t herd_deadline(const struct herd *h);

/* NULL: no such worker any more. */
struct worker *herd_worker(struct herd *h, unsigned id);

/* The slot's resident, or NULL. */
struct worker *herd_resident(struct herd *h, unsigned slot);

/* Workers that serve (ready or leaving). */
unsigned herd_serving(const struct herd *h);

/* May a worker of that release still be wanted? Its mold is kept for it. */
bool herd_wants_release(const struct herd *h, unsigned release);

/* Nobody is forked from another daemon's: they are kept until there is one of ours. */
bool herd_wants_adopted_molds(const struct herd *h);

/* The newest mold that there is, or was; NULL: none. */
const struct parent *herd_parent(const struct herd *h);

/* Replacements under way. */
unsigned herd_in_flight(const struct herd *h);

/* Sums over all workers and molds; 0 where nothing is known. */
struct herd_memory {
	uint64_t rss_bytes, pss_bytes, uss_bytes;
	bool pss_known; /* of every one; where it isn't, RSS is in the sum */
};
struct herd_memory herd_memory(const struct herd *h);

/*
 * Is the herd over memory.total? `value` is what was compared: ΣPSS, or ΣRSS if need be, of those
 * who serve and are not known to leave, as far as it is known.
 */
bool herd_total_over(const struct herd *h, uint64_t *value);

/* What policy_ask() would be told about this worker, now. For `explain`. */
struct situation herd_situation(const struct herd *h, const struct worker *w, msec_t now);
struct policy herd_policy(const struct herd *h);

/* The figure that workers are judged by here. */
enum memory_figure herd_figure(const struct herd *h);
