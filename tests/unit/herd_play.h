/*
 * A herd on a stage: events are fed, time is a number, and what was ordered and told is looked
 * at. Included by the tests of the herd's parts.
 */
#pragma once

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/herd.h"
#include "suite.h"

#define MIB ((uint64_t)1 << 20)

/* Check writes to a file at each of its assertions: that is too dear for millions of them. */
#define MUST_SAY(condition, ...)                   \
	do {                                       \
		if (!(condition))                  \
			ck_abort_msg(__VA_ARGS__); \
	} while (0)
#define MUST(condition) MUST_SAY(condition, "%s", #condition)

struct stage {
	struct config config;  /* the next one, until stage_reload() */
	struct config held[2]; /* the herd's, and the one before: its strings are config's */
	struct limits limits;
	struct herd *herd;
	struct orders *orders; /* of the last step */
	msec_t now;
	int next_pid;
	size_t told[EVENT_COUNT]; /* how often each was */
	struct event last[EVENT_COUNT];
	bool left;
	int exit_code;
};

static void stage_feed(struct stage *t, struct herd_event event) {
	t->orders->len = t->orders->n_told = 0;
	herd_step(t->herd, &event, t->now, t->orders);
	for (size_t i = 0; i < t->orders->n_told; i++) {
		const struct event *e = &t->orders->told[i];
		t->told[e->id]++;
		t->last[e->id] = *e;
	}
	for (size_t i = 0; i < t->orders->len; i++) {
		if (t->orders->list[i].kind == ORDER_LEAVE) {
			t->left = true;
			t->exit_code = t->orders->list[i].number;
		}
	}
}

UNUSED static const struct order *stage_order(const struct stage *t, enum order_kind kind) {
	for (size_t i = 0; i < t->orders->len; i++) {
		if (t->orders->list[i].kind == kind)
			return &t->orders->list[i];
	}
	return NULL;
}

UNUSED static bool stage_signalled(const struct stage *t, unsigned worker, int signal) {
	for (size_t i = 0; i < t->orders->len; i++) {
		const struct order *o = &t->orders->list[i];
		if (o->kind == ORDER_SIGNAL && o->worker == worker && o->number == signal)
			return true;
	}
	return false;
}

/* Moves time to the next deadline, `until` at most, again and again. It has to move. */
UNUSED static void stage_wait(struct stage *t, msec_t until) {
	int in_place = 0;
	for (msec_t next; (next = herd_deadline(t->herd)) <= until;) {
		in_place = next > t->now ? 0 : in_place + 1;
		ck_assert_msg(in_place < 3, "it spins");
		t->now = msec_max(t->now, next);
		stage_feed(t, (struct herd_event){ .kind = HERD_DEADLINE });
	}
	t->now = msec_max(t->now, until);
}

UNUSED static void stage_open(struct stage *t, unsigned workers) {
	memset(t, 0, sizeof *t);
	t->now = 1000000;
	t->next_pid = 100;
	ck_assert_int_eq(config_defaults(&t->config), 0);
	t->limits = (struct limits){ .workers = workers,
				     .boot_concurrency = workers,
				     .effective_bytes = 8192 * MIB,
				     .soft_bytes = 300 * MIB,
				     .hard_bytes = 600 * MIB,
				     .total_bytes = 4096 * MIB };
	t->herd = calloc(1, sizeof *t->herd);
	t->orders = calloc(1, sizeof *t->orders);
	t->held[0] = t->config;
	herd_init(t->herd, &t->held[0], &t->limits);
}

UNUSED static void stage_close(struct stage *t) {
	config_finish(&t->config);
	free(t->herd);
	free(t->orders);
}

UNUSED static void stage_launched(struct stage *t, unsigned worker) {
	stage_feed(t, (struct herd_event){
			      .kind = HERD_LAUNCHED, .worker = worker, .number = t->next_pid++ });
}

UNUSED static void stage_answered(struct stage *t, unsigned worker) {
	stage_feed(t, (struct herd_event){ .kind = HERD_ANSWERED, .worker = worker });
}

UNUSED static void stage_exited(struct stage *t, unsigned worker) {
	stage_feed(t, (struct herd_event){
			      .kind = HERD_EXITED, .worker = worker, .text = "exit status 0" });
}

/* Boots everybody who is ordered, one after the other, until nobody is. */
UNUSED static void stage_boot_all(struct stage *t) {
	for (bool booted = true; booted;) {
		booted = false;
		for (unsigned i = 0; i < t->herd->cells; i++) {
			struct worker *w = &t->herd->workers[i];
			if (w->life.state != WORKER_BOOTING)
				continue;
			unsigned id = w->id;
			if (w->pid == 0)
				stage_launched(t, id);
			stage_answered(t, id);
			booted = true;
		}
	}
}

/* A dear reading, as if it had been ordered. */
UNUSED static void stage_read(struct stage *t, unsigned worker, uint64_t uss) {
	struct herd_event event = { .kind = HERD_READ, .worker = worker };
	event.read.memory = (struct memory){ .rss_bytes = uss + 20 * MIB,
					     .pss_bytes = uss + 5 * MIB,
					     .uss_bytes = uss };
	event.read.took_usec = 1000;
	stage_feed(t, event);
}

