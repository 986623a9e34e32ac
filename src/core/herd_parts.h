/* What the parts of the herd (core/herd.h) share; nobody else's business. */
#pragma once

#include "core/herd.h"

/* One step under way: what every part needs. */
struct step {
	struct herd *h;
	msec_t now;
	struct orders *orders;
};

void give_order(struct step *s, enum order_kind kind, unsigned worker, int number);

/* A new event, to add fields to. Beyond TOLD_MAX they are lost: the work itself goes on. */
struct event *tell(struct step *s, enum event_id id);

/* The same with `slot` and `pid` of a worker, if the event's row has them first. */
struct event *tell_of(struct step *s, enum event_id id, const struct worker *w);

struct worker_patience patience_of(const struct config *config);

/* From now on these hold. */
void herd_follow(struct herd *h, const struct config *config, const struct limits *limits);

/* Feeds one event to a worker's life and performs what that means. */
void drive(struct step *s, struct worker *w, enum worker_event event);

/* Everybody who is neither gone nor free. */
#define FOR_EACH_WORKER(h, w)                                                     \
	for (struct worker *w = (h)->workers; w < (h)->workers + (h)->cells; w++) \
		if (w->life.state != WORKER_GONE)

/* herd_slots.c */
struct worker *slot_launch(struct step *s, unsigned slot, enum worker_role role);
void slots_settle(struct step *s); /* launch what is missing, let go what is too many */
void slot_lasted(struct step *s, const struct worker *w); /* its age, before it is forgotten */
void worker_answered(struct step *s, struct worker *w);
void worker_exited(struct step *s, struct worker *w, const char *how);
void worker_abandon(struct step *s, struct worker *w, const char *why);
void count_lost(struct step *s, const struct worker *w); /* with a SIGKILL */
unsigned herd_booting(const struct herd *h);
bool slot_may_boot(const struct herd *h);

/* Somebody who shall go, and why. */
struct wish {
	struct worker *worker;
	enum cause cause;
	const char *why;
	uint64_t value, limit;
	bool sick;     /* it doesn't serve: memory's rules don't hold */
	bool promotes; /* it shall become the next mold (app.refork): nor do they */
};

/* Is it memory's wish, with a figure and a limit? */
bool wish_is_memorys(const struct wish *wish);

#define WISHES_MAX (2 * HERD_SLOTS_MAX + 3) /* of residents */

/* herd_wish.c: sorted, the most pressing first; how many */
size_t wishes_collect(struct step *s, struct wish wishes[WISHES_MAX]);
void ask_again_at(struct step *s, msec_t at); /* settle once more then, if that is to come */

/* herd_situation.c: what is the same for all takes a look at each of them, once */
struct situation situation_common(const struct herd *h, msec_t now);
struct situation situation_of(const struct herd *h, const struct situation *common,
			      const struct worker *w, msec_t now);
#define HUNG_PATIENCE (60 * MSEC_SECOND) /* without a sign of life, beyond app.probe.liveness */
bool worker_is_silent(const struct herd *h, const struct worker *w, msec_t now);

/* herd_choose.c */
void replace_settle(struct step *s);

/* herd_replace.c */
void replacement_let_go(struct step *s, struct worker *old, bool quietly);
void replacement_proved(struct step *s, struct worker *successor);
void replacement_go_on(struct step *s, unsigned slot); /* let the old one go, if it may */
void replacements_settle(struct step *s);              /* all of them */
void replacement_failed(struct step *s, struct worker *successor, const char *reason);
void replacement_old_gone(struct step *s, struct worker *old);
void replacement_refilled(struct step *s, struct worker *resident);
void replacement_unfilled(struct step *s, unsigned slot);

/* herd_hooks.c */
void hook_before_restart(struct step *s, const struct worker *old);
void hook_after_sample(struct step *s);
void hook_ended(struct step *s, const struct herd_event *event);
void hooks_deadline(struct step *s); /* whose time is over, is over */
msec_t hooks_next(const struct herd *h);
void hooks_resume(struct step *s); /* another daemon's went with it */

/* herd_adopt.c */
void adopt_herd(struct step *s, const struct herd_event *event);

/* herd_restart.c */
void restart_ask(struct step *s, const struct herd_event *event);
bool restart_settle(struct step *s);
void restart_slot_over(struct step *s, unsigned slot, bool done);
void restart_boot_failed(struct step *s, const struct worker *w);

/* herd_parent.c */
const struct parent *parent_of(const struct herd *h, unsigned generation); /* or NULL */
void parent_changed(struct step *s, const struct herd_event *event);
void parent_read(struct step *s, const struct herd_event *event);
void parent_heard(struct step *s, const struct herd_event *event);
bool parent_restarts(const struct herd *h, unsigned generation); /* 0: any */
void parents_moved(struct step *s);
void parents_settle(struct step *s, bool total_open); /* each tick: whose reading is due */
bool herd_has_parents(const struct herd *h);          /* does a mold live? */
void parents_sum(const struct herd *h, struct herd_memory *sum);
/* Those that stay, for the total: added to what is known of workers (counts_for_total()). */
void parents_total(const struct herd *h, uint64_t *sum);
bool parents_change(const struct herd *h); /* a deploy: there are two */

/* herd_refork.c */
/* The worker that shall be the next mold now (app.refork), or NULL. */
struct worker *refork_choose(struct step *s);
void refork_note_try(struct step *s, const struct worker *w);

/* herd_every.c */
void every_settle(struct step *s);

/* herd_stem.c */
/* It may go, but for what hangs on it: true if something else is done first, or instead. */
bool stem_stays(struct step *s, const struct worker *w);

/* herd_drain.c */
void drain_settle(struct step *s); /* whose connections are to be counted now */
void drain_counted(struct step *s, struct worker *w, const struct herd_event *event);
void drain_half_closed(struct step *s, struct worker *w, const struct herd_event *event);
msec_t drain_deadline(const struct worker *w);

/* herd_total.c */
void total_anew(struct step *s); /* only figures from now on speak */
void total_judge(struct step *s);
bool total_speaks(const struct herd *h, uint64_t total);
bool total_may_be_over(const struct herd *h, msec_t now);
bool counts_for_total(const struct herd *h, const struct worker *w);

/* herd_memory.c */
void tell_futility(struct step *s, enum futility_change change, enum cause cause);
void memory_readings(struct step *s, const struct herd_event *event);
void memory_read(struct step *s, struct worker *w, const struct herd_event *event);
void memory_fresh(struct step *s, struct worker *w); /* it just became ready */
void memory_sibling_left(struct step *s);
void memory_resume(struct step *s); /* another daemon's figures are this one's */
void memory_new_limits(struct step *s);
void memory_settle(struct step *s);
void memory_deadline(struct step *s);
msec_t memory_next(const struct herd *h);
struct watch_rules watch_rules_of(const struct herd *h);
uint64_t worker_limit_of(const struct herd *h, enum cause cause);

/* herd_leave.c */
void leave_ask(struct step *s, const struct herd_event *event);
void leave_give_up(struct step *s, const char *reason);
void leave_settle(struct step *s);
void leave_resume(struct step *s); /* another daemon was stopping */
void leave_deadline_passed(struct step *s);
msec_t leave_deadline(const struct herd *h);
bool herd_leaves(const struct herd *h);
