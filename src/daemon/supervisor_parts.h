/* What the parts of the supervisor share, which are supervisor_take.c, perform.c, requests.c, … */
#pragma once

#include <ev.h>
#include <stdbool.h>
#include <sys/types.h>

#include "core/cgroup.h"
#include "core/herd.h"
#include "core/limit_watch.h"
#include "core/probe.h"
#include "core/releases.h"
#include "daemon/adopt.h"
#include "daemon/cluster.h"
#include "daemon/control.h"
#include "daemon/hooks.h"
#include "daemon/journal.h"
#include "daemon/keep.h"
#include "daemon/launcher.h"
#include "daemon/listeners.h"
#include "daemon/member.h"
#include "daemon/molds.h"
#include "daemon/notify.h"
#include "daemon/output.h"
#include "daemon/past.h"
#include "daemon/plan.h"
#include "daemon/service.h"
#include "daemon/supervisor.h"
#include "daemon/upgrade.h"
#include "os/inherited.h"

#define PENDING_MAX (HERD_WORKERS_MAX + 32) /* one at once for each worker, at most */
#define WAITING_MAX 64

/* Under which a re-exec hands them over (os/hand_over.h). */
#define LOCK_NAME    "lock" /* and so they are called in the runtime directory */
#define CONTROL_NAME "control"

/* An event that waits for the one before it to be performed; its texts are kept here. */
struct pending {
	struct herd_event event;
	char text[320], hint[200];
	struct allocator allocator;
};

/* A client that gets more than one answer, or a late one. */
struct waiting {
	enum waiting_for {
		WAITING_NOBODY,
		WAITING_STATUS, /* until connections are counted */
		WAITING_EVENTS, /* --follow */
		WAITING_RESTART,
		WAITING_STOP,
		WAITING_UPGRADE,
	} what;
	uint64_t client;
};

struct supervisor {
	struct ev_loop *loop;
	const struct plan_source *source;
	struct plan *plan;
	struct herd *herd;
	struct orders *orders;
	struct journal *journal;
	struct past past;
	struct keep keep;
	struct former former;
	struct upgrade upgrade;

	struct runtime_dir dir;
	bool dir_lost; /* it was removed, and can't be made again; told once */
	int lock;
	char control_path[128];
	int control_listener;
	struct control *control;
	struct waiting waiting[WAITING_MAX];
	ev_timer status_late; /* no longer than this for a count */

	struct notify *notify;
	char notify_path[108];

	struct service *service; /* NULL: no service manager */

	struct inherited inherited; /* what we were given when we were started */
	struct listener_set listeners;
	enum listeners_end listeners_end; /* what becomes of them when we leave */
	struct listeners listener_names;
	struct output output;
	struct launcher launcher;
	struct releases releases;
	struct probe_rules probe;
	char probe_request[4096];

	struct reader *memory, *sockets;
	struct member_owner owner;
	struct member *members[HERD_WORKERS_MAX];
	unsigned promoting;      /* the release that a worker shall be the mold of; 0: none */
	struct molds *molds;     /* app.preload; NULL: each worker loads the app itself */
	struct cluster *cluster; /* app.mode: cluster; NULL: another */
	struct hooks *hooks;
	struct reading readings[HERD_WORKERS_MAX];

	struct pending pending[PENDING_MAX]; /* a ring */
	size_t pending_first, pending_len;
	bool feeding;
	int exit_code;

	ev_timer deadline;
	ev_signal term, interrupt, hangup, user2, child;
	ev_prepare strays;
	struct limit_watch limit_watch;
	struct cgroup cgroup; /* ours; what is not known has no directory */
	int64_t restart_txt;  /* its mtime in ns when it was last looked at; 0: it isn't there */
};

/* Every callback ends here, and only here is the world looked at afresh. */
void feed(struct supervisor *s, const struct herd_event *event);

void supervisor_tell(struct supervisor *s, struct event *event);

/* A member's report, for the herd. */
void supervisor_report(void *context, const struct herd_event *event);

/*
 * Before anything is told, so that a second daemon leaves no trace but its message. 0, or -1 with
 * `err`.
 */
NODISCARD int supervisor_take_all(struct supervisor *s, struct error *err);

/* The plan in force has them: each is an event of its own. */
void supervisor_tell_notes(struct supervisor *s, const struct strings *notes);

struct member *supervisor_member(struct supervisor *s, unsigned id);

/* perform.c */
bool supervisor_add_member(struct supervisor *s, struct member *m); /* false: too many */
void perform(struct supervisor *s, const struct order *order);

/* The probe's request and what counts as a yes, from the plan as it is now. */
void perform_new_rules(struct supervisor *s);

/* A process was launched, or forked by a mold, for this worker. `launched` is taken over. */
void supervisor_take(struct supervisor *s, unsigned id, unsigned generation,
		     struct launched *launched);
/* The pinned release was removed: `*release` becomes where the directory leads now, if anywhere. */
bool find_release_again(struct supervisor *s, unsigned *release);
/* And that is told. */
void supervisor_release_gone(struct supervisor *s, unsigned from, unsigned to);
void supervisor_launch_failed(struct supervisor *s, unsigned id, const char *why);

/* perform_hooks.c */
void perform_hook(struct supervisor *s, const struct order *order);
void perform_end_hook(struct supervisor *s, const struct order *order);
void hooks_report(void *context, unsigned id, const char *why); /* hooks_create()'s */

/* mold_reports.c */
extern const struct molds_handler mold_reports;

/* strays.c: children that nobody has asked for are reaped while s->strays is active. */
void strays_init(struct supervisor *s);

/* requests.c */
extern const struct control_handler requests_handler;
void requests_told(void *context, const struct event *event); /* for those who wait */
void requests_counted(struct supervisor *s);
void requests_init(struct supervisor *s);

/*
 * detach.c: ends the loop, and leaves the workers to the next daemon. False: it doesn't, and `why`
 * says so.
 */
bool detach(struct supervisor *s, const char *by, struct text *why);

/*
 * place.c: the runtime directory, and what is ours in it, are made again if they were removed. False:
 * another daemon has them by now, and nobody may be launched into its place.
 */
bool look_at_place(struct supervisor *s);

/* reload.c: `said` becomes what to tell the person. False: nothing was changed. */
bool reload(struct supervisor *s, struct text *said);

/* effective_limit.c: where our cgroup is, as it is now; a change is told and holds. */
void find_effective_limit(struct supervisor *s);
void look_at_effective_limit(struct supervisor *s);

/* The plan in force allows other memory than before. `reason`, or NULL. */
void tell_effective_limit(struct supervisor *s, uint64_t before_bytes, const char *reason);

/* restart --all, or tmp/restart.txt: new code, if there is any. */
void deploy_promoted(struct supervisor *s, unsigned release);
void deploy(struct supervisor *s, const unsigned *slots, unsigned n, bool force, const char *by);
void look_at_restart_txt(struct supervisor *s);