UNUSED static void stage_reload(struct stage *t) {
	struct config *fresh = &t->held[t->herd->config == &t->held[0]];
	struct herd_event event = { .kind = HERD_RELOAD };
	*fresh = t->config;
	event.reload.config = fresh;
	event.reload.limits = &t->limits;
	stage_feed(t, event);
}

/* Between stage_open() and this the configuration may be changed. */
UNUSED static void stage_begin(struct stage *t) {
	unsigned workers = t->limits.workers;
	t->held[0] = t->config;
	herd_init(t->herd, &t->held[0], &t->limits);
	stage_feed(t, (struct herd_event){ .kind = HERD_START });
	stage_boot_all(t);
	ck_assert_uint_eq(herd_serving(t->herd), workers);
	for (unsigned slot = 0; slot < workers; slot++)
		stage_read(t, herd_resident(t->herd, slot)->id, 50 * MIB);
}

UNUSED static void stage_start(struct stage *t, unsigned workers) {
	stage_open(t, workers);
	stage_begin(t);
}

/* The last event of that kind said so. */
UNUSED static const char *stage_said(const struct stage *t, enum event_id id, const char *key) {
	const struct event *e = &t->last[id];
	for (size_t i = 0; i < e->len; i++) {
		if (strcmp(e->fields[i].key, key) == 0)
			return e->fields[i].type == FIELD_TEXT ? e->text + e->fields[i].at
							       : "a number";
	}
	return "";
}

UNUSED static int64_t stage_number(const struct stage *t, enum event_id id, const char *key) {
	const struct event *e = &t->last[id];
	for (size_t i = 0; i < e->len; i++) {
		if (strcmp(e->fields[i].key, key) == 0)
			return e->fields[i].number;
	}
	return -1;
}

UNUSED static unsigned stage_orders(const struct stage *t, enum order_kind kind) {
	unsigned n = 0;
	for (size_t i = 0; i < t->orders->len; i++)
		n += t->orders->list[i].kind == kind;
	return n;
}

/* An event that is nothing but its kind and a worker. */
UNUSED static void stage_happens(struct stage *t, enum herd_event_kind kind, unsigned worker) {
	stage_feed(t, (struct herd_event){ .kind = kind, .worker = worker });
}

UNUSED static void stage_counted(struct stage *t, unsigned worker, int open, int busy) {
	struct herd_event event = { .kind = HERD_COUNTED, .worker = worker };
	event.counted.open = open;
	event.counted.busy = busy;
	stage_feed(t, event);
}

/* A tick: the cheap readings of all who live, each with this RSS. */
UNUSED static void stage_tick(struct stage *t, uint64_t rss) {
	static struct reading readings[HERD_WORKERS_MAX];
	struct herd_event event = { .kind = HERD_READINGS };
	for (unsigned i = 0; i < t->herd->cells; i++) {
		const struct worker *w = &t->herd->workers[i];
		if (w->life.state != WORKER_GONE && w->pid > 0)
			readings[event.readings.n++] =
				(struct reading){ .worker = w->id, .rss_bytes = rss };
	}
	event.readings.readings = readings;
	stage_feed(t, event);
}

UNUSED static void stage_restart(struct stage *t, const unsigned *slots, unsigned n, bool force) {
	struct herd_event event = { .kind = HERD_RESTART, .text = "a test" };
	event.restart.slots = slots;
	event.restart.n = n;
	event.restart.force = force;
	stage_feed(t, event);
}

UNUSED static void stage_deploy(struct stage *t, unsigned release) {
	struct herd_event event = { .kind = HERD_RESTART, .text = "a test", .number = release };
	event.restart.deploy = true;
	stage_feed(t, event);
}

UNUSED static void stage_stop(struct stage *t) {
	stage_feed(t, (struct herd_event){ .kind = HERD_STOP, .text = "SIGTERM" });
}

/* NULL: none is coming up. */
UNUSED static struct worker *stage_find_successor(struct stage *t, unsigned slot) {
	for (unsigned i = 0; i < t->herd->cells; i++) {
		struct worker *w = &t->herd->workers[i];
		if (w->life.state != WORKER_GONE && w->slot == slot && w->role == ROLE_SUCCESSOR)
			return w;
	}
	return NULL;
}

UNUSED static struct worker *stage_successor(struct stage *t, unsigned slot) {
	struct worker *w = stage_find_successor(t, slot);
	ck_assert_ptr_nonnull(w);
	return w;
}

/* The successor of `slot` is launched and proved; returns its id. */
UNUSED static unsigned stage_bring_up(struct stage *t, unsigned slot) {
	unsigned id = stage_successor(t, slot)->id;
	stage_launched(t, id);
	stage_answered(t, id);
	return id;
}

UNUSED static struct worker *stage_resident(struct stage *t, unsigned slot) {
	struct worker *w = herd_resident(t->herd, slot);
	ck_assert_ptr_nonnull(w);
	return w;
}
