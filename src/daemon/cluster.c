#include "daemon/cluster.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cluster_parts.h"
#include "os/clock.h"

#define LOOK_EVERY 0.05 /* seconds; a look costs as much as reading a few small files */

static struct master *of_generation(const struct cluster *c, unsigned generation) {
	struct master *m = c->list;
	while (m != NULL && m->generation != generation)
		m = m->next;
	return m;
}

/* The one that new workers of it come from. */
static struct master *of_release(const struct cluster *c, unsigned release) {
	struct master *m = c->list;
	while (m != NULL && (m->release != release || m->life.state == MOLD_ENDING))
		m = m->next;
	return m;
}

bool cluster_waits_for(const struct cluster *c, unsigned release) {
	for (size_t i = 0; i < c->n_waits; i++) {
		if (c->waits[i].release == release)
			return true;
	}
	return false;
}

struct master *cluster_add(struct cluster *c, unsigned release) {
	struct master *m = calloc(1, sizeof *m);
	if (m == NULL)
		return NULL;
	*m = (struct master){ .next = c->list, .all = c, .release = release, .life = mold_life() };
	ev_timer_init(&m->deadline, master_on_deadline, 0.0, 0.0);
	c->list = m;
	ev_timer_start(c->loop, &c->look);
	return m;
}

static void remove_at(struct master **at) {
	struct master *m = *at;
	*at = m->next;
	ev_timer_stop(m->all->loop, &m->deadline);
	if (m->member != NULL)
		member_forget(m->member);
	free(m);
}

/* Those that are gone, or never were, and that nobody waits for. */
static void sweep(struct cluster *c) {
	for (struct master **at = &c->list; *at != NULL;) {
		struct master *m = *at;
		if (m->life.state == MOLD_GONE && m->member == NULL &&
		    !cluster_waits_for(c, m->release))
			remove_at(at);
		else
			at = &m->next;
	}
	if (c->list == NULL)
		ev_timer_stop(c->loop, &c->look);
}

static void on_report(void *context, const struct herd_event *event) {
	struct cluster *c = context;
	struct master *m = of_generation(c, event->worker);
	if (m == NULL)
		return;
	if (event->kind == HERD_EXITED)
		master_ended(m, event->text);
	else if (event->kind == HERD_READ)
		c->handler->read(c->context, m->generation, event);
}

/* Whoever is told of something may ask for more, or let one go: the next look is soon. */
static void on_look(struct ev_loop *loop UNUSED, ev_timer *w, int revents UNUSED) {
	struct cluster *c = container_of(w, struct cluster, look);
	for (struct master *m = c->list; m != NULL; m = m->next)
		master_look(m);
	sweep(c);
}

void cluster_ask(struct cluster *c, const struct cluster_wait *wait) {
	struct master *m = of_release(c, wait->release);
	assert(c->n_waits < HERD_WORKERS_MAX); /* the herd has no more workers */
	if (m == NULL)
		m = cluster_add(c, wait->release);
	if (m == NULL) {
		c->handler->unborn(c->context, wait->worker, strerror(ENOMEM));
		return;
	}
	c->waits[c->n_waits++] = *wait;
	master_drive(m, MOLD_WANT);
}

static void let_go(struct master *m) {
	enum mold_state before = m->life.state;
	master_drive(m, MOLD_LET_GO);
	if (m->life.state != before)
		master_tell(m, NULL);
}

static bool has_others(const struct master *m, unsigned worker) {
	for (size_t i = 0; i < m->n_known; i++) {
		const struct known *k = &m->known[i];
		if (k->living && k->worker != 0 && k->worker != worker && !k->leaving)
			return true;
	}
	return false;
}

bool cluster_end_master(struct cluster *c, unsigned worker) {
	for (struct master *m = c->list; m != NULL; m = m->next) {
		for (size_t i = 0; i < m->n_known; i++) {
			if (m->known[i].worker != worker)
				continue;
			if (has_others(m, worker) || cluster_waits_for(c, m->release))
				return false;
			let_go(m);
			return true;
		}
	}
	return false;
}

void cluster_leave(struct cluster *c) {
	for (struct master *m = c->list; m != NULL; m = m->next)
		let_go(m);
}

static bool is_used(const struct master *m) {
	return cluster_waits_for(m->all, m->release) || master_count(m).claimed > 0;
}

void cluster_keep(struct cluster *c, bool (*wanted)(const void *context, unsigned release),
		  const void *context) {
	for (struct master *m = c->list; m != NULL; m = m->next) {
		if (m->life.state != MOLD_ENDING && !is_used(m) && !wanted(context, m->release))
			let_go(m);
	}
}

void cluster_read(struct cluster *c, unsigned generation) {
	struct master *m = of_generation(c, generation);
	if (m != NULL && m->member != NULL)
		member_read_memory(m->member);
}

bool cluster_own(const struct cluster *c, pid_t pid) {
	for (const struct master *m = c->list; m != NULL; m = m->next) {
		if (m->member != NULL && m->member->pid == pid)
			return true;
	}
	return false;
}

unsigned cluster_generation(const struct cluster *c) {
	return c->generation;
}

void cluster_continue(struct cluster *c, unsigned generation) {
	if (generation > c->generation)
		c->generation = generation;
}

int cluster_adopt(struct cluster *c, const struct cluster_former *former) {
	msec_t boot = c->launcher->plan->config.app.boot_timeout;
	struct master *m = cluster_add(c, former->release);
	if (m == NULL)
		return -ENOMEM;
	m->generation = former->generation;
	m->member = member_create(&c->owner, former->generation, former->pid, former->pidfd, "");
	if (m->member == NULL)
		return -ENOMEM; /* MOLD_GONE: swept */
	m->restarting = former->restarts;
	m->changed = clock_now();
	m->life = mold_life_taken_over(former->loaded, clock_now(), boot);
	master_drive(m, MOLD_WANT); /* its deadline */
	return 0;
}

void cluster_tell(struct cluster *c) {
	for (struct master *m = c->list; m != NULL; m = m->next) {
		master_tell(m, NULL);
		if (m->restarting)
			master_say(m);
	}
}

void cluster_adopt_worker(struct cluster *c, unsigned generation, unsigned worker, pid_t pid,
			  uint64_t start_ticks, bool leaving) {
	struct master *m = of_generation(c, generation);
	if (m == NULL || m->n_known == HERD_WORKERS_MAX)
		return;
	m->known[m->n_known++] = (struct known){ .pid = pid,
						 .start_ticks = start_ticks,
						 .index = INDEX_UNKNOWN,
						 .worker = worker,
						 .living = true,
						 .leaving = leaving,
						 .old = m->restarting };
}

struct cluster *cluster_create(struct ev_loop *loop, const struct launcher *launcher,
			       struct reader *reader, const struct molds_handler *handler,
			       void *context) {
	struct cluster *c = calloc(1, sizeof *c);
	if (c == NULL)
		return NULL;
	*c = (struct cluster){
		.loop = loop,
		.launcher = launcher,
		.handler = handler,
		.context = context,
		.owner = { .loop = loop,
			   .memory = reader,
			   .sockets = reader,
			   .report = on_report,
			   .context = c },
	};
	ev_timer_init(&c->look, on_look, LOOK_EVERY, LOOK_EVERY);
	return c;
}

void cluster_destroy(struct cluster *c, bool leave) {
	if (c == NULL)
		return;
	while (c->list != NULL) {
		if (!leave)
			master_end_process(c->list);
		remove_at(&c->list);
	}
	ev_timer_stop(c->loop, &c->look);
	member_forget_rest(&c->owner);
	free(c);
}
