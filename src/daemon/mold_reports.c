/* What becomes of molds, of a cluster's master, and of their workers, told to the herd. */
#include <signal.h>
#include <unistd.h>

#include "daemon/identity.h"
#include "daemon/supervisor_parts.h"

static const char *directory(void *context, unsigned *release) {
	struct supervisor *s = context;
	const char *path = releases_path(&s->releases, *release);
	bool is_gone = path == NULL || access(path, X_OK) != 0;
	/* What a deploy would go back to is not worth another one. */
	if (is_gone && *release == s->herd->release)
		(void)find_release_again(s, release);
	return releases_path(&s->releases, *release);
}

static void moved(void *context, unsigned from, unsigned to) {
	supervisor_release_gone(context, from, to);
}

/* Its end is nobody's any more: a child that is not known is reaped (strays.c). */
static void end_unwanted(const struct launched *launched) {
	kill(launched->pid, SIGKILL); /* our child, not reaped: the number is still its */
	close(launched->pidfd);
	if (launched->probe_path[0] != '\0')
		unlink(launched->probe_path);
}

static void born(void *context, unsigned worker, unsigned generation, struct launched *launched) {
	struct supervisor *s = context;
	if (herd_worker(s->herd, worker) == NULL)
		end_unwanted(launched);
	else
		supervisor_take(s, worker, generation, launched);
}

static void unborn(void *context, unsigned worker, const char *why) {
	struct supervisor *s = context;
	supervisor_launch_failed(s, worker, why);
}

/* Puma's own word that it serves: a proof only where it isn't asked. */
static void told(void *context, unsigned worker, enum mold_word word, const char *text) {
	struct supervisor *s = context;
	struct member *m = supervisor_member(s, worker);
	const struct herd_event event = { .kind = HERD_TOLD, .worker = worker, .text = text };
	const struct herd_event warm = { .kind = HERD_WARM, .worker = worker };
	if (word == MOLD_WORD_FAILED)
		feed(s, &event);
	else if (word == MOLD_WORD_WARM)
		feed(s, &warm);
	else if (m != NULL)
		member_notified(m);
}

static void promoted(void *context, unsigned worker, unsigned release) {
	struct supervisor *s = context;
	const struct herd_event event = { .kind = HERD_PROMOTED, .worker = worker };
	feed(s, &event);
	deploy_promoted(s, release);
	s->promoting = 0;
}

static void changed(void *context, const struct mold_facts *facts) {
	struct herd_event event = { .kind = HERD_PARENT,
				    .generation = facts->generation,
				    .text = facts->reason };
	event.parent.release = facts->release;
	event.parent.pid = facts->pid;
	event.parent.state = facts->state;
	event.parent.took = facts->took;
	event.parent.retry = facts->retry;
	event.parent.adopted = facts->adopted;
	if (facts->pid != 0)
		(void)!identity_of(facts->pid, &event.start_ticks);
	struct supervisor *s = context;
	if (facts->release == s->promoting && facts->state == MOLD_BROKEN)
		s->promoting = 0; /* it is not made again: there is the one before */
	feed(s, &event);
}

static void was_read(void *context, unsigned generation, const struct herd_event *event) {
	struct herd_event read = *event;
	read.kind = HERD_PARENT_READ;
	read.worker = 0;
	read.generation = generation;
	feed(context, &read);
}

static unsigned in_force(void *context) {
	const struct supervisor *s = context;
	return s->herd->release;
}

static void resized(void *context, pid_t master, bool more, unsigned workers) {
	struct event e = event_make(more ? EVENT_MASTER_GROWS : EVENT_MASTER_SHRINKS);
	event_number(&e, "pid", master);
	event_number(&e, "workers", workers);
	supervisor_tell(context, &e);
}

static void heard(void *context, unsigned generation, bool restarting, const char *status) {
	const struct herd_event event = { .kind = HERD_PARENT_HEARD,
					  .generation = generation,
					  .number = restarting,
					  .text = status };
	feed(context, &event);
}

static void loops(void *context, unsigned workers, msec_t within) {
	struct event e = event_make(EVENT_MASTER_LOOPS);
	event_number(&e, "workers", workers);
	event_time(&e, "within", within);
	supervisor_tell(context, &e);
}

const struct molds_handler mold_reports = {
	.directory = directory,
	.moved = moved,
	.born = born,
	.unborn = unborn,
	.told = told,
	.promoted = promoted,
	.changed = changed,
	.read = was_read,
	.in_force = in_force,
	.resized = resized,
	.heard = heard,
	.loops = loops,
};
